"""How good predictions are, as a number that a fit may watch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _passes
from bp_core._targets import Data
from bp_core.network import Network

Floats = NDArray[np.float64]


def check(name: str, net: Network) -> None:
    """Raise where a metric does not fit the output."""
    if name == "accuracy" and not _has_classes(net):
        raise ValueError(
            "monitor accuracy is for outputs that are classes: softmax, or one unit with sigmoid; "
            f"this network has {net.layer_sizes[-1]} with {net.output}"
        )
    if name == "r2" and net.output == "softmax":
        raise ValueError("monitor r2 does not fit output softmax; use accuracy")


def _has_classes(net: Network) -> bool:
    return net.output == "softmax" or (net.output == "sigmoid" and net.layer_sizes[-1] == 1)


def accuracy(net: Network, data: Data) -> float:
    """The share of the rows, by their weights, whose class is the likeliest one; of two classes, that above 0.5."""
    a, y = _passes.outputs(net, data.X)[0], data.targets
    there = y >= 0 if data.classes is not None else ~np.isnan(y).any(axis=1)
    if net.output != "softmax":
        right = (a[:, 0] > 0.5) == (y[:, 0] > 0.5)
    else:
        right = a.argmax(axis=1) == (y if data.classes is not None else y.argmax(axis=1))
    weights = _weights(data)[there]
    return float((weights * right[there]).sum() / weights.sum())


def r2(net: Network, data: Data) -> float:
    """The mean over the outputs of 1 - sum w (y - a)^2 / sum w (y - mean of y)^2.

    Where y is constant: 1 if all predictions are right, else 0.
    """
    a, y = _passes.outputs(net, data.X)[0].astype(np.float64), data.targets.astype(np.float64)
    weights, scores = _weights(data), []
    for j in range(y.shape[1]):
        there = ~np.isnan(y[:, j])
        if weights[there].sum() > 0:
            scores.append(_r2(a[there, j], y[there, j], weights[there]))
    return float(np.mean(scores))


def _r2(a: Floats, y: Floats, weights: Floats) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        off = (weights * (y - a) ** 2).sum()
        spread = (weights * (y - (weights * y).sum() / weights.sum()) ** 2).sum()
    if spread > 0:
        return float(1 - off / spread)
    return float(off == 0)


def _weights(data: Data) -> Floats:
    return np.ones(data.X.shape[0]) if data.weights is None else data.weights


METRICS: dict[str, Any] = {"accuracy": accuracy, "r2": r2}
