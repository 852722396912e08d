"""One step of a trainer, and the loss of rows that it does not train on: by the engine, or with the user's function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bp_core import _passes
from bp_core._loss_function import Step
from bp_core._targets import Data

if TYPE_CHECKING:
    from bp_core.trainer import Trainer


def take(trainer: Trainer, data: Data, threads: int, rate: float) -> Step:
    """One step over the rows as one batch."""
    if trainer._function is not None:
        return trainer._function.step(trainer, data, threads, rate)
    return Step(*trainer._state.step(trainer._recipe(), data, trainer._engine_objective(), threads, rate))


def loss_of(trainer: Trainer, data: Data) -> float:
    """The loss of rows that are not trained on, without penalties."""
    if trainer._function is not None:
        return trainer._function.loss_of(data)
    return _passes.evaluate(trainer.network, data, trainer._engine_objective(), _passes.NOTHING)


def rows_of_a_batch(trainer: Trainer, n: int) -> int:
    """How many of n rows a batch takes."""
    return n if trainer.batch_size == "full" else min(int(trainer.batch_size), n)
