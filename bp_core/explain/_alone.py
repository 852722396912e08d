"""Single derivatives as the core computes them, asked of networks so small that nothing else comes in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core.losses import LossLike
from bp_core.network import Network

Real = NDArray[Any]


def unit_slopes(activation: str, z: Real) -> Real:
    """Return f'(z) unit by unit: the jacobian of one unit whose only weight is 1; NaN for a softmax."""
    if activation == "softmax":
        return np.full(z.shape, np.nan, z.dtype)
    unit = Network.from_arrays([np.ones((1, 1), z.dtype)], None, hidden=(), output=activation)
    return unit.jacobian(z[:, None])[:, 0, 0]


def output_slopes(loss: LossLike, a: Real, y: Real) -> Real:
    """Return dE/da of every output: the deltas of a network that gives just these outputs, as its biases."""
    outputs = Network.from_arrays([np.zeros((1, a.size), a.dtype)], [a], hidden=(), output="identity")
    return outputs.gradients(np.zeros(1, a.dtype), y, loss=loss).deltas[0]


def softmax_slopes(z: Real) -> Real:
    """Return da_i/dz_j of a softmax, (m, m): the jacobian of a network whose weights hand z through."""
    layer = Network.from_arrays([np.eye(z.size, dtype=z.dtype)], None, hidden=(), output="softmax")
    return layer.jacobian(z)
