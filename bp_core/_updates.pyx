"""Optimisers: one fused loop each over a contiguous run of parameters.

A run is the whole buffer or any slice of it; a loop looks at nothing outside its run. It loads a word of each
array before it stores one: the arrays often lie a multiple of 4096 bytes apart, and a load behind a store with the
same low bits of its address waits for it. The formulas are those of torch.optim's classes of the same names, but
that a moment below the normal range is 0: behind a unit that no longer takes part a moment shrinks by a factor
each step, and would end down there for good, where many CPUs compute a hundred times slower.
"""
from bp_core._kernel_table cimport Rule
from bp_core._simd cimport (
    VL, real, vr, vr_abs, vr_add, vr_div, vr_fma, vr_fnma, vr_keep, vr_load, vr_lt, vr_max, vr_min, vr_mul,
    vr_select, vr_set1, vr_settled, vr_sign_of, vr_sqrt, vr_store, vr_sub, vr_with_sign, vr_zero,
)


cdef void update_sgd(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """p -= learning_rate * g"""
    cdef vr rate = vr_set1(rule.learning_rate)
    cdef Py_ssize_t i = 0
    while i < n:
        vr_store(p + i, vr_fnma(rate, vr_load(gradient + i), vr_load(p + i)))
        i += VL


cdef void update_momentum(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """m = carry * m + g; p -= learning_rate * m"""
    cdef vr rate = vr_set1(rule.learning_rate), carry = vr_set1(rule.carry), speed, parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        speed = vr_settled(vr_fma(carry, vr_load(m + i), vr_load(gradient + i)))
        vr_store(m + i, speed)
        vr_store(p + i, vr_fnma(rate, speed, parameter))
        i += VL


cdef void update_nesterov(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """m = carry * m + g; p -= learning_rate * (g + momentum * m)"""
    cdef vr rate = vr_set1(rule.learning_rate), momentum = vr_set1(rule.momentum), carry = vr_set1(rule.carry)
    cdef vr speed, g, parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        g = vr_load(gradient + i)
        speed = vr_settled(vr_fma(carry, vr_load(m + i), g))
        vr_store(m + i, speed)
        vr_store(p + i, vr_fnma(rate, vr_fma(momentum, speed, g), parameter))
        i += VL


cdef void update_rmsprop(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """v = rho * v + (1 - rho) g^2; p -= learning_rate * g / (sqrt(v) + epsilon)"""
    cdef vr rate = vr_set1(rule.learning_rate), epsilon = vr_set1(rule.epsilon)
    cdef vr rho = vr_set1(rule.rho), one_minus_rho = vr_set1(rule.one_minus_rho), g, mean, parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        g = vr_load(gradient + i)
        mean = vr_settled(vr_fma(vr_mul(one_minus_rho, g), g, vr_mul(rho, vr_load(v + i))))
        vr_store(v + i, mean)
        vr_store(p + i, vr_fnma(rate, vr_div(g, vr_add(vr_sqrt(mean), epsilon)), parameter))
        i += VL


cdef void update_adagrad(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """v += g^2; p -= learning_rate * g / (sqrt(v) + epsilon)"""
    cdef vr rate = vr_set1(rule.learning_rate), epsilon = vr_set1(rule.epsilon), g, total, parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        g = vr_load(gradient + i)
        total = vr_fma(g, g, vr_load(v + i))
        vr_store(v + i, total)
        vr_store(p + i, vr_fnma(rate, vr_div(g, vr_add(vr_sqrt(total), epsilon)), parameter))
        i += VL


cdef inline vr adam_step(vr g, real* m, real* v, Py_ssize_t i, const Rule* rule) noexcept nogil:
    """m / (sqrt(v) * root_scale + epsilon), with m and v brought up to date at i."""
    cdef vr mean = vr_fma(vr_set1(rule.one_minus_momentum), g, vr_mul(vr_set1(rule.momentum), vr_load(m + i)))
    cdef vr square = vr_fma(
        vr_mul(vr_set1(rule.one_minus_rho), g), g, vr_mul(vr_set1(rule.rho), vr_load(v + i)))
    mean, square = vr_settled(mean), vr_settled(square)
    vr_store(m + i, mean)
    vr_store(v + i, square)
    return vr_div(mean, vr_fma(vr_sqrt(square), vr_set1(rule.root_scale), vr_set1(rule.epsilon)))


cdef void update_adam(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
    p -= learning_rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)"""
    cdef Rule local = rule[0]           # a copy that no store through p, m or v can alias
    cdef vr rate = vr_set1(local.learning_rate), parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        vr_store(p + i, vr_fnma(rate, adam_step(vr_load(gradient + i), m, v, i, &local), parameter))
        i += VL


cdef void update_adamw(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """p *= 1 - learning_rate * weight_decay, then Adam's update."""
    cdef Rule local = rule[0]
    cdef vr rate = vr_set1(local.learning_rate), kept
    cdef Py_ssize_t i = 0
    while i < n:
        kept = vr_mul(vr_set1(local.keep), vr_load(p + i))
        vr_store(p + i, vr_fnma(rate, adam_step(vr_load(gradient + i), m, v, i, &local), kept))
        i += VL


cdef void update_nadam(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """m and v as Adam's; p -= (gradient_rate g + learning_rate m) / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)"""
    cdef Rule local = rule[0]
    cdef vr g, mean, square, push, parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        g = vr_load(gradient + i)
        mean = vr_fma(vr_set1(local.one_minus_momentum), g, vr_mul(vr_set1(local.momentum), vr_load(m + i)))
        square = vr_fma(vr_mul(vr_set1(local.one_minus_rho), g), g, vr_mul(vr_set1(local.rho), vr_load(v + i)))
        mean, square = vr_settled(mean), vr_settled(square)
        vr_store(m + i, mean)
        vr_store(v + i, square)
        push = vr_fma(vr_set1(local.gradient_rate), g, vr_mul(vr_set1(local.learning_rate), mean))
        vr_store(p + i, vr_sub(parameter, vr_div(
            push, vr_fma(vr_sqrt(square), vr_set1(local.root_scale), vr_set1(local.epsilon)))))
        i += VL


cdef inline vr turned(vr agreement, const Rule* rule) noexcept nogil:
    """What a step is multiplied by: `increase` where two gradients have one sign, `decrease` where they have two."""
    return vr_select(
        vr_lt(vr_zero(), agreement), vr_set1(rule.rho),
        vr_select(vr_lt(agreement, vr_zero()), vr_set1(rule.momentum), vr_set1(<real>1)))


cdef void update_rprop(
    real* p, const real* gradient, real* m, real* v, Py_ssize_t n, const Rule* rule,
) noexcept nogil:
    """m is the gradient before, v the size of the step: times `increase` while the sign of the gradient stays, times
    `decrease` where it turned, and there no step and m = 0; else p -= v sign(g), m = g.

    A v of 0 is none yet: it begins at the learning rate with the first gradient that is not 0, as padding never has.
    """
    cdef Rule local = rule[0]
    cdef vr g, agreement, size, parameter
    cdef Py_ssize_t i = 0
    while i < n:
        parameter = vr_load(p + i)
        g = vr_load(gradient + i)
        size = vr_load(v + i)
        agreement = vr_mul(sign(g, g), sign(vr_load(m + i), g))
        size = vr_mul(turned(agreement, &local), vr_select(vr_lt(vr_zero(), size), size, vr_keep(
            vr_lt(vr_zero(), vr_abs(g)), vr_set1(local.learning_rate))))
        size = vr_keep(vr_lt(vr_zero(), size), vr_max(
            vr_set1(local.epsilon), vr_min(vr_set1(local.largest), size)))
        g = vr_select(vr_lt(agreement, vr_zero()), vr_zero(), g)
        vr_store(m + i, g)
        vr_store(v + i, size)
        vr_store(p + i, vr_fnma(size, sign(g, g), parameter))
        i += VL


cdef void penalize(const real* W, real* gradient, Py_ssize_t n, real l2, real l1) noexcept nogil:
    """gradient += l2 * W + l1 * sign(W); n is a multiple of the word."""
    cdef vr w, pull
    cdef Py_ssize_t i = 0
    while i < n:
        w = vr_load(W + i)
        pull = vr_keep(vr_lt(vr_zero(), vr_abs(w)), vr_with_sign(vr_set1(l1), vr_sign_of(w)))
        vr_store(gradient + i, vr_add(vr_fma(vr_set1(l2), w, pull), vr_load(gradient + i)))
        i += VL


cdef void scale(real* gradient, Py_ssize_t n, real factor) noexcept nogil:
    """gradient *= factor; n is a multiple of the word."""
    cdef Py_ssize_t i = 0
    while i < n:
        vr_store(gradient + i, vr_mul(vr_set1(factor), vr_load(gradient + i)))
        i += VL


cdef void add(const real* part, real* sum, Py_ssize_t n) noexcept nogil:
    """sum += part; n is a multiple of the word."""
    cdef Py_ssize_t i = 0
    while i < n:
        vr_store(sum + i, vr_add(vr_load(sum + i), vr_load(part + i)))
        i += VL


cdef void average(real* mean, const real* p, Py_ssize_t n, real share) noexcept nogil:
    """mean += share * (p - mean); n is a multiple of the word."""
    cdef vr old
    cdef Py_ssize_t i = 0
    while i < n:
        old = vr_load(mean + i)
        vr_store(mean + i, vr_fma(vr_set1(share), vr_sub(vr_load(p + i), old), old))
        i += VL
