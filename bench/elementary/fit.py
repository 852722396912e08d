"""Fit the polynomials of bp_core/_elementary.pyx: ``python bench/elementary/fit.py`` (needs mpmath).

Each is a weighted minimax polynomial found by the Remez exchange in 60 digits; the weight turns an
error of the polynomial into a relative error of the function that uses it. Prints the coefficients
rounded to the dtype, highest power first, in the order of the Horner steps, and the largest error.
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 60
GRID = 1200
ROUNDS = 12


def exp_rest(r):
    """q in exp(r) = 1 + r + r^2 q(r)."""
    if abs(r) < mp.mpf("1e-8"):
        return mp.mpf(1) / 2 + r / 6 + r * r / 24
    return (mp.exp(r) - 1 - r) / (r * r)


def log_rest(z):
    """P in log((1 + s) / (1 - s)) = 2 s + s z P(z), z = s^2."""
    s = mp.sqrt(z)
    if s < mp.mpf("1e-8"):
        return mp.mpf(2) / 3 + z * 2 / 5
    return (2 * mp.atanh(s) / s - 2) / z


def log_erfc(a):
    """P in log(erfc(a)) = a P(a)."""
    if a < mp.mpf("1e-25"):
        return -2 / mp.sqrt(mp.pi)
    return mp.log(mp.erfc(a)) / a


def erf_weight(a):
    """Relative error of erf(a) = 1 - exp(a P(a)) per error of P."""
    if a < mp.mpf("1e-25"):
        return mp.sqrt(mp.pi) / 2
    return a * mp.erfc(a) / mp.erf(a)


def cospi_rest(z):
    """Q in cos(pi c) = 1 + z Q(z), z = c^2."""
    if z < mp.mpf("1e-25"):
        return -(mp.pi**2) / 2 + mp.pi**4 / 24 * z
    return (mp.cospi(mp.sqrt(z)) - 1) / z


def sinpi_rest(z):
    """S in sin(pi d) = pi d + d z S(z), z = d^2."""
    if z < mp.mpf("1e-25"):
        return -(mp.pi**3) / 6 + mp.pi**5 / 120 * z
    d = mp.sqrt(z)
    return (mp.sinpi(d) / d - mp.pi) / z


HALF_LN2 = mp.log(2) / 2
LARGEST_Z = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
EIGHTH_TURN = mp.mpf(1) / 16  # the square of 1/4: cos(pi / 4) = sin(pi / 4)
TASKS = [  # name, function, weight, from, to, coefficients (float32, float64)
    ("exp_rest", exp_rest, lambda r: abs(r) + mp.mpf("0.05"), -HALF_LN2, HALF_LN2, (6, 10)),
    ("log_rest", log_rest, lambda z: z + LARGEST_Z / 20, mp.mpf(0), LARGEST_Z * mp.mpf("1.001"), (3, 7)),
    ("log_erfc", log_erfc, erf_weight, mp.mpf(0), (mp.mpf(4), mp.mpf(6)), (10, 24)),
    ("cospi_rest", cospi_rest, lambda z: z + EIGHTH_TURN / 20, mp.mpf(0), EIGHTH_TURN, (4, 7)),
    ("sinpi_rest", sinpi_rest, lambda z: (z + EIGHTH_TURN / 20) / mp.pi, mp.mpf(0), EIGHTH_TURN, (3, 6)),
]


def solve(points, values, weights):
    """Coefficients (lowest first) whose weighted error alternates in sign over the points."""
    size = len(points)
    system, right = mp.matrix(size, size), mp.matrix(size, 1)
    for row, (x, value, weight) in enumerate(zip(points, values, weights, strict=True)):
        for power in range(size - 1):
            system[row, power] = x**power
        system[row, size - 1] = (-1) ** row / weight
        right[row] = value
    return list(mp.lu_solve(system, right))[:-1]


def alternating_extrema(errors, count):
    """Indices of the largest error of each run of one sign; the smaller end dropped while too many."""
    best = []
    for i, error in enumerate(errors):
        if best and (error > 0) == (errors[best[-1]] > 0):
            if abs(error) > abs(errors[best[-1]]):
                best[-1] = i
        else:
            best.append(i)
    while len(best) > count:
        best.pop(0 if abs(errors[best[0]]) < abs(errors[best[-1]]) else -1)
    return best


def minimax(function, weight, low, high, count):
    """Remez exchange on a Chebyshev grid; returns the coefficients and the largest weighted error."""
    grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / GRID) for i in range(GRID + 1)]
    values, weights = [function(x) for x in grid], [weight(x) for x in grid]
    chosen = [round(i * GRID / count) for i in range(count + 1)]
    for _ in range(ROUNDS):
        coefficients = solve(*([column[i] for i in chosen] for column in (grid, values, weights)))
        errors = [
            (value - mp.polyval(coefficients[::-1], x)) * w for x, value, w in zip(grid, values, weights, strict=True)
        ]
        extrema = alternating_extrema(errors, count + 1)
        if extrema == chosen or len(extrema) <= count:
            break
        chosen = extrema
    return coefficients, max(map(abs, errors))


def print_constants():
    """The constants kept in two parts: so many leading bits, and what they leave, each a number of the dtype."""
    parts = (("ln 2", mp.log(2), (16, 42)), ("-2 / sqrt(pi)", -2 / mp.sqrt(mp.pi), (24, 53)), ("pi", +mp.pi, (24, 53)))
    for name, value, bits in parts:
        for dtype, count in zip((np.float32, np.float64), bits, strict=True):
            with mp.workprec(count):
                leading = +value
            print(f"{name}: {dtype(float(leading))!r} {dtype(float(value - leading))!r}")


def main():
    print_constants()
    for name, function, weight, low, high, counts in TASKS:
        for which, (dtype, count) in enumerate(zip((np.float32, np.float64), counts, strict=True)):
            top = high[which] if isinstance(high, tuple) else high
            coefficients, error = minimax(function, weight, low, top, count)
            print(f"{name} {dtype.__name__}: {count} coefficients, weighted error 2^{float(mp.log(error, 2)):.1f}")
            for coefficient in reversed(coefficients):
                print("   ", repr(dtype(float(coefficient))))


if __name__ == "__main__":
    main()
