"""How a model is trained from a table: the split, the fitted columns, the network, the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, optimizers, schedules
from bp_core._names import look_up, read_names
from bp_core._schedule import ScheduleLike
from bp_core.history import Epoch, History
from bp_core.model._columns import Column, encode, fit_columns, suggestion
from bp_core.model._table import Table
from bp_core.model._target import Target, fit_target
from bp_core.network import Network
from bp_core.optimizers import Optimizer
from bp_core.trainer import Trainer
from bp_core.whole_batch import WholeBatch

Rows = NDArray[np.intp]
Real = NDArray[Any]
ROWS_IN_ALL = 20_000_000
"""Rows that training goes through in all epochs together, unless ``epochs`` says otherwise."""

PENALTY_IN_ALL = 4.0
"""What ``l2`` is for all rows together, unless it is given: the more rows, the less each needs."""

MOST_EPOCHS = 200
LEAST_EPOCHS = 5
WATCHED = 0.1
"""Share of the rows trained on that is watched instead, where there is a patience."""


SCHEDULES: dict[str, Callable[[int], ScheduleLike]] = {
    "cosine": lambda steps: schedules.Cosine(steps=steps),
    "one_cycle": lambda steps: schedules.OneCycle(steps=max(2, steps)),
    "plateau": lambda steps: schedules.ReduceOnPlateau(),
    "adaptive": lambda steps: schedules.Adaptive(),
}
"""The schedules that have a name, for a training of so many steps."""


@dataclass(frozen=True)
class Settings:
    """What a training is asked for; see :meth:`Model.train`."""

    hidden: Sequence[int]
    activation: str
    task: str
    categorical: Sequence[str]
    missing: str
    held_out: float
    epochs: int | None
    batch_size: int
    optimizer: Optimizer | str
    schedule: ScheduleLike | str | None
    l2: float | None
    patience: int | None
    seed: int
    n_threads: int | None
    callbacks: Sequence[Callable[[Epoch], object]]
    progress: bool

    def __post_init__(self) -> None:
        if self.missing not in ("error", "impute"):
            raise ValueError(f"missing is {self.missing!r}; expected 'error' or 'impute'")
        if not _checks.is_number(self.held_out) or not 0 <= self.held_out < 1:
            raise ValueError(f"held_out is {self.held_out!r}; expected a share from 0 up to, not including, 1")
        hidden: Any = self.hidden
        if not np.iterable(hidden) or isinstance(hidden, str):
            raise TypeError(f"hidden is {self.hidden!r}; expected the sizes of the hidden layers, such as (16, 8)")
        for units in hidden:
            _checks.positive_integer("a size in hidden", units)
        if isinstance(self.schedule, str):
            look_up("schedule", self.schedule, tuple(SCHEDULES))
        if isinstance(self.categorical, str):
            raise TypeError(f"categorical is {self.categorical!r}; expected a sequence of column names")
        if _checks.check_seed(self.seed) is None:
            raise ValueError("seed is None; expected a whole number from 0 up")


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that there is before the first step."""

    network: Network
    columns: tuple[Column, ...]
    target: Target
    X: Real
    y: Real
    kept: Rows
    held_out: Rows


def prepare(table: Table, target_name: str, features: Sequence[str] | None, settings: Settings) -> Prepared:
    """Split, fit, encode and draw the network."""
    names = _feature_names(table, target_name, features)
    unknown = [name for name in settings.categorical if name not in names]
    if unknown:
        raise ValueError(f"categorical names {unknown[0]!r}, which is no feature{suggestion(unknown[0], names)}")
    if not table.n_rows:
        raise ValueError("the table has no rows")
    kept, held_out = split(table.n_rows, settings.held_out, settings.seed)
    imputes = settings.missing == "impute"
    target = fit_target(target_name, table.column(target_name), kept, settings.task)
    columns = tuple(fit_columns(table, names, kept, settings.categorical, imputes))
    y = target.encode(table.column(target_name))
    network = _network(columns, target, settings)
    X = encode(columns, table, network.dtype)
    return Prepared(network, columns, target, X, y, kept, held_out)


