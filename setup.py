"""The compiled modules and their flags. Everything else is in pyproject.toml.

Kernels are compiled once per instruction set and dtype; the rest for every CPU of the platform.
"""

import os
import platform
import sys
import sysconfig

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
MSVC = sys.platform == "win32"

HEADERS = "real simd random_words clock barrier bit_generator cpu_level cpu_guard"
DEPENDS = [f"src/{name}.h" for name in HEADERS.split()]
DTYPES = {"f32": [], "f64": [("BP_F64", None)]}
GCC_FLAGS = {
    "base": [],
    "v3": ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt"],
    "v4": "-mavx2 -mfma -mbmi -mbmi2 -mlzcnt -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl".split(),
    "neon": [],
}
MSVC_FLAGS = {"base": [], "v3": ["/arch:AVX2"], "v4": ["/arch:AVX512"], "neon": []}

# A register tile is a function of its own, its loops over rows and words wholly unrolled: else it goes through memory.
# What is left of a loop that the compiler made words of is no second loop of shorter words: that is only size.
TILE_FLAGS = "-fno-inline-functions-called-once --param=max-completely-peeled-insns=1000".split()
TILE_FLAGS += "--param=max-completely-peel-times=24 --param=vect-epilogues-nomask=0".split()
# The engine's loops call kernels: where they start in memory costs nothing but size.
ENGINE_FLAGS = [] if MSVC else "-falign-functions=1 -falign-loops=1 -falign-jumps=1 -falign-labels=1".split()


def target_machine():
    """The CPU family compiled for; ARCHFLAGS names it where macOS builds for another."""
    flags = os.environ.get("ARCHFLAGS", "").split()
    named = {word for word in flags if word in ("x86_64", "arm64")}
    return named.pop() if len(named) == 1 else platform.machine().lower()


def levels():
    """The instruction sets built, lowest first."""
    machine = target_machine()
    if machine in ("arm64", "aarch64"):
        return ["neon"]
    if machine in ("x86_64", "amd64") and sys.platform != "darwin":
        return ["base", "v3", "v4"]
    return ["base"]


def common_flags():
    """Flags of every module: no contraction of a product and a sum into an FMA that is not written."""
    if MSVC:
        return ["/O2", "/fp:precise"]
    return ["-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden", "-fno-asynchronous-unwind-tables", "-g0"]


def link_flags():
    """No table of local symbols: it is a tenth of a wheel."""
    return ["-Wl,-s"] if sys.platform == "linux" else []


def extension(name, *, optimise="-O2", sources=(), macros=(), flags=()):
    optimise = [] if MSVC else optimise.split()
    limited = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")]
    return Extension(
        f"bp_core.{name}",
        [f"bp_core/{name}.pyx", *sources],
        include_dirs=["src"],
        define_macros=[*limited, *macros],
        extra_compile_args=[*optimise, *common_flags(), *flags],
        extra_link_args=link_flags(),
        depends=DEPENDS,
        py_limited_api=not FREE_THREADED,
    )


def kernel_modules():
    """One module per instruction set and dtype; its small functions are always inlined."""
    inline = "__forceinline" if MSVC else "__inline__ __attribute__((always_inline))"
    for level in levels():
        for dtype, macros in DTYPES.items():
            yield extension(
                f"_kernels_{level}_{dtype}",
                optimise="-O2 -fpeel-loops" if level == "base" else "-O3",
                sources=["src/cpu_level.c"],
                macros=[*macros, (f"BP_ISA_{level.upper()}", None), ("CYTHON_INLINE", inline)],
                flags=MSVC_FLAGS[level] if MSVC else [*GCC_FLAGS[level], *TILE_FLAGS],
            )


def modules():
    built = "_".join(levels())
    return [
        *kernel_modules(),
        extension("_dispatch", optimise="-Os", sources=["src/cpu_level.c"], macros=[("BP_LEVELS", built)]),
        *(extension(f"_engine_{dtype}", macros=macros, flags=ENGINE_FLAGS) for dtype, macros in DTYPES.items()),
    ]


DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
}

setup(
    ext_modules=cythonize(modules(), compiler_directives=DIRECTIVES, nthreads=os.cpu_count() or 1),
    cmdclass={"build_ext": build_ext},
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
