"""Measure the largest error of every elementary function, at every instruction set this CPU has.

``python bench/elementary/check.py`` looks at all 2^32 float32 inputs and at a random sample of
float64 inputs; it needs gcc with libquadmath. ``--functions``, ``--dtypes``, ``--samples`` and
``--processes`` narrow or speed it up. One line per function, dtype and level: the largest error in
units in the last place of the true value, and an input where it occurs.
"""

import argparse
import ctypes
import functools
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from bp_core import _dispatch, _engine_f32, _engine_f64

NAMES = _engine_f32.ELEMENTARY[:-1]  # not sqrt, which is exact
ENGINES = {"float32": _engine_f32, "float64": _engine_f64}
CHUNK = 2**16
POINTER = ctypes.c_void_p


def build_library(folder):
    """Compile ulp.c into the folder; returns the library's path."""
    path = Path(folder) / "ulp.so"
    source = Path(__file__).with_name("ulp.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", source, "-o", path, "-lquadmath", "-lm"], check=True)
    return str(path)


@functools.cache
def library(path, dtype):
    """(true values, worst error) of ulp.c, see there."""
    loaded = ctypes.CDLL(path)
    true, worst = loaded[f"true_{dtype}"], loaded[f"worst_{dtype}"]
    true.argtypes = [ctypes.c_int, POINTER, POINTER, ctypes.c_long]
    worst.argtypes = [ctypes.c_int, POINTER, POINTER, POINTER, ctypes.c_long, POINTER]
    true.restype, worst.restype = None, ctypes.c_double
    return true, worst


def inputs(dtype, chunk):
    """Chunk number `chunk`: consecutive bit patterns of float32, or a random sample of float64."""
    if dtype == "float32":
        return np.arange(chunk * CHUNK, (chunk + 1) * CHUNK, dtype=np.uint64).astype(np.uint32).view(np.float32)
    words = np.random.PCG64(chunk).random_raw(CHUNK)
    if chunk % 2:
        return words.view(np.float64)  # every exponent
    fraction = (words >> np.uint64(11)) * 2.0**-52 - 1.0
    return fraction * 2.0 ** (chunk // 2 % 24 - 12)  # dense where the functions bend


def worst_of_chunk(path, dtype, names, chunk):
    """{(name, level): (error, x)} of one chunk."""
    true_values, worst_error = library(path, dtype)
    x = inputs(dtype, chunk)
    got, want, worst_x = np.empty_like(x), np.empty(2 * len(x), np.float64), np.zeros(1, x.dtype)
    found = {}
    for name in names:
        which = NAMES.index(name)
        true_values(which, x.ctypes.data, want.ctypes.data, len(x))
        for level in _dispatch.levels():
            _dispatch.switch(level)
            ENGINES[dtype].elementary(name, x, got)
            error = worst_error(which, x.ctypes.data, got.ctypes.data, want.ctypes.data, len(x), worst_x.ctypes.data)
            found[name, level] = error, worst_x[0]
    return found


def worst_of_all(path, dtype, names, chunks, processes):
    """{(name, level): (error, x)} over all chunks."""
    found = {}
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(functools.partial(worst_of_chunk, path, dtype, names), range(chunks), chunksize=16):
            for key, value in part.items():
                found[key] = max(found.get(key, (-1.0, 0.0)), value, key=lambda pair: pair[0])
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--dtypes", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--samples", type=int, default=20_000_000, help="of float64")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        path = build_library(folder)
        for dtype in options.dtypes:
            chunks = 2**32 // CHUNK if dtype == "float32" else -(-options.samples // CHUNK)
            found = worst_of_all(path, dtype, options.functions, chunks, options.processes)
            for (name, level), (error, x) in sorted(found.items()):
                print(f"{name:8} {dtype} {level:5} {error:.4f} at {x!r}", flush=True)


if __name__ == "__main__":
    main()
