"""Model: a network with what belongs to it, from a table to labels or numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._schedule import ScheduleLike
from bp_core.history import Epoch, History
from bp_core.model import _model_file
from bp_core.model._columns import Column, encode
from bp_core.model._explain import ModelExplanation, explain_row
from bp_core.model._record import Record, thinned
from bp_core.model._scores import Scores, score_classes, score_numbers
from bp_core.model._table import read_table
from bp_core.model._target import ClassTarget, Target
from bp_core.model._training import Prepared, Settings, fit, prepare
from bp_core.network import Network
from bp_core.optimizers import Optimizer

Real = NDArray[Any]


class Model:
    """A network with what belongs to it: columns, their scaling, categories, classes, the record of its training.

    Made by :meth:`train` or :meth:`load`; never changed afterwards.

    Attributes
    ----------
    network : Network
    columns : tuple of NumberColumn and CategoryColumn
        What it reads of a table, in the order of the network's inputs.
    target : ClassTarget or NumberTarget
        What it predicts.
    record : Record
        What happened in training, and the scores on the rows held out.

    Examples
    --------
    >>> import bp_core as bp
    >>> table = {"size": [1.0, 2.0, 3.0, 4.0] * 10, "kind": ["a", "a", "b", "b"] * 10}
    >>> model = bp.Model.train(table, "kind", hidden=(4,), epochs=100, seed=0)
    >>> model.predict({"size": [1.5, 3.5]}).tolist()
    ['a', 'b']
    """

    def __init__(self, network: Network, columns: Sequence[Column], target: Target, record: Record) -> None:
        self.network, self.columns, self.target, self.record = network, tuple(columns), target, record

    @classmethod
    def train(
        cls,
        table: object,
        target: str,
        *,
        features: Sequence[str] | None = None,
        hidden: Sequence[int] = (32,),
        activation: str = "relu",
        task: str = "auto",
        categorical: Sequence[str] = (),
        missing: str = "error",
        held_out: float = 0.2,
        epochs: int | None = None,
        batch_size: int = 32,
        optimizer: Optimizer | str = "adam",
        schedule: ScheduleLike | str | None = None,
        l2: float | None = None,
        patience: int | None = None,
        seed: int = 0,
        n_threads: int | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
        progress: bool = False,
    ) -> Model:
        """Train a model on the rows of a table.

        Numeric columns are standardised by mean and standard deviation of the rows trained on; a column of text
        becomes an input of 0 or 1 for each of its texts; a target of text, or of whole numbers with at most 20
        values, becomes classes, any other one is standardised.

        Ctrl-C stops the training and returns the model so far; its ``record.stop_reason`` is then "interrupted".

        Parameters
        ----------
        table : DataFrame, dict of columns, structured array, or array (n, columns)
            The columns of a plain array are called x1, x2, ...
        target : str
            The column to predict.
        features : sequence of str, optional
            The columns to predict it from; None: all others.
        hidden : sequence of int, default (32,)
            Units of the hidden layers.
        activation : str, default "relu"
            Of the hidden layers.
        task : "auto", "classes" or "numbers"
            What the target is.
        categorical : sequence of str
            Numeric columns whose numbers are names, such as postcodes.
        missing : "error" or "impute"
            Whether a missing value is an error, or counts as the column's mean, or as no category.
        held_out : float, default 0.2
            Share of the rows that are not trained on, but scored.
        epochs : int, optional
            None: 200, or so many that 20 million rows are gone through, but at least 5.
        batch_size, optimizer, n_threads, callbacks, progress
            As for :class:`Trainer`; the defaults are 32 and Adam.
        schedule : str, schedule, rule or function, optional
            As for :class:`Trainer`; or by name, with its defaults and over the whole training: "cosine", "one_cycle",
            "plateau", "adaptive".
        l2 : float, optional
            As for :class:`Trainer`; None: 4 / (rows trained on), for small tables are soon learned by heart.
        patience : int, optional
            Watch a tenth of the rows to train on instead, and stop after so many epochs without a better loss.
        seed : int, default 0
            Of the split, the weights and the order of the rows.

        Returns
        -------
        Model

        Raises
        ------
        ValueError
            If a column is missing, holds what it should not (row and column are named), or a setting is out of its
            range.
        TypeError
            If the table is none.
        """
        settings = Settings(
            hidden, activation, task, categorical, missing, held_out, epochs, batch_size,
            optimizer, schedule, l2, patience, seed, n_threads, callbacks, progress,
        )  # fmt: skip
        ready = prepare(read_table(table), target, features, settings)
        history, seconds = fit(ready, settings)
        return cls(ready.network, ready.columns, ready.target, _record(ready, history, seconds, settings.seed))

    def __repr__(self) -> str:
        names = ", ".join(column.name for column in self.columns[:5]) + (", ..." if len(self.columns) > 5 else "")
        return f"<Model of {self.target.name!r} from {names}: {self.network!r}>"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns it reads."""
        return tuple(column.name for column in self.columns)

    def encode(self, table: object) -> Real:
        """Return a table as the network's inputs.

        Returns
        -------
        ndarray of float32, (n, n_in)
        """
        return encode(self.columns, read_table(table, self.feature_names), self.network.dtype)

    def predict(self, table: object) -> Real:
        """Predict the target of every row.

        Parameters
        ----------
        table : DataFrame, dict of columns, structured array, or array (n, columns)
            Columns by name, in any order; further ones are not looked at. The columns of a plain array are
            ``feature_names``.

        Returns
        -------
        ndarray of str, (n,), or of float, (n,)
            Class names, or numbers in the target's own units.

        Raises
        ------
        ValueError
            If a column is missing, of another kind, or holds a category that training did not know.
        """
        decoded: Real = self.target.decode(self.network.predict(self.encode(table)))
        return decoded

    def predict_proba(self, table: object) -> Real:
        """Predict the probability of every class.

        Returns
        -------
        ndarray of float32, (n, n_classes)
            In the order of ``target.classes``.

        Raises
        ------
        ValueError
            As :meth:`predict`, and if the target are numbers.
        """
        if not isinstance(self.target, ClassTarget):
            raise ValueError(f"target {self.target.name!r} is a number; probabilities are for classes")
        return self.network.predict(self.encode(table))

    def evaluate(self, table: object) -> Scores:
        """Compare predictions with the target column of a table.

        Returns
        -------
        ClassScores or NumberScores
        """
        found = read_table(table, (*self.feature_names, self.target.name))
        if not found.n_rows:
            raise ValueError("the table has no rows; expected at least one to evaluate")
        y = self.target.encode(found.column(self.target.name))
        return _score(self.network, self.target, encode(self.columns, found, self.network.dtype), y)

    def explain(self, row: object) -> ModelExplanation:
        """Explain one prediction by the columns of the table.

        Parameters
        ----------
        row : table of one row
            As for :meth:`predict`; a dict may hold plain values. With the target in it, the explanation has the
            network's own too.

        Returns
        -------
        ModelExplanation
        """
        if isinstance(row, dict):
            row = {name: value if np.ndim(value) else [value] for name, value in row.items()}
        return explain_row(self.network, self.columns, self.target, read_table(row, self.feature_names))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a file, in one piece or not at all.

        Raises
        ------
        OSError
            If the file cannot be written; an old file stays as it was.
        """
        _model_file.save(path, self.network, self.columns, self.target, self.record)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Load what :meth:`save` wrote.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is no such file, or damaged; the message says what is wrong with it.
        """
        return cls(*_model_file.load(path))


def _score(network: Network, target: Target, X: Real, y: Real) -> Scores:
    """Compare predictions with the truth, both as the network sees them."""
    output = network.predict(X)
    if isinstance(target, ClassTarget):
        return score_classes(output, y, target.classes)
    return score_numbers(target.decode(output), target.decode(y))


def _record(ready: Prepared, history: History, seconds: float, seed: int) -> Record:
    held_out = ready.held_out
    return Record(
        n_trained=len(ready.kept),
        n_held_out=len(held_out),
        epochs=len(history),
        losses=thinned(history.loss),
        stop_reason=history.stop_reason or "",
        seconds=seconds,
        seed=seed,
        scores=_score(ready.network, ready.target, ready.X[held_out], ready.y[held_out]) if len(held_out) else None,
    )
