"""Initial weights, made from the raw words of a PCG64 generator by this library's own steps.

NumPy guarantees the words; everything behind them is stated here, so a seed gives the same bits on
every CPU with fused multiply-add and on every version of NumPy.

==========  =======================  ==========================================
scheme      variance of a weight     source
==========  =======================  ==========================================
glorot      2 / (fan_in + fan_out)   Glorot and Bengio, 2010
he          2 / fan_in               He et al., 2015
lecun       1 / fan_in               LeCun et al., 1998
==========  =======================  ==========================================
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bp_core import _engine_f64
from bp_core.activations import RELU_KIN

NAMES = (
    "auto",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "zeros",
)


def generator(seed: int, stream: int) -> np.random.PCG64:
    """The generator of one stream of a seed: 0 for a Network, 1 for a Trainer."""
    return np.random.PCG64(np.random.SeedSequence((seed, stream)))


def scheme_for(init: str, activation: str) -> str:
    """What "auto" means for a layer with this activation."""
    if init != "auto":
        return init
    return "he_uniform" if activation in RELU_KIN else "glorot_uniform"


def draw_weights(words: np.random.PCG64, scheme: str, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    """A matrix (fan_in, fan_out) of initial weights in float64."""
    if scheme == "zeros":
        return np.zeros((fan_in, fan_out))
    family, _, shape = scheme.partition("_")
    variance = {"glorot": 2.0 / (fan_in + fan_out), "he": 2.0 / fan_in, "lecun": 1.0 / fan_in}[family]
    if shape == "uniform":
        numbers = _signed_units(words, fan_in * fan_out) * math.sqrt(3.0 * variance)
    else:
        numbers = _normals(words, fan_in * fan_out) * math.sqrt(variance)
    return numbers.reshape(fan_in, fan_out)


def _signed_units(words: np.random.PCG64, count: int) -> NDArray[np.float64]:
    """Uniform numbers in [-1, 1), one word each: its upper 53 bits."""
    words53: NDArray[np.uint64] = words.random_raw(count) >> np.uint64(11)
    return words53.astype(np.float64) * 2.0**-52 - 1.0


def _normals(words: np.random.PCG64, count: int) -> NDArray[np.float64]:
    """Standard normal numbers by the polar method (G. Marsaglia and T. Bray, 1964), pair after pair."""
    pieces: list[NDArray[np.float64]] = []
    missing = count
    while missing > 0:
        u = _signed_units(words, 2 * ((missing + 1) // 2)).reshape(-1, 2)
        s = u[:, 0] * u[:, 0] + u[:, 1] * u[:, 1]
        kept = (s > 0.0) & (s < 1.0)
        u, s = u[kept], s[kept]
        logarithm = _engine_f64.elementary("log", s, np.empty_like(s))
        pieces.append((u * np.sqrt(-2.0 * logarithm / s)[:, None]).ravel())
        missing -= pieces[-1].size
    return np.concatenate(pieces)[:count]
