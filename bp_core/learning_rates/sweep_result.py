"""What a sweep has found: its losses, verdicts, table and picture."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core.learning_rates import verdicts
from bp_core.learning_rates.verdicts import Verdict
from bp_core.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Losses = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """What became of one start at several learning rates: a table, a picture, and a recommendation.

    Attributes
    ----------
    learning_rates : tuple of float
        In ascending order, as everything below.
    first_loss : float
        Before any training.
    epochs : int
        Asked for; a diverging training may have had fewer.
    losses : tuple of ndarray
        The loss of every finished epoch, counted from 0.
    validation_losses : tuple of ndarray
        The same of the validation data, after each epoch; empty arrays without.
    networks : tuple of Network
        The trained copies; one that diverged is back at its newest finite parameters.
    judged : tuple of Verdict
        ``.name``, ``.reason``, ``.end``, ``.fall``, ``.rising`` of each.
    """

    learning_rates: tuple[float, ...]
    first_loss: float
    epochs: int
    losses: tuple[Losses, ...]
    validation_losses: tuple[Losses, ...]
    networks: tuple[Network, ...]
    judged: tuple[Verdict, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """For each rate "diverges", "unstable", "crawls" or "converges"."""
        return tuple(verdict.name for verdict in self.judged)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in words."""
        return tuple(verdict.reason for verdict in self.judged)

    @property
    def best(self) -> float | None:
        """The recommended rate: the converging one with the lowest end; None where none converges."""
        return verdicts.recommend(self.learning_rates, self.judged, self._watched_ends())

    @property
    def advice(self) -> str:
        """What to do next, in a sentence."""
        return verdicts.advise(self.learning_rates, self.judged, self._watched_ends(), self.best)

    def _validated(self) -> bool:
        return any(len(losses) for losses in self.validation_losses)

    def _watched_ends(self) -> list[float]:
        watched = self.validation_losses if self._validated() else self.losses
        return [verdicts.end_of(losses) for losses in watched]

    # ------------------------------------------------------------------ forms
    def _columns(self) -> list[str]:
        validation = ["validation"] if self._validated() else []
        return ["learning rate", "epochs", "first loss", "end", *validation, "fall", "rising", "verdict", "why"]

    def _row(self, i: int) -> list[str]:
        verdict = self.judged[i]
        validation = [_number(self._watched_ends()[i])] if self._validated() else []
        return [
            f"{self.learning_rates[i]:g}",
            str(len(self.losses[i])),
            _number(self.first_loss),
            _number(verdict.end),
            *validation,
            _number(verdict.fall),
            verdicts.percent(verdict.rising),
            verdict.name,
            verdict.reason,
        ]

    def table(self) -> str:
        """Return the table as text: rate, losses, share of rising epochs, verdict and why."""
        lines = [self._columns(), *map(self._row, range(len(self.learning_rates)))]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        text = len(widths) - 2  # verdict and why: to the left
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column >= text else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def __str__(self) -> str:
        return f"{self.table()}\n{self.advice}"

    def __repr__(self) -> str:
        return f"<Sweep of {len(self.learning_rates)} learning rates over {self.epochs} epochs: best {self.best}>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in self._columns())
        rows = ["".join(f"<td>{escape(cell)}</td>" for cell in self._row(i)) for i in range(len(self.learning_rates))]
        bold = [' style="font-weight: bold"' if rate == self.best else "" for rate in self.learning_rates]
        body = "".join(f"<tr{style}>{row}</tr>" for style, row in zip(bold, rows, strict=True))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(self.advice)}</p>"

    def to_frame(self) -> DataFrame:
        """Return the table as a pandas DataFrame, a line for each rate.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "epochs": [len(losses) for losses in self.losses],
            "first_loss": self.first_loss,
            "end": [verdict.end for verdict in self.judged],
            "fall": [verdict.fall for verdict in self.judged],
            "rising": [verdict.rising for verdict in self.judged],
            "verdict": self.verdicts,
            "why": self.reasons,
        }
        if self._validated():
            columns["validation_end"] = self._watched_ends()
        return pd.DataFrame(columns, index=pd.Index(self.learning_rates, name="learning_rate"))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the losses over the epochs, counted from 0, each line named at its end by rate and verdict.

        Both axes are logarithmic (that of the epochs from 1 on, that of losses above 0).

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
            Without matplotlib, the extra ``plot``.
        """
        from bp_core.learning_rates import _sweep_picture

        return _sweep_picture.draw(self, ax)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4g}"
