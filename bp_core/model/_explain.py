"""One prediction in the words of the table: what each column did to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core.explain import Explanation
from bp_core.model._columns import CategoryColumn, Column, encode
from bp_core.model._table import Table
from bp_core.model._target import ClassTarget, Target
from bp_core.network import Network

Real = NDArray[Any]
Function = Callable[[Real], Real]
LOG_ODDS = "log-odds"
HEADER = ("column", "value", "effect", "per unit")


@dataclass(frozen=True)
class ColumnEffect:
    """What one column did to a prediction.

    Attributes
    ----------
    name : str
    value : str
        As it stands in the table.
    effect : float
        How much higher the score is than with the column at its mean, or, of a category, with none.
    per_unit : float or None
        How the score changes with one unit more of the column, the others held constant; None for a category.
    """

    name: str
    value: str
    effect: float
    per_unit: float | None


@dataclass(frozen=True, eq=False)
class ModelExplanation:
    """One prediction of a model, explained by the columns of the table.

    The score that effects speak of is the prediction itself for numbers, and for classes the log-odds of the predicted
    one, log(p / (1 - p)): unlike p it still moves where p is nearly 1.

    Attributes
    ----------
    prediction : str or float
        The class, or the number in the target's units.
    score_name : str
        "log-odds of setosa", or the target's name.
    probabilities : dict of str to float
        Of every class; empty for numbers.
    columns : tuple of ColumnEffect
        The largest effect first.
    network : Explanation or None
        Every number of the network's backpropagation, where the true target is in the row.
    """

    prediction: str | float
    score_name: str
    probabilities: dict[str, float]
    columns: tuple[ColumnEffect, ...]
    network: Explanation | None

    def __str__(self) -> str:
        lines = [self.heading(), "", *self._table(), ""]
        lines += [f"effect: how much higher the {self.score_name} is than with the column at its mean, or no category"]
        return "\n".join([*lines, "per unit: how it changes with one unit more, the other columns held constant"])

    def heading(self) -> str:
        """Return the prediction in a line, with the likeliest classes."""
        if not self.probabilities:
            return f"{self.score_name} = {self.prediction:.6g}"
        likeliest = sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:3]
        return f"{self.prediction} (" + ", ".join(f"{name} {share:.1%}" for name, share in likeliest) + ")"

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return a line for each column: its name, value, effect and change per unit, as text."""
        found = []
        for column in self.columns:
            per_unit = "" if column.per_unit is None else f"{column.per_unit:+.4g}"
            found.append((column.name, column.value, f"{column.effect:+.4g}", per_unit))
        return found

    def _table(self) -> list[str]:
        rows = [HEADER, *self.rows()]
        widths = [max(map(len, texts)) for texts in zip(*rows, strict=True)]
        return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it, without the network's own explanation."""
        return {
            "prediction": self.prediction,
            "score": self.score_name,
            "probabilities": self.probabilities,
            "columns": [column.__dict__ for column in self.columns],
        }


def explain_row(network: Network, columns: Sequence[Column], target: Target, table: Table) -> ModelExplanation:
    """Explain the one row of a table."""
    if table.n_rows != 1:
        raise ValueError(f"explain takes one row; the table has {table.n_rows:,}")
    x = encode(columns, table, network.dtype)
    output = network.predict(x)
    if isinstance(target, ClassTarget):
        score, slope = _log_odds(network, int(output.argmax()))
    else:
        score, slope = _numbers(network, target.std)
    effects = score(x) - score(_without_each(columns, x))
    found = sorted(_effects(columns, table, effects, slope(x)), key=lambda column: -abs(column.effect))
    explained = None
    if target.name in table.columns:
        inputs = [unit for column in columns for unit in column.units]
        outputs = target.classes if isinstance(target, ClassTarget) else [target.name]
        y = target.encode(table.column(target.name))[0]
        explained = network.explain(x[0], y, input_names=inputs, output_names=outputs)
    if isinstance(target, ClassTarget):
        shares = dict(zip(target.classes, output[0].tolist(), strict=True))
        name = str(target.decode(output)[0])
        return ModelExplanation(name, f"{LOG_ODDS} of {name}", shares, tuple(found), explained)
    return ModelExplanation(float(target.decode(output)[0]), target.name, {}, tuple(found), explained)


def _numbers(network: Network, std: float) -> tuple[Function, Function]:
    """The prediction in the target's units, and its derivatives by the inputs of one row."""
    return (
        lambda x: network.predict(x)[:, 0].astype(np.float64) * std,
        lambda x: network.jacobian(x)[0, 0].astype(np.float64) * std,
    )


def _log_odds(network: Network, j: int) -> tuple[Function, Function]:
    """z_j - log(sum of exp(z) of the others), and its derivatives by the inputs of one row."""
    linear = Network.from_arrays(network.weights, network.biases, hidden=network.hidden, output="identity")

    def others(x: Real) -> tuple[Real, Real, Real]:
        z = linear.predict(x).astype(np.float64)
        rest = np.delete(z, j, axis=1)
        top = rest.max(axis=1, keepdims=True)
        return z, top, np.exp(rest - top)

    def score(x: Real) -> Real:
        z, top, parts = others(x)
        found: Real = z[:, j] - top[:, 0] - np.log(parts.sum(axis=1))
        return found

    def slope(x: Real) -> Real:
        _, _, parts = others(x)
        slopes = linear.jacobian(x)[0].astype(np.float64)
        found: Real = slopes[j] - (parts[0] / parts[0].sum()) @ np.delete(slopes, j, axis=0)
        return found

    return score, slope


def _places(columns: Sequence[Column]) -> Iterator[tuple[Column, slice]]:
    """Each column and its inputs."""
    at = 0
    for column in columns:
        yield column, slice(at, at + len(column.units))
        at += len(column.units)


def _without_each(columns: Sequence[Column], x: Real) -> Real:
    """The row once for each column, with that column's inputs at 0: its mean, or no category."""
    rows = np.repeat(x, len(columns), axis=0)
    for row, (_, place) in zip(rows, _places(columns), strict=True):
        row[place] = 0.0
    return rows


def _effects(columns: Sequence[Column], table: Table, effects: Real, slopes: Real) -> Iterator[ColumnEffect]:
    for (column, place), effect in zip(_places(columns), effects.tolist(), strict=True):
        per_unit = None if isinstance(column, CategoryColumn) else float(slopes[place][0]) / column.std
        yield ColumnEffect(column.name, _shown(table.column(column.name)[0]), effect, per_unit)


def _shown(value: Any) -> str:
    if value is None or value != value:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