def split(n: int, held_out: float, seed: int) -> tuple[Rows, Rows]:
    """The rows to train on and those held out, in an order drawn from the seed; at least one is trained on."""
    count = min(n - 1, round(n * held_out))
    order = np.argsort(np.random.PCG64(seed).random_raw(n), kind="stable")
    return np.sort(order[count:]), np.sort(order[:count])


def _feature_names(table: Table, target: str, features: Sequence[str] | None) -> tuple[str, ...]:
    table.column(target)  # raises where there is none
    if features is None:
        names = tuple(name for name in table.names if name != target)
    else:
        if isinstance(features, str):
            raise TypeError(f"features is {features!r}; expected a sequence of column names")
        names = read_names("features", features) or ()
        for name in names:
            table.column(name)
        if target in names:
            raise ValueError(f"features hold the target {target!r}; a target cannot predict itself")
    if not names:
        raise ValueError(f"the table has no column beside the target {target!r}")
    return names


def _network(columns: tuple[Column, ...], target: Target, settings: Settings) -> Network:
    """A network of the right sizes; in float64 for methods of all rows, which run out of float32's digits."""
    n_in = sum(len(column.units) for column in columns)
    sizes = (n_in, *settings.hidden, target.n_outputs)
    dtype = "float64" if isinstance(optimizers.resolve(settings.optimizer), WholeBatch) else "float32"
    return Network(sizes, hidden=settings.activation, output=target.output, dtype=dtype, seed=settings.seed)


def fit(ready: Prepared, settings: Settings) -> tuple[History, float]:
    """Train on the rows kept, and tell in how many seconds; with a patience a tenth of them is watched instead."""
    X, y, kept = ready.X, ready.y, ready.kept
    trainer = Trainer(
        ready.network,
        optimizer=settings.optimizer,
        schedule=None if isinstance(settings.schedule, str) else settings.schedule,
        batch_size=settings.batch_size,
        l2=default_l2(len(kept)) if settings.l2 is None else settings.l2,
        seed=settings.seed,
        n_threads=settings.n_threads,
    )
    watched = None
    if settings.patience is not None:
        inside, outside = split(len(kept), WATCHED, settings.seed)
        kept, rest = kept[inside], kept[outside]
        watched = (X[rest], y[rest]) if len(rest) else None
    epochs = default_epochs(len(kept)) if settings.epochs is None else settings.epochs
    if isinstance(settings.schedule, str):
        trainer.schedule = SCHEDULES[settings.schedule](_steps(trainer, len(kept), epochs))
    began = perf_counter()
    with suppress(KeyboardInterrupt):  # the history says "interrupted", the network holds the last complete step
        trainer.fit(
            X[kept],
            y[kept],
            epochs=epochs,
            validation_data=watched,
            patience=settings.patience,
            callbacks=tuple(settings.callbacks),
            progress=settings.progress,
        )
    history = History() if trainer.history is None else trainer.history  # one of no epochs is false, and says why
    return history, perf_counter() - began


def _steps(trainer: Trainer, n: int, epochs: int) -> int:
    """Steps of so many epochs of n rows."""
    batch_size = n if trainer.batch_size == "full" else int(trainer.batch_size)
    return _checks.positive_integer("epochs", epochs) * -(-n // batch_size)


def default_l2(n: int) -> float:
    """A penalty that weighs less beside more rows, as a prior does: 4 / n."""
    return PENALTY_IN_ALL / max(1, n)


def default_epochs(n: int) -> int:
    """200 epochs, or fewer for many rows: 20 million rows in all, at least 5 epochs."""
    return max(LEAST_EPOCHS, min(MOST_EPOCHS, ROWS_IN_ALL // max(1, n)))
