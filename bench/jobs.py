"""What a worker does with an engine's adapter: train or predict, checked or timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from data import make_problem
from definitions import Prediction, Training, Workload
from engines import EngineInfo, TrainingAdapter


class Job(Protocol):
    """One engine in one form on one workload."""

    isa: str | None

    def prepare(self) -> Callable[[], None]:
        """Get ready for a timed call, and return it."""
        ...

    def check(self) -> list[np.ndarray]:
        """Compute the answer that is checked before the rounds."""
        ...

    def answer(self) -> list[np.ndarray]:
        """Return the answer that the last timed call left."""
        ...


def make_job(work: Workload, engine: EngineInfo, form: str, threads: int) -> Job:
    """Return the job for `work`, as the engine does it."""
    return (PredictionJob if isinstance(work, Prediction) else TrainingJob)(work, engine, form, threads)


class TrainingJob:
    """Every timed call starts from the initial weights, outside the clock."""

    def __init__(self, work: Training, engine: EngineInfo, form: str, threads: int) -> None:
        problem, check_work = make_problem(work), work.for_check()
        make_adapter = engine.way(work).load()
        self.work = work
        self.checked = make_adapter(check_work, problem.head(check_work.n_rows), form, threads)
        self.timed = make_adapter(work, problem, form, threads)
        self.isa = getattr(self.timed, "isa", None)

    def prepare(self) -> Callable[[], None]:
        """Go back to the initial weights."""
        self.timed.start(shuffle=self.work.shuffle)
        return self.timed.train

    def check(self) -> list[np.ndarray]:
        """Return the parameters after the unshuffled steps of the check, weights first."""
        self.checked.start(shuffle=False)
        self.checked.train()
        return _parameters(self.checked)

    def answer(self) -> list[np.ndarray]:
        """Return the parameters after the last timed call, weights first."""
        return _parameters(self.timed)


class PredictionJob:
    """Every timed call predicts the same rows."""

    def __init__(self, work: Prediction, engine: EngineInfo, form: str, threads: int) -> None:
        self.adapter = engine.way(work).load()(work, make_problem(work), form, threads)
        self.isa = getattr(self.adapter, "isa", None)

    def prepare(self) -> Callable[[], None]:
        """Return the calls."""
        return self.adapter.run

    def check(self) -> list[np.ndarray]:
        """Return the outputs of all rows."""
        return [self.adapter.outputs()]

    answer = check


def _parameters(adapter: TrainingAdapter) -> list[np.ndarray]:
    weights, biases = adapter.parameters()
    return [*weights, *biases]
