"""Chooses the kernels at import: the only file that knows the names of instruction sets.

The best level that this CPU can run is used. ``BP_CORE_ISA`` may lower it. The engines read the
tables in use through a slot, one per dtype, so that :func:`switch` needs no word with them.
"""
import importlib
import os

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New

from bp_core._kernel_table cimport Kernels

cdef extern from "cpu_level.h":
    const char* bp_cpu_level()

cdef extern from *:
    """
    #define BP_STRING_(x) #x
    #define BP_STRING(x) BP_STRING_(x)
    static const char bp_built_levels[] = BP_STRING(BP_LEVELS);
    """
    const char* bp_built_levels      # lowest first, with an underscore between two

cdef void* slot_f32 = NULL           # the struct Kernels of the level in use
cdef void* slot_f64 = NULL
slots = {
    "f32": PyCapsule_New(&slot_f32, "bp_core.slot/1/f32", NULL),
    "f64": PyCapsule_New(&slot_f64, "bp_core.slot/1/f64", NULL),
}

cdef str used = ""


def built_levels():
    """The levels this build holds kernels for, lowest first."""
    return tuple((<bytes>bp_built_levels).decode().split("_"))


def cpu_level():
    """The best built level that this CPU can run."""
    cdef str best = (<bytes>bp_cpu_level()).decode()
    return best if best in built_levels() else built_levels()[0]


def levels():
    """The levels that may be used here, lowest first: up to the CPU's, or to what ``BP_CORE_ISA`` allows."""
    built = built_levels()
    return built[:built.index(allowed_level()) + 1]


def allowed_level():
    """The level that ``BP_CORE_ISA`` asks for, else the CPU's."""
    best = cpu_level()
    asked = os.environ.get("BP_CORE_ISA", "")
    if not asked:
        return best
    built = built_levels()
    if asked not in ("base", "v3", "v4", "neon"):
        raise ImportError(f"BP_CORE_ISA={asked}: unknown; expected one of {', '.join(built)}")
    if asked not in built:
        raise ImportError(f"BP_CORE_ISA={asked}: this build has {', '.join(built)}")
    if built.index(asked) > built.index(best):
        raise ImportError(f"BP_CORE_ISA={asked}: this CPU has {best} at most")
    return asked


def isa():
    """The instruction set in use: "base", "v3", "v4" or "neon"."""
    return used


cdef void* table(str level, str dtype) except NULL:
    """The struct Kernels of a level and dtype, asked for by its full name."""
    module = importlib.import_module(f"bp_core._kernels_{level}_{dtype}")
    name = f"bp_core.kernels/4/{level}/{dtype}".encode()
    return PyCapsule_GetPointer(module.kernels, name)


def null_entries(str level):
    """The entries of a level's two tables that hold no kernel, by position. For tests: must be empty."""
    cdef void** entries
    missing = []
    for dtype in slots:
        entries = <void**>table(level, dtype)
        missing += [f"{dtype}[{i}]" for i in range(sizeof(Kernels) // sizeof(void*)) if entries[i] == NULL]
    return missing


def switch(str level):
    """Use the kernels of ``level`` from now on. For tests: no engine may be running."""
    global slot_f32, slot_f64, used
    if level not in levels():
        raise ValueError(f"level {level!r} cannot be used here; expected one of {', '.join(levels())}")
    cdef void* single = table(level, "f32")
    cdef void* double_ = table(level, "f64")
    if level == "v4":                # its words of 16 float32 are slower where 8 units are many
        (<Kernels*>single).small = table("v3", "f32")
    slot_f32, slot_f64, used = single, double_, level


switch(allowed_level())
