"""Start-up: what importing an engine costs on top of NumPy, in fresh processes, and how much it installs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

from engines import EngineInfo
from machine import HERE, can_pin, clean_environment, pin
from tables import format_columns

PROGRAM = """
from time import perf_counter
start = perf_counter()
import numpy
then = perf_counter()
import {module}
print(then - start, perf_counter() - then)
"""
HEADER = ("start-up", "version", "import numpy", "then this", "installed MB", "with all it needs", "wheel MB")
SKIPPED = {"numpy"}  # every engine needs it: it is in no sum but its own
MB = 1e6


@dataclass(frozen=True)
class Startup:
    """What one engine costs before it has done anything; times are the best of several processes."""

    engine: str
    version: str
    numpy_ms: float
    import_ms: float
    installed_mb: float
    needed_mb: float
    wheel_mb: float | None  # bp_core only: of a wheel in dist/ or wheelhouse/


def measure_startup(engines: Sequence[EngineInfo], core: int, repeats: int) -> list[Startup]:
    """Return the start-up figures of every engine that is a Python package."""
    measured = [engine for engine in engines if engine.imports and engine.version]
    return [_measure(engine, core, repeats) for engine in measured]


def format_startup(rows: Sequence[Startup]) -> str:
    """Return the table."""
    return format_columns(HEADER, [[_cells(row) for row in rows]], left=(0, 1))


def as_lines(rows: Sequence[Startup]) -> list[dict[str, object]]:
    """Return the rows as a record keeps them."""
    return [asdict(row) for row in rows]


def _cells(row: Startup) -> tuple[str, ...]:
    return (
        row.engine,
        row.version,
        f"{row.numpy_ms:.0f} ms",
        "-" if row.engine == "numpy" else f"{row.import_ms:.0f} ms",
        f"{row.installed_mb:.2f}" if row.installed_mb < 10 else f"{row.installed_mb:.0f}",
        f"{row.needed_mb:.2f}" if row.needed_mb < 10 else f"{row.needed_mb:.0f}",
        "-" if row.wheel_mb is None else f"{row.wheel_mb:.2f}",
    )


def _measure(engine: EngineInfo, core: int, repeats: int) -> Startup:
    times = [_import_times(engine.imports, core) for _ in range(repeats)]
    needed = {engine.distribution, *_requirements(engine.distribution)}
    return Startup(
        engine=engine.name,
        version=engine.version or "",
        numpy_ms=1e3 * min(numpy for numpy, _ in times),
        import_ms=1e3 * min(this for _, this in times),
        installed_mb=_installed_bytes(engine.distribution) / MB,
        needed_mb=sum(map(_installed_bytes, needed)) / MB,
        wheel_mb=_wheel_mb() if engine.name == "bp_core" else None,
    )


def _import_times(module: str, core: int) -> tuple[float, float]:
    """Return the seconds of `import numpy`, and of the module after it, in a new process."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        preexec_fn=partial(pin, [core]) if can_pin() else None,
    )
    numpy, this = map(float, done.stdout.split())
    return numpy, this


def _requirements(distribution: str) -> set[str]:
    """Return the names of all that the distribution needs, directly or not, where installed."""
    found: set[str] = set()
    todo = [distribution]
    while todo:
        for name in _direct_requirements(todo.pop()) - found - SKIPPED:
            found.add(name)
            todo.append(name)
    return found


def _direct_requirements(distribution: str) -> set[str]:
    """Return the names that the distribution requires without extras; markers other than extras are not read."""
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return set()
    names = [re.match(r"[\w.-]+", line) for line in lines if "extra ==" not in line]
    return {re.sub(r"[-_.]+", "-", name.group()).lower() for name in names if name}


def _installed_bytes(distribution: str) -> int:
    """Return the size of the distribution's files; 0 where it is not installed."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return 0
    paths = {Path(str(file.locate())).resolve() for file in files if "__pycache__" not in file.parts}
    return sum(path.stat().st_size for path in paths if path.is_file())


def _wheel_mb() -> float | None:
    """Return the size of the newest wheel built in this clone; None where there is none."""
    wheels = [path for folder in ("dist", "wheelhouse") for path in (HERE.parent / folder).glob("bp_core-*.whl")]
    return max(wheels, key=lambda path: path.stat().st_mtime).stat().st_size / MB if wheels else None
