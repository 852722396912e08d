"""The slopes: derivatives times steps."""

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
from bp_core.sensitivity._steps import read_steps

Real = NDArray[Any]
Float = NDArray[np.float64]


def sensitivities(
    net: Network,
    X: ArrayLike,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    scale: str | ArrayLike | None = None,
    divided_by: ArrayLike | None = None,
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
        The step of each input that a slope is told for. None: one unit; "std": one standard deviation of the
        input over the rows of X, so that inputs in different units can be compared (an input that is constant over
        them has none, and its slopes are NaN). An array: steps of one's own, above 0.
    divided_by : float or array_like (n_in,), optional
        What the inputs were divided by to make X of them: for standardised inputs their standard deviations. Slopes and
        steps are then told in the units from before the division.

    Returns
    -------
    Sensitivities
        ``print`` it, or show it in a notebook; ``.mean``, ``.mean_abs``, ``.min``, ``.max``, ``.slopes``,
        ``.sentence(output, input)``, ``.plot()``.

    Raises
    ------
    ValueError
        If X has no row, another number of features or a number that is not finite, if names, scale or divided_by do
        not fit, if a slope is beyond the numbers of the network's dtype, or for "std" if X has one row or no input
        varies.
    TypeError
        If net is no network, X, scale or divided_by hold no real numbers, or names are no sequence.

    See Also
    --------
    Network.jacobian : The derivatives: the slopes per unit.

    Notes
    -----
    A derivative is a slope at a point. For a small step the output changes by the slope; over a large one only where
    the network is a straight line: a probability with a slope of 5 per standard deviation does not change by 5.

    Examples
    --------
    >>> import bp_core as bp
    >>> car = bp.Network.from_arrays([[[3.0], [2.0], [-1.0]]], None, hidden=(), output="identity")
    >>> names = ("engine", "wheels", "spoilers")
    >>> print(bp.sensitivities(car, [5.0, 5.0, 5.0], input_names=names, output_names=["speed"]))
    The slope of each output per unit of each input, the other inputs held constant, at 1 row
    <BLANKLINE>
    speed      slope
    engine    +3.000
    wheels    +2.000
    spoilers  -1.000
    <BLANKLINE>
    speed changes at a rate of +3.0 per unit of engine, wheels and spoilers held constant.
    """
    require_network(net)
    n_in, n_out = net.layer_sizes[0], net.layer_sizes[-1]
    rows, _ = _checks.features(X, n_in)
    _checks.require_rows(rows)
    inputs = read_input_names(input_names, X, n_in)
    units = UnitNames(net.layer_sizes, net.bias)
    outputs = read_names("output_names", output_names, n_out)
    outputs = outputs or tuple(units.a(len(net.weights) - 1, j) for j in range(n_out))
    slopes = net.jacobian(rows)
    steps = read_steps(scale, divided_by, rows, net.dtype)
    if steps.of_x is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            slopes *= steps.of_x.astype(net.dtype)
    _check_finite(slopes, steps.sizes, inputs, outputs)
    return Sensitivities(slopes, inputs, outputs, steps.sizes, steps.kind, divided_by is not None)


def _check_finite(slopes: Real, steps: Float, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    finite = np.isfinite(slopes) | np.isnan(steps)
    if not finite.all():
        s, j, k = np.unravel_index(int(np.argmin(finite)), slopes.shape)
        raise ValueError(
            f"the slope of {outputs[j]} with {inputs[k]} at row {s} of X is {slopes[s, j, k]}; "
            "expected a network, rows and steps whose slopes are finite"
        )
