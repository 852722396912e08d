"""The derivatives of every activation and loss, as formulas to be read.

The numbers beside them are the core's. A formula speaks of ``z``, ``a`` and ``y``; the names of a unit are put in
their place.
"""

from __future__ import annotations

import re

from bp_core.losses import OUTPUTS

ACTIVATION = {
    "identity": "{z}",
    "sigmoid": "sigmoid({z})",
    "tanh": "tanh({z})",
    "relu": "max(0, {z})",
    "leaky_relu": "0.01 {z}",
    "elu": "exp({z}) - 1",
    "gelu": "{z} Phi({z})",
    "silu": "{z} sigmoid({z})",
    "softplus": "log(1 + exp({z}))",
    "softsign": "{z} / (1 + abs({z}))",
    "exp": "exp({z})",
}
"""f(z); of leaky_relu and elu where z <= 0, beyond it is z itself."""

LOSS = {
    "half_squared_error": ("1/2 ", "({y} - {a})^2"),
    "mse": ("1/{m} ", "({y} - {a})^2"),
    "mae": ("1/{m} ", "abs({y} - {a})"),
    "huber": ("1/{m} ", "huber({y} - {a})"),
    "quantile": ("1/{m} ", "quantile({y} - {a})"),
    "log_cosh": ("1/{m} ", "log(cosh({y} - {a}))"),
    "poisson": ("", "{y} log({y} / {a}) - {y} + {a}"),
    "binary_cross_entropy": ("-1/{m} ", "({y} log({a}) + (1 - {y}) log(1 - {a}))"),
    "cross_entropy": ("-", "{y} log({a})"),
}
"""E of one row with m outputs: what stands before the sum over them, and its terms."""

NOTE = {
    "huber": ("huber(r) = r^2/2 where abs(r) <= {t}, else {t} (abs(r) - {t}/2)", ""),
    "quantile": ("quantile(r) = max({t} r, ({t} - 1) r)", ""),
    "poisson": ("dE/dz = dE/da * da/dz = (1 - y / a) a = a - y", ""),
    "binary_cross_entropy": ("dE/dz = dE/da * da/dz = (a - y) / (a (1 - a)) * a (1 - a) = a - y", ""),
    "cross_entropy": ("dE/dz = a - y", ", softmax and cross-entropy together"),
}
"""What there is to say about a loss: a formula, and words behind it."""

FEW = 4
"""Outputs whose terms of E, or of a softmax, are written one by one."""


def activation_formula(activation: str, z: str, positive: bool, layer: list[str]) -> str:
    """The formula of a for the unit whose pre-activation is called z.

    ``positive`` tells the side of a kink; ``layer`` names the z of all its units, for a softmax.
    """
    if activation == "softmax":
        terms = [f"exp({name})" for name in layer]
        return f"exp({z}) / ({' + '.join(terms if len(terms) <= FEW else [terms[0], '...', terms[-1]])})"
    if positive and activation in ("leaky_relu", "elu"):
        return z
    return ACTIVATION[activation].format(z=z)


def loss_formula(loss: str, pairs: list[tuple[str, str]], m: int) -> str:
    """E of one row over the names (a, y) of its m outputs; of many the general term."""
    before, term = LOSS[loss]
    before = before.replace("1/{m} ", "") if m == 1 else before.format(m=m)
    if m > FEW:
        general = term.format(a="a", y="y")
        return f"{before}sum ({general})" if is_sum(general) else f"{before}sum {general}"
    terms = " + ".join(term.format(a=a, y=y) for a, y in pairs)
    return f"{before}({terms})" if before and m > 1 else before + terms


def slope(activation: str, z: str, a: str, positive: bool) -> str:
    """The formula of da/dz for the unit whose names are z and a; ``positive`` tells the side of a kink."""
    kinked = {"relu": "0", "leaky_relu": "0.01", "elu": f"{a} + 1"}
    if activation in kinked:
        return f"1 as {z} > 0" if positive else f"{kinked[activation]} as {z} <= 0"
    return {
        "identity": "1",
        "sigmoid": f"{a} (1 - {a})",
        "tanh": f"1 - {a}^2",
        "gelu": f"Phi({z}) + {z} phi({z})",
        "silu": f"sigmoid({z}) + {a} (1 - sigmoid({z}))",
        "softplus": f"sigmoid({z})",
        "softsign": f"(1 - abs({a}))^2",
        "exp": a,
    }[activation]


def by_output(loss: str, a: str, y: str, m: int, parameter: float, residual: float) -> str:
    """The formula of dE/da for one of m outputs; of a loss computed from z that of dE/dz.

    ``residual``, a - y, tells the side of a kink.
    """
    share, t = f" / {m}" if m > 1 else "", f"{parameter:g}"
    if loss == "quantile":
        return _tilt(a, y, share, parameter, residual)
    return {
        "half_squared_error": f"{a} - {y}",
        "mse": f"2 ({a} - {y}){share}",
        "mae": f"sign({a} - {y}){share}",
        "huber": f"clip({a} - {y}, -{t}, {t}){share}",
        "log_cosh": f"tanh({a} - {y}){share}",
        "poisson": f"{a} - {y}",
        "binary_cross_entropy": f"({a} - {y}){share}" if share else f"{a} - {y}",
        "cross_entropy": f"{a} - {y}",
    }[loss]


def _tilt(a: str, y: str, share: str, level: float, residual: float) -> str:
    """dE/da of the quantile loss: it costs 1 - level to lie above a target, level to lie below it."""
    if residual == 0:
        return f"0 as {a} = {y}"
    return f"(1 - {level:g}){share} as {a} > {y}" if residual > 0 else f"-{level:g}{share} as {a} < {y}"


def joined(loss: str) -> bool:
    """Whether a loss is computed from z, and has dE/dz where others have dE/da * da/dz."""
    return loss in OUTPUTS


def beyond_formula(loss: str, a: list[float], y: list[float]) -> str:
    """Why the formula of E has no number for these outputs and targets: which of them is what; or nothing."""
    if loss == "poisson":
        return "a y is 0" if 0 in y else ("an a is 0" if 0 in a else "")
    return "an a is 0 or 1" if joined(loss) and (0 in a or 1 in a) else ""


def is_sum(formula: str) -> bool:
    """Whether a formula needs brackets in a product: something is added outside all brackets."""
    outside = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", formula))
    return bool(re.search(r" [-+] | as ", outside)) or formula.startswith("-")
