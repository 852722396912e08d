"""One pass over some rows: what the user gave, checked and put before the engine, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _parameters, _targets, _threads, _weights, losses
from bp_core._csr import Csr
from bp_core._targets import Data
from bp_core.losses import LossLike, Objective
from bp_core.results import ForwardPass, Gradients

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]
NOTHING = (None, None, None, None, None)
"""No results wanted but the loss; else (z, a, delta, inputs, gradient)."""

JACOBIAN_WORK = 1 << 30
"""Multiplications of one native call for a jacobian: a fraction of a second."""


class Problem(NamedTuple):
    """Rows and targets as the engine takes them, and whether they were one row."""

    data: Data
    objective: Objective
    single: bool

    @property
    def rows(self) -> Real:
        """The inputs (n, n_in), where they cannot be sparse."""
        rows: Real = self.data[0]
        return rows


def prepare(
    net: Network, X: object, y: object, loss: LossLike, sample_weight: object, *, sparse: bool = False
) -> Problem:
    """Check what ``loss`` and ``gradients`` take; X may be ``sparse`` for them, not for others."""
    name, parameter = losses.resolve(loss, net.output)
    rows, single = (_checks.rows_of if sparse else _checks.features)(X, net.layer_sizes[0])
    _checks.require_rows(rows)
    targets = _targets.check(y, rows.shape[0], net.layer_sizes[-1], name, net.dtype, single=single)
    weights = _weights.sample_weights(sample_weight, rows.shape[0])
    objective = losses.objective(name, parameter, net.layer_sizes[-1])
    return Problem(Data(rows, targets.rows, targets.classes, weights), objective, single)


def evaluate(
    net: Network, data: Data, objective: Objective, wanted: tuple[Any, ...], parameters: Real | None = None
) -> float:
    """One pass of the engine, with other parameters than the network's if given; raise for rows that are not finite."""
    used = net._parameters if parameters is None else parameters
    status, value, bad_row = net._engine.evaluate(net._plan, used, data, objective, wanted)
    if status:
        _checks.raise_bad_row(status, bad_row, data, net.dtype)
    return float(value)


def outputs(net: Network, rows: Real | Csr, n_threads: int | None = None) -> tuple[Real, int, int]:
    """The outputs for checked rows, a status and the row of a sparse X that it means."""
    result = np.empty((rows.shape[0], net.layer_sizes[-1]), net.dtype)
    threads = _threads.for_prediction(n_threads, net, rows.shape[0], _threads.unmet(net, rows))
    status, bad_row = net._engine.predict(net._plan, net._parameters, rows, result, threads)
    return result, int(status), int(bad_row)


def forward(net: Network, X: object) -> ForwardPass:
    """Every z and a of the rows of X."""
    rows, single = _checks.rows_of(X, net.layer_sizes[0])
    z, a = _empty_layers(net, rows.shape[0]), _empty_layers(net, rows.shape[0])
    if rows.shape[0]:
        evaluate(net, Data(rows), Objective(0), (z, a, None, None, None))
    return ForwardPass(_drop_rows(z, single), _drop_rows(a, single))


def gradients(net: Network, problem: Problem) -> Gradients:
    """The loss and its derivatives."""
    n = problem.data.X.shape[0]
    deltas = _empty_layers(net, n)
    inputs = np.empty((n, net.layer_sizes[0]), net.dtype)
    gradient = _parameters.zeros(net._layout[0], net.dtype)
    value = evaluate(net, problem.data, problem.objective, (None, None, deltas, inputs, gradient))
    return Gradients(
        value,
        _parameters.weight_views(gradient, net._layout),
        _parameters.bias_views(gradient, net._layout),
        _drop_rows(deltas, problem.single),
        inputs[0] if problem.single else inputs,
    )


def jacobian(net: Network, X: object) -> Real:
    """The derivatives of every output by every input, for the rows of X."""
    rows, single = _checks.features(X, net.layer_sizes[0])
    result = np.empty((rows.shape[0], net.layer_sizes[-1], net.layer_sizes[0]), net.dtype)
    some = max(1, JACOBIAN_WORK // (net.layer_sizes[-1] * net.n_parameters))
    for first in range(0, rows.shape[0], some):  # between two calls Ctrl-C is seen
        slice_ = rows[first : first + some]
        status, bad_row = net._engine.jacobian(net._plan, net._parameters, slice_, result[first : first + some])
        if status:
            _checks.raise_bad_row(status, first + bad_row, (rows,), net.dtype)
    return result[0] if single else result


def check_out(net: Network, out: object, rows: Real | Csr, single: bool) -> Real:
    """``out`` as it is, once its shape, dtype and memory fit."""
    shape = net.layer_sizes[-1:] if single else (rows.shape[0], net.layer_sizes[-1])
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is {type(out).__name__}; expected an array")
    if out.shape != shape or out.dtype != net.dtype:
        raise ValueError(f"out is {out.shape} {out.dtype}; expected {shape} {net.dtype}")
    if not (out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        raise ValueError("out must be C-contiguous, aligned and writable")
    if any(np.may_share_memory(out, array) for array in (rows[:3] if isinstance(rows, Csr) else (rows,))):
        raise ValueError("out overlaps X; expected memory of its own")
    if np.may_share_memory(out, net._parameters):
        raise ValueError("out overlaps the network's parameters; expected memory of its own")
    return out


def _empty_layers(net: Network, n: int) -> list[Real]:
    return [np.empty((n, units), net.dtype) for units in net.layer_sizes[1:]]


def _drop_rows(layers: list[Real], single: bool) -> tuple[Real, ...]:
    return tuple(layer[0] for layer in layers) if single else tuple(layers)
