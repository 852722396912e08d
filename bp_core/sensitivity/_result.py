"""What was found: the slope of every output with every input, their means and ranges, and sentences about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _statistics
from bp_core._wording import count, three_digits
from bp_core.sensitivity import _table
from bp_core.sensitivity._ranking import largest
from bp_core.sensitivity._steps import DEVIATION, STEP, UNIT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Real = NDArray[Any]
Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivities:
    """How each output changes with each input, the others held constant.

    Attributes
    ----------
    slopes : ndarray, (n, n_out, n_in)
        At each row the derivatives, ``net.jacobian(X)``, times the step of each input.
    input_names, output_names : tuple of str
    steps : ndarray, (n_in,)
        The step of each input that a slope is told for, 1 by default. NaN, as are all numbers of that input, where a
        standard deviation was asked for and the input is constant over the rows.
    step : str
        What such a step is: "unit", "standard deviation" or, where the steps were given, "step".
    divided : bool
        Whether the steps are those of the inputs before a division (``divided_by``), no longer those of X.
    """

    slopes: Real
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    steps: Float
    step: str
    divided: bool = False

    @cached_property
    def mean(self) -> Float:
        """The mean over the rows, (n_out, n_in); slopes up and slopes down cancel."""
        return np.stack([_statistics.mean(each, axis=0) for each in self._by_output()]) + 0.0

    @cached_property
    def mean_abs(self) -> Float:
        """The mean of the absolute values, (n_out, n_in): how much an input matters."""
        return np.stack([_statistics.mean(np.abs(each), axis=0) for each in self._by_output()])

    @cached_property
    def min(self) -> Float:
        """The smallest slope over the rows, (n_out, n_in)."""
        return np.asarray(self.slopes.min(axis=0) + 0.0, dtype=np.float64)

    @cached_property
    def max(self) -> Float:
        """The largest slope over the rows, (n_out, n_in)."""
        return np.asarray(self.slopes.max(axis=0) + 0.0, dtype=np.float64)

    def _by_output(self) -> Iterator[Real]:
        """The slopes (n, n_in) of one output after the other, so that no copy is as large as all of them."""
        return (self.slopes[:, j] for j in range(len(self.output_names)))

    @property
    def n_rows(self) -> int:
        """How many rows were looked at."""
        return len(self.slopes)

    def __repr__(self) -> str:
        n, outputs, inputs = self.slopes.shape
        what = f"{count(outputs, 'output')} to {count(inputs, 'input')} at {count(n, 'row')}"
        return f"<Sensitivities of {what}: .mean, .mean_abs, .min, .max, .slopes, .table(), .sentence(), .plot()>"

    def __str__(self) -> str:
        return self.table()

    @property
    def per(self) -> str:
        """What a slope is told for: "unit of the input"."""
        return f"{self.step} of the input{' before its division' if self.divided else ''}"

    @property
    def constant(self) -> tuple[str, ...]:
        """Names of the inputs without a standard deviation, where that is the step."""
        return tuple(name for name, step in zip(self.input_names, self.steps, strict=True) if np.isnan(step))

    def largest(self) -> tuple[list[int], list[int]]:
        """Return the places of the outputs, in their order, and inputs, the largest first, that a picture shows."""
        outputs = sorted(largest(np.nanmax(self.mean_abs, axis=1)))
        return outputs, largest(self.mean_abs[outputs].max(axis=0))

    def sentence(self, output: str | int = 0, input: str | int = 0) -> str:
        """Say in words how one output changes with one input.

        Parameters
        ----------
        output, input : str or int
            By name or place.

        Returns
        -------
        str
            "speed changes at a rate of +3.0 per unit of engine, wheels and spoilers held constant", with the range
            where the rows differ.

        Raises
        ------
        ValueError
            If there is no such output or input.
        """
        j, k = _place("output", output, self.output_names), _place("input", input, self.input_names)
        if np.isnan(self.steps[k]):
            rows = f"{self.input_names[k]} is constant over the {count(self.n_rows, 'row')}"
            return f"{rows}, so there is no slope of {self.output_names[j]} per {self.step} of it"
        least, mean, most = (three_digits(values[j, k], change=True) for values in (self.min, self.mean, self.max))
        rate, between = mean, ""
        if least != most:
            rate, between = f"{mean} on average", f" (from {least} to {most} over {self.n_rows} rows)"
        size = three_digits(self.steps[k])
        step = {UNIT: "unit", DEVIATION: f"standard deviation ({size})", STEP: size}[self.step]
        others = _held_constant([name for i, name in enumerate(self.input_names) if i != k])
        what = f"{self.output_names[j]} changes at a rate of {rate} per {step} of {self.input_names[k]}"
        return f"{what}{between}{others}"

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
        return _table.as_text(self, None if most is None else _checks.positive_integer("most", most))

    def _repr_html_(self) -> str:
        return _table.as_html(self)

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
        """Draw the mean slopes: bars with their range over the rows, or, for many, a heat map.

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
        from bp_core.sensitivity import _picture

        return _picture.draw(self, ax)


def _held_constant(others: list[str]) -> str:
    """The inputs that are held constant: by name where they are few."""
    if not others:
        return ""
    if len(others) > 3:
        return f", the other {len(others)} inputs held constant"
    return f", {' and '.join(filter(None, (', '.join(others[:-1]), others[-1])))} held constant"


def _place(kind: str, name: str | int, names: tuple[str, ...]) -> int:
    if isinstance(name, str) and name in names:
        return names.index(name)
    if not isinstance(name, (str, bool)) and 0 <= name < len(names):
        return name
    more = ", ..." if len(names) > 10 else ""
    raise ValueError(f"there is no {kind} {name!r}; expected one of {', '.join(names[:10])}{more}")
