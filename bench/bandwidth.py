"""The measured bandwidth of memory: NumPy adds to an array far larger than the caches, in place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from machine import can_pin, clean_environment, pin

PROGRAM = """
from time import perf_counter
import numpy as np
array = np.ones(1 << 27, np.float32)
best = float("inf")
for _ in range(6):
    start = perf_counter()
    np.add(array, 1, out=array)
    best = min(best, perf_counter() - start)
print(2 * array.nbytes / best)
"""


def measure_bandwidth(cores: Sequence[int]) -> float:
    """Return the bytes per second that all these cores together read and write at a time."""
    processes = [_start(core) for core in cores]
    return sum(float(process.communicate()[0]) for process in processes)


def _start(core: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        preexec_fn=partial(pin, [core]) if can_pin() else None,
    )
