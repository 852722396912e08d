"""How each output of a network changes with each input, the others held constant."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks
from bp_core._unit_names import UnitNames
from bp_core.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Real = NDArray[Any]
Float = NDArray[np.float64]

ALL_UP_TO, LARGEST = 30, 20
"""Inputs and outputs are all shown up to the first number; of more, so many of the largest."""

UNIT, DEVIATION, STEP = "unit", "standard deviation", "step"


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
        input over the rows of X, so that inputs in different units can be compared. An array: steps of one's own; for
        a network that was given inputs divided by ``s``, ``1 / s`` tells the change for each unit before the division.

    Returns
    -------
    Sensitivities
        ``print`` it, or show it in a notebook; ``.mean``, ``.mean_abs``, ``.min``, ``.max``, ``.jacobian``,
        ``.sentence(output, input)``, ``.plot()``.

    Raises
    ------
    ValueError
        If X has no row, another number of features or a number that is not finite, if names or scale do not fit, or
        if a derivative is beyond the numbers of the network's dtype.
    TypeError
        If net is no network, or X or scale hold no real numbers.

    See Also
    --------
    Network.jacobian : The derivatives alone.

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
    if not isinstance(net, Network):
        raise TypeError(f"net is {type(net).__name__}; expected a bp.Network")
    rows, _ = _checks.features(X, net.layer_sizes[0])
    _checks.require_rows(rows)
    inputs = _names("input_names", _labels(X) if input_names is None else input_names, net.layer_sizes[0])
    outputs = _names("output_names", output_names, net.layer_sizes[-1])
    units = UnitNames(net.layer_sizes, net.bias)
    inputs = inputs or tuple(units.a(-1, k) for k in range(net.layer_sizes[0]))
    outputs = outputs or tuple(units.a(len(net.weights) - 1, j) for j in range(net.layer_sizes[-1]))
    jacobian = net.jacobian(rows)
    steps, step = _steps(scale, rows, net.dtype)
    if step != UNIT:
        with np.errstate(over="ignore", invalid="ignore"):
            jacobian *= steps.astype(net.dtype)
    _check_finite(jacobian, inputs, outputs)
    return Sensitivities(jacobian, inputs, outputs, steps, step)


def _labels(X: object) -> Any:
    """The column names of a data frame, or the index of one row of it."""
    return getattr(X, "columns", getattr(X, "index", None) if hasattr(X, "iloc") else None)


def _names(name: str, names: Any, n: int) -> tuple[str, ...] | None:
    """One name for each, or None for those of the library."""
    if names is None:
        return None
    given = () if isinstance(names, (str, bytes)) or not hasattr(names, "__iter__") else tuple(map(str, names))
    if len(given) != n:
        raise ValueError(f"{name} is {names!r}; expected {n} name{'s' * (n > 1)}, one each")
    if len(set(given)) != n:
        raise ValueError(f"{name} is {names!r}; expected names that differ")
    return given


def _steps(scale: Any, rows: Real, dtype: np.dtype[Any]) -> tuple[Float, str]:
    """The step of every input, and what it is called."""
    n_in = rows.shape[1]
    if scale is None:
        return np.ones(n_in), UNIT
    if isinstance(scale, str):
        if scale != "std":
            raise ValueError(f'scale is {scale!r}; expected None, "std" or a number for each input')
        return np.asarray(np.std(rows, axis=0, dtype=np.float64)), DEVIATION
    steps = _checks.numeric("scale", scale).astype(np.float64)
    if steps.shape != (n_in,):
        raise ValueError(f"scale has shape {steps.shape}; expected ({n_in},), one step for each input")
    _checks.check_finite("scale", steps, dtype)
    return steps, STEP


def _check_finite(jacobian: Real, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    finite = np.isfinite(jacobian)
    if not finite.all():
        s, j, k = np.unravel_index(int(np.argmin(finite)), jacobian.shape)
        raise ValueError(
            f"the derivative of {outputs[j]} by {inputs[k]} at row {s} of X is {jacobian[s, j, k]}; "
            "expected a network and rows whose derivatives are finite"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivities:
    """How each output changes with each input, the others held constant.

    Attributes
    ----------
    jacobian : ndarray, (n, n_out, n_in)
        ``net.jacobian(X)``, times the step of each input.
    input_names, output_names : tuple of str
    steps : ndarray, (n_in,)
        The step of each input that a change is told for, 1 by default.
    step : str
        What such a step is: "unit", "standard deviation" or, where the steps were given, "step".
    """

    jacobian: Real
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    steps: Float
    step: str

    @cached_property
    def mean(self) -> Float:
        """The mean over the rows, (n_out, n_in); changes up and changes down cancel."""
        return np.asarray(self.jacobian.mean(axis=0, dtype=np.float64))

    @cached_property
    def mean_abs(self) -> Float:
        """The mean of the absolute values, (n_out, n_in): how much an input matters."""
        each = [np.abs(self.jacobian[:, j]).mean(axis=0, dtype=np.float64) for j in range(len(self.output_names))]
        return np.asarray(each)

    @cached_property
    def min(self) -> Float:
        """The smallest change over the rows, (n_out, n_in)."""
        return np.asarray(self.jacobian.min(axis=0), dtype=np.float64)

    @cached_property
    def max(self) -> Float:
        """The largest change over the rows, (n_out, n_in)."""
        return np.asarray(self.jacobian.max(axis=0), dtype=np.float64)

    @property
    def n_rows(self) -> int:
        """How many rows were looked at."""
        return len(self.jacobian)

    def __repr__(self) -> str:
        n, outputs, inputs = self.jacobian.shape
        what = f"{count(outputs, 'output')} to {count(inputs, 'input')} at {count(n, 'row')}"
        return f"<Sensitivities of {what}: .mean, .mean_abs, .min, .max, .jacobian, .table(), .sentence(), .plot()>"

    def __str__(self) -> str:
        return self.table()

    def largest(self) -> tuple[list[int], list[int]]:
        """Return the places of the outputs, in their order, and inputs, the largest first, that a picture shows."""
        outputs = sorted(_largest(self.mean_abs.max(axis=1)))
        return outputs, _largest(self.mean_abs[outputs].max(axis=0))

    def sentence(self, output: str | int = 0, input: str | int = 0) -> str:
        """Say in words how one output changes with one input.

        Parameters
        ----------
        output, input : str or int
            By name or place.

        Returns
        -------
        str
            "speed changes by +3.0 for each unit of engine, wheels and spoilers held constant", with the range where
            the rows differ.

        Raises
        ------
        ValueError
            If there is no such output or input.
        """
        j, k = _place("output", output, self.output_names), _place("input", input, self.input_names)
        least, mean, most = (_number(values[j, k]) for values in (self.min, self.mean, self.max))
        change, between = mean, ""
        if least != most:
            change, between = f"{mean} on average", f" (from {least} to {most} over {self.n_rows} rows)"
        size = f"{self.steps[k]:.3g}"
        step = {UNIT: "unit", DEVIATION: f"standard deviation ({size})", STEP: size}[self.step]
        others = _held_constant([name for i, name in enumerate(self.input_names) if i != k])
        return f"{self.output_names[j]} changes by {change} for each {step} of {self.input_names[k]}{between}{others}"

    def table(self, most: int | None = None) -> str:
        """Return a table in plain text, the inputs that matter most (by mean abs) first.

        Parameters
        ----------
        most : int, optional
            Show at most so many inputs of each output. By default all up to 30, and 20 of more; outputs likewise.

        Raises
        ------
        ValueError
            If ``most`` is no whole number from 1 up.
        """
        blocks = []
        for lines, rest in self._blocks(most):
            widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
            text = ["  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in lines]
            blocks.append("\n".join([*text, *rest]))
        return "\n\n".join([self._title(), *blocks, "\n".join(self._closing())])

    def _repr_html_(self) -> str:
        bodies = ""
        for lines, rest in self._blocks(None):
            for tag, (name, *cells) in zip(("th", *["td"] * len(lines)), lines, strict=False):
                row = "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)
                bodies += f"<tr><th style='text-align:left'>{escape(name)}</th>{row}</tr>"
            bodies += "".join(f"<tr><td colspan='6' style='text-align:left'>{line}</td></tr>" for line in rest)
        caption = f"<caption style='text-align:left;white-space:nowrap'>{escape(self._title())}</caption>"
        table = f"<table style='text-align:right;font-variant-numeric:tabular-nums'>{caption}{bodies}</table>"
        return table + "".join(f"<p>{escape(line)}</p>" for line in self._closing())

    def _blocks(self, most: int | None) -> Iterator[tuple[list[tuple[str, ...]], list[str]]]:
        """The lines about one output after the other, headings first, and what is said of inputs left out."""
        if most is not None:
            most = _checks.positive_integer("most", most)
        columns = {"mean": self.mean, "mean abs": self.mean_abs, "min": self.min, "max": self.max}
        if self.n_rows == 1:
            columns = {"change": self.mean}
        forms = [_form(float(self.mean_abs.max()), signed=name != "mean abs") for name in columns]
        for j in self.largest()[0]:
            shown = _largest(self.mean_abs[j], most)
            lines = [(self.output_names[j], *([] if self.step == UNIT else ["step"]), *columns)]
            for k in shown:
                step = [] if self.step == UNIT else [f"{self.steps[k]:.3g}"]
                numbers = (format(values[j, k], form) for values, form in zip(columns.values(), forms, strict=True))
                lines.append((self.input_names[k], *step, *numbers))
            left = np.delete(self.mean_abs[j], shown)
            yield lines, [f"... {count(len(left), 'input')} more, of at most {left.max():.3g}"] if len(left) else []

    def _title(self) -> str:
        others = ", the other inputs held constant," if len(self.input_names) > 1 else ""
        return f"The change of each output for a {self.step} of each input{others} at {count(self.n_rows, 'row')}"

    def _closing(self) -> list[str]:
        """The outputs that were left out, and for the first three a sentence about the input that matters most."""
        outputs, _ = self.largest()
        left = len(self.output_names) - len(outputs)
        said = [f"{self.sentence(j, int(self.mean_abs[j].argmax()))}." for j in outputs[:3]]
        return [f"... {count(left, 'output')} more", "", *said] if left else said

    def to_frame(self) -> DataFrame:
        """Return all numbers as a pandas DataFrame, a line for each pair of output and input.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        import pandas as pd

        names = pd.MultiIndex.from_product([self.output_names, self.input_names], names=["output", "input"])
        columns = {"mean": self.mean, "mean_abs": self.mean_abs, "min": self.min, "max": self.max}
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=names)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the mean changes: bars with their range over the rows, or, for many, a heat map.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        from bp_core.plot import _sensitivities

        return _sensitivities.draw(self, ax)


