"""The changes: derivatives times steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks
from bp_core._names import read_input_names, read_names
from bp_core._unit_names import UnitNames
from bp_core.network import Network, require_network
from bp_core.sensitivity._result import Sensitivities
from bp_core.sensitivity._steps import UNIT, steps_of

Real = NDArray[Any]
Float = NDArray[np.float64]


def sensitivities(
    net: Network,
    X: ArrayLike,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    scale: str | ArrayLike | None = None,
) -> Sensitivities:
    """Return how each output changes with each input, the others held constant, over the rows of X.

    Parameters
    ----------
    net : Network
    X : array_like, (n, n_in) or one row (n_in,)
        Where to look: the derivatives of a network with a hidden layer depend on the row. A few hundred rows say
        as much as a million; n * n_out * n_in numbers are kept.
    input_names, output_names : sequence of str, optional
        By default the columns of a data frame X, else x1, x2, ...; for the outputs a1, a2, ... numbered on through
        the layers.
    scale : "std" or array_like (n_in,), optional
        The step of each input that a change is told for. None: one unit; "std": one standard deviation of the
        input over the rows of X, so that inputs in different units can be compared (an input that is constant over
        them has none, and its changes are NaN). An array: steps of one's own, above 0; for a network that was given
        inputs divided by ``s``, ``1 / s`` tells the change for each unit before the division.

    Returns
    -------
    Sensitivities
        ``print`` it, or show it in a notebook; ``.mean``, ``.mean_abs``, ``.min``, ``.max``, ``.changes``,
        ``.sentence(output, input)``, ``.plot()``.

    Raises
    ------
    ValueError
        If X has no row, another number of features or a number that is not finite, if names or scale do not fit, if
        a change is beyond the numbers of the network's dtype, or for "std" if X has one row or no input varies.
    TypeError
        If net is no network, X or scale hold no real numbers, or names are no sequence.

    See Also
    --------
    Network.jacobian : The derivatives: the changes for one unit.

    Notes
    -----
    A derivative is a slope at a point: for a small step the change is the step times the slope, for a large one only
    where the network is a straight line.

    Examples
    --------
    >>> import bp_core as bp
    >>> car = bp.Network.from_arrays([[[3.0], [2.0], [-1.0]]], None, hidden=(), output="identity")
    >>> names = ("engine", "wheels", "spoilers")
    >>> print(bp.sensitivities(car, [5.0, 5.0, 5.0], input_names=names, output_names=["speed"]))
    The change of each output for a unit of each input, the other inputs held constant, at 1 row
    <BLANKLINE>
    speed     change
    engine    +3.000
    wheels    +2.000
    spoilers  -1.000
    <BLANKLINE>
    speed changes by +3.0 for each unit of engine, wheels and spoilers held constant.
    """
    require_network(net)
    n_in, n_out = net.layer_sizes[0], net.layer_sizes[-1]
    rows, _ = _checks.features(X, n_in)
    _checks.require_rows(rows)
    inputs = read_input_names(input_names, X, n_in)
    units = UnitNames(net.layer_sizes, net.bias)
    outputs = read_names("output_names", output_names, n_out)
    outputs = outputs or tuple(units.a(len(net.weights) - 1, j) for j in range(n_out))
    changes = net.jacobian(rows)
    steps, step = steps_of(scale, rows, net.dtype)
    if step != UNIT:
        with np.errstate(over="ignore", invalid="ignore"):
            changes *= steps.astype(net.dtype)
    _check_finite(changes, steps, inputs, outputs)
    return Sensitivities(changes, inputs, outputs, steps, step)


def _check_finite(changes: Real, steps: Float, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    finite = np.isfinite(changes) | np.isnan(steps)
    if not finite.all():
        s, j, k = np.unravel_index(int(np.argmin(finite)), changes.shape)
        raise ValueError(
            f"the change of {outputs[j]} with {inputs[k]} at row {s} of X is {changes[s, j, k]}; "
            "expected a network, rows and steps whose changes are finite"
        )
