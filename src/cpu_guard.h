/* Importing kernels that this CPU cannot run must raise ImportError, not crash.
 *
 * Everything in a module of kernels is compiled for its instruction set, Cython's own start-up code
 * too. The one thing that runs before that is PyInit_..., which only calls PyModuleDef_Init. Here
 * that call looks at the CPU first. Include it after Python.h, in modules of kernels only.
 */
#ifndef BP_CPU_GUARD_H
#define BP_CPU_GUARD_H

#include "cpu_level.h"
#include "simd.h"

static PyObject *bp_init_if_able(struct PyModuleDef *definition)
{
    if (!bp_cpu_runs(BP_ISA)) {
        PyErr_SetString(PyExc_ImportError, "these kernels are for " BP_ISA ", which this CPU cannot run");
        return NULL;
    }
    return PyModuleDef_Init(definition);
}

#define PyModuleDef_Init bp_init_if_able

#endif
