"""The measured peak: builds `peak.c` with the C compiler of this machine, where there is one, and runs it pinned."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from machine import HERE, can_pin, cpu_flags, pin

# What each instruction set needs: the CPU's flags, and the compiler's.
X86_LEVELS = {
    "avx512": ({"avx512f"}, ["-mavx512f"]),
    "avx2": ({"avx2", "fma"}, ["-mavx2", "-mfma"]),
    "base": (set(), []),
}
SECONDS = 0.1


@dataclass
class Peak:
    """The best rate seen in this run over all its cores, in GFLOP/s by dtype; empty without a compiler."""

    programs: list[Path]
    best: dict[str, float] = field(default_factory=dict)
    level: dict[str, str] = field(default_factory=dict)

    def measure(self, cores: Sequence[int]) -> None:
        """Run every program once, on all cores at a time; keep what is better than before."""
        for program in self.programs:
            outputs = [process.communicate()[0].split() for process in [_start(program, core) for core in cores]]
            if not all(outputs):
                continue  # an instruction set that this CPU or system lacks
            for column, dtype in enumerate(("float32", "float64"), start=1):
                rate = sum(float(output[column]) for output in outputs)
                if rate > self.best.get(dtype, 0.0):
                    self.best[dtype], self.level[dtype] = rate, outputs[0][0]


def _start(program: Path, core: int) -> subprocess.Popen[str]:
    """Start the program, held to this core."""
    hold = partial(pin, [core]) if can_pin() else None
    command = [str(program), str(SECONDS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=hold)


def build_peak(folder: Path) -> Peak:
    """Compile `peak.c` into `folder` for the widest instruction sets of this CPU."""
    compiler = _compiler()
    if compiler is None:
        return Peak([])
    programs = []
    for name, flags in _levels().items():
        program = folder / f"peak_{name}"
        command = [*compiler, "-O2", *flags, str(HERE / "peak.c"), "-o", str(program)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            programs.append(program)
    return Peak(programs)


def _compiler() -> list[str] | None:
    """Return the C compiler's command: $CC, cc, gcc or clang."""
    for command in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return words
    return None


def _levels() -> dict[str, list[str]]:
    """Return the compiler's flags for each instruction set worth trying, by name."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return {"native": []}
    flags = cpu_flags()
    able = {name: flags_c for name, (needs, flags_c) in X86_LEVELS.items() if flags is None or needs <= flags}
    wide = {name: flags_c for name, flags_c in able.items() if name != "base"}
    return wide or able