def count(n: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{n} {noun}{'s' * (n != 1)}"


def _held_constant(others: list[str]) -> str:
    """The inputs that are held constant: by name where they are few."""
    if not others:
        return ""
    if len(others) > 3:
        return f", the other {len(others)} inputs held constant"
    return f", {' and '.join(filter(None, (', '.join(others[:-1]), others[-1])))} held constant"


def _number(value: float) -> str:
    """A change with its sign: +3.0, -0.123."""
    text = f"{value:+.3g}" if value else "0.0"
    return text if "." in text or "e" in text else f"{text}.0"


def _form(largest: float, *, signed: bool) -> str:
    """The format in which numbers about as large as this show four digits, one below the other."""
    exponent = math.floor(math.log10(largest)) if largest > 0 else 0
    return "+" * signed + (f".{max(0, 3 - exponent)}f" if -4 <= exponent <= 6 else ".3e")


def _largest(values: Float, most: int | None = None) -> list[int]:
    """The places of the largest numbers, the largest first."""
    if most is None:
        most = len(values) if len(values) <= ALL_UP_TO else LARGEST
    return [int(i) for i in np.argsort(-values, kind="stable")[:most]]


def _place(kind: str, name: str | int, names: tuple[str, ...]) -> int:
    if isinstance(name, str) and name in names:
        return names.index(name)
    if not isinstance(name, (str, bool)) and 0 <= name < len(names):
        return name
    more = ", ..." if len(names) > 10 else ""
    raise ValueError(f"there is no {kind} {name!r}; expected one of {', '.join(names[:10])}{more}")
