"""Names of the activations, in the order in which the compiled core numbers them.

===========  ======================================================
name         f(z)
===========  ======================================================
identity     z
sigmoid      1 / (1 + exp(-z))
tanh         tanh(z)
relu         max(0, z)
leaky_relu   z for z > 0, else 0.01 z
elu          z for z > 0, else exp(z) - 1
gelu         z Phi(z), Phi the normal distribution function, by erf
silu         z sigmoid(z)
softplus     log(1 + exp(z))
softsign     z / (1 + abs(z))
exp          exp(z)
softmax      exp(z_j) / sum_i exp(z_i), for the output only
===========  ======================================================
"""

from collections.abc import Sequence

from bp_core._names import look_up_each

HIDDEN = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "softsign", "exp")
OUTPUT = (*HIDDEN, "softmax")
CODES = {name: code for code, name in enumerate(OUTPUT)}

RELU_KIN = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
"""Activations that pass positive z on about unchanged: their layers start from He's weights."""

KINKED = ("relu", "leaky_relu")
"""Activations with a kink at z = 0, where a central difference says nothing."""


def look_up_hidden(hidden: str | Sequence[str], count: int) -> tuple[str, ...]:
    """One activation for each of ``count`` hidden layers."""
    if hidden == "softmax" or (isinstance(hidden, (list, tuple)) and "softmax" in hidden):
        raise ValueError(f"softmax is for the output only; a hidden layer takes one of {', '.join(HIDDEN)}")
    return look_up_each("hidden activation", hidden, count, HIDDEN, "hidden layers")
