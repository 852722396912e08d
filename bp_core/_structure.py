"""The structure of a network: layer sizes, and what a list of arrays says of it."""

import math
import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks

Real = NDArray[Any]
BIAS_MODES = ("none", "layer", "unit")
"""In the order of the engine's codes."""

MAX_PARAMETERS = 2**40
MAX_UNITS = 2**30


class Structure(NamedTuple):
    """What a network is, but for its parameters: names for each layer."""

    layer_sizes: tuple[int, ...]
    hidden: tuple[str, ...]
    output: str
    bias: tuple[str, ...]
    dtype: np.dtype[Any]

    def as_arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {
            "layer_sizes": list(self.layer_sizes),
            "hidden": list(self.hidden),
            "output": self.output,
            "bias": list(self.bias),
            "dtype": self.dtype.name,
        }


def check_sizes(layer_sizes: object) -> tuple[int, ...]:
    """Sizes as a tuple of at least two ints, each at least 1."""
    if not isinstance(layer_sizes, (Sequence, np.ndarray)) or isinstance(layer_sizes, (str, bytes)):
        raise TypeError(f"layer_sizes is {layer_sizes!r}; expected a sequence of sizes such as (2, 3, 1)")
    if len(layer_sizes) < 2:
        raise ValueError(f"layer_sizes is {layer_sizes!r}; expected at least two sizes, inputs and outputs")
    sizes = []
    for l, size in enumerate(layer_sizes):
        try:
            sizes.append(operator.index(size))
        except TypeError:
            raise TypeError(f"layer_sizes[{l}] is {size!r}; expected a whole number of units") from None
        if sizes[-1] < 1 or isinstance(size, bool):
            raise ValueError(f"layer_sizes[{l}] is {size!r}; a layer needs at least 1 unit")
    if max(sizes) > MAX_UNITS:
        raise ValueError(f"layer_sizes {tuple(sizes)} have a layer of {max(sizes)} units; expected at most {MAX_UNITS}")
    total = math.fsum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
    if total > MAX_PARAMETERS:
        raise ValueError(f"layer_sizes {tuple(sizes)} mean {total:g} parameters; expected at most 2**40")
    return tuple(sizes)


def check_arrays(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike | None] | None
) -> tuple[list[Real], list[Real]]:
    """Weights and biases as arrays, one of each per layer; an absent bias is empty."""
    if weights is None:
        raise TypeError("weights is None; expected a sequence of arrays, one for each layer")
    W = [_check_weights(l, array) for l, array in enumerate(weights)]
    given = [None] * len(W) if biases is None else list(biases)
    if len(given) != len(W):
        raise ValueError(f"{len(given)} biases for {len(W)} weights; expected one for each")
    return W, [_check_bias(l, array, W[l].shape[1]) for l, array in enumerate(given)]


def read_arrays(weights: list[Real], biases: list[Real]) -> tuple[tuple[int, ...], tuple[str, ...], str]:
    """The layer sizes, bias modes and dtype that checked arrays mean."""
    modes = tuple(_bias_mode(b, W.shape[1]) for W, b in zip(weights, biases, strict=True))
    single = all(part.dtype in (np.float16, np.float32) for part in (*weights, *biases) if part.size)
    return _sizes_of(weights), modes, "float32" if single else "float64"


def _check_weights(l: int, array: ArrayLike) -> Real:
    W = _checks.numeric(f"weights[{l}]", array)
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(f"weights[{l}] has shape {W.shape}; expected (fan_in, fan_out), each at least 1")
    return W


def _sizes_of(weights: list[Real]) -> tuple[int, ...]:
    """Layer sizes of weights that fit one behind the other."""
    if not weights:
        raise ValueError("weights is empty; expected one array for each layer")
    for l in range(1, len(weights)):
        before, W = weights[l - 1], weights[l]
        if W.shape[0] != before.shape[1]:
            raise ValueError(
                f"weights[{l}] has shape {W.shape}; expected ({before.shape[1]}, ...) after {before.shape}"
            )
    return (weights[0].shape[0], *(W.shape[1] for W in weights))


def _check_bias(l: int, array: ArrayLike | None, fan_out: int) -> Real:
    b = np.empty(0, np.float32) if array is None else np.atleast_1d(_checks.numeric(f"biases[{l}]", array))
    if b.shape not in ((fan_out,), (1,), (0,)):
        raise ValueError(f"biases[{l}] has shape {b.shape}; expected ({fan_out},), (1,) for a shared bias, or (0,)")
    return b


def _bias_mode(b: Real, fan_out: int) -> str:
    if b.size == 0:
        return "none"
    return "unit" if b.size == fan_out else "layer"


def table(weights: tuple[Real, ...], biases: tuple[Real, ...], names: tuple[str, ...], modes: tuple[str, ...]) -> str:
    """The layers as text: sizes, activation, bias, parameters."""
    lines = [f"{'layer':>5}  {'inputs':>6}  {'units':>5}  {'activation':<10}  {'bias':<5} {'parameters':>10}"]
    total = 0
    for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
        fan_in, fan_out = W.shape
        lines.append(f"{l:>5}  {fan_in:>6}  {fan_out:>5}  {names[l]:<10}  {modes[l]:<5} {W.size + b.size:>10}")
        total += W.size + b.size
    return "\n".join([*lines, f"{total} parameters in {weights[0].dtype}"])
