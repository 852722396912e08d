"""The machine: which cores are used, how the environment of a measured process looks, what the record says of it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Settings that hold a library below what the CPU can do, or would let it use more than one thread.
HINDRANCES = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_VERBOSE",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
)
THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BP_CORE_NUM_THREADS",
)


def clean_environment(threads: int = 1) -> dict[str, str]:
    """Return this process's environment without hindrances and with this number of threads everywhere."""
    environment = {name: value for name, value in os.environ.items() if name not in HINDRANCES}
    environment.update(dict.fromkeys(THREAD_COUNTS, str(threads)))
    environment["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # compiling is not timed
    eigen = "true" if threads > 1 else "false"
    environment["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    environment["JAX_PLATFORMS"] = "cpu"
    environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


def can_pin() -> bool:
    """Return whether this system lets a process choose its cores."""
    return hasattr(os, "sched_setaffinity")


def pin(cores: Sequence[int]) -> None:
    """Hold this process to these cores, where the system can."""
    if can_pin():
        os.sched_setaffinity(0, cores)


def peak_memory() -> int | None:
    """Return the most memory this process has held so far, in bytes; None where the system does not tell.

    Linux: not getrusage, whose figure a process inherits from the one that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return next((1024 * int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")), None)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def usable_cores() -> list[int]:
    """Return the cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if can_pin() else list(range(os.cpu_count() or 1))


def cpu_model() -> str:
    """Return the processor's name."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def cpu_flags() -> set[str] | None:
    """Return the CPU's feature flags; None where the system does not list them."""
    flags = _cpuinfo().get("flags") or _cpuinfo().get("Features")
    return set(flags.split()) if flags else None


def _cpuinfo() -> dict[str, str]:
    """Return the first processor's entries of /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    first = path.read_text().split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def describe_machine() -> dict[str, str | int]:
    """Return what a record says of this machine: nothing that names it."""
    return {
        "cpu": cpu_model(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
    }


def source_version() -> str:
    """Return the commit that this bench belongs to, with "-dirty" where files differ from it; "" without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def python_command(script: str, *arguments: str) -> list[str]:
    """Return a command that runs a script of this folder, which puts this folder, not the clone's root, on sys.path."""
    return [sys.executable, str(HERE / script), *arguments]
