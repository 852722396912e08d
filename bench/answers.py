"""Whether an engine's answer is right: what it computed against the float64 reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from data import Problem
from definitions import Prediction, Training, Workload
from reference import Answer, dropout_losses, expected_answer, forward, loss_of

LOSS_TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # |loss - expected| as a part of the expected loss
PATH_TOLERANCE = {"float32": 1e-3, "float64": 1e-9}  # |parameters - expected| as a part of the way they went
TRAINED_PART = 0.9  # a timed call must bring the loss down by this part of what the check's fewer steps do
DROPOUT_RUNS = 32  # of the reference, each with masks of its own
DROPOUT_DEVIATIONS = 5  # |loss - mean of these runs| in their standard deviations
OUTPUT_TOLERANCE = {"float32": 1e-5, "float64": 1e-13}  # |output - expected| as a part of the largest expected output


@dataclass(frozen=True)
class Verdict:
    """An engine's answer beside the expected one; what does not belong to the kind of work is None."""

    is_right: bool
    words: str
    loss: float | None = None  # over the rows of the check, like the expected one
    expected_loss: float | None = None
    path_error: float | None = None
    output_error: float | None = None


class Judge(Protocol):
    """Compares what a worker saved with the expected answer."""

    def judge_check(self, path: Path) -> Verdict:
        """Judge the answer before the rounds."""
        ...

    def judge_timed(self, path: Path) -> Verdict:
        """Judge what the last timed call left."""
        ...


def make_judge(work: Workload, problem: Problem) -> Judge:
    """Return the judge of this kind of work; `work` is what the engine does, `problem` belongs to it."""
    return PredictionJudge(work, problem) if isinstance(work, Prediction) else TrainingJudge(work, problem)


class TrainingJudge:
    """Judges parameters after training."""

    def __init__(self, work: Training, problem: Problem) -> None:
        self.timed_work, self.timed_problem = work, problem
        self.work = work.for_check()
        self.problem = problem.head(self.work.n_rows)
        self.answer: Answer = expected_answer(self.work, self.problem)

    def judge_check(self, path: Path) -> Verdict:
        """Compare the parameters after the steps of the check, and the loss they give, with the expected ones."""
        arrays = _saved(path)
        loss, expected = self._loss(arrays), self.answer.loss
        path_error = self._path_error(arrays)
        is_near = abs(loss - expected) <= LOSS_TOLERANCE[self.work.dtype] * expected
        words = (
            f"loss {loss:.6g}, expected {expected:.6g} after {self.work.steps} steps; "
            f"parameters off by {path_error:.1e} of the way"
        )
        is_right = is_near and path_error <= PATH_TOLERANCE[self.work.dtype]
        return Verdict(is_right, words, loss, expected, path_error)

    def judge_timed(self, path: Path) -> Verdict:
        """See whether a timed call, not shorter than the check, has learned as it must."""
        if self.timed_work.dropout:
            return self._judge_dropout(_saved(path))
        loss = self._loss(_saved(path))
        start, expected = self.answer.start_loss, self.answer.loss
        has_trained = loss <= start - TRAINED_PART * (start - expected)
        return Verdict(has_trained, f"the timed call has not learned: loss {loss:.6g} after it", loss)

    @cached_property
    def dropout_band(self) -> tuple[float, float]:
        """The lowest and highest loss that a timed call with this dropout may lead to."""
        losses = dropout_losses(self.timed_work, self.timed_problem, DROPOUT_RUNS)
        mean, reach = float(losses.mean()), DROPOUT_DEVIATIONS * float(losses.std(ddof=1))
        return mean - reach, mean + reach

    def _judge_dropout(self, arrays: list[np.ndarray]) -> Verdict:
        """Every engine drops units of its own choice: only where that leads on the average can be compared."""
        n_layers = len(self.timed_problem.weights)
        loss = loss_of(self.timed_work, arrays[:n_layers], arrays[n_layers:], self.timed_problem)
        low, high = self.dropout_band
        words = f"loss {loss:.6g} after a timed call with dropout, expected from {low:.6g} to {high:.6g}"
        return Verdict(low <= loss <= high, words, loss)

    def _loss(self, arrays: list[np.ndarray]) -> float:
        n_layers = len(self.problem.weights)
        return loss_of(self.work, arrays[:n_layers], arrays[n_layers:], self.problem)

    def _path_error(self, arrays: list[np.ndarray]) -> float:
        """Return the distance from the expected parameters, over the way from the initial to the expected ones."""
        expected = _joined(self.answer.weights + self.answer.biases)
        initial = _joined(self.problem.weights + self.problem.biases)
        return float(np.linalg.norm(_joined(arrays) - expected) / np.linalg.norm(expected - initial))


class PredictionJudge:
    """Judges outputs."""

    def __init__(self, work: Prediction, problem: Problem) -> None:
        self.work = work
        weights, biases = ([p.astype(np.float64) for p in part] for part in (problem.weights, problem.biases))
        self.expected = forward(work, weights, biases, problem.X.astype(np.float64))[1][-1]

    def judge_check(self, path: Path) -> Verdict:
        """Compare the outputs with the expected ones."""
        (output,) = _saved(path)
        error = float(np.abs(output - self.expected).max() / np.abs(self.expected).max())
        is_right = error <= OUTPUT_TOLERANCE[self.work.dtype]
        return Verdict(is_right, f"outputs off by at most {error:.1e} of the largest", output_error=error)

    judge_timed = judge_check


def _saved(path: Path) -> list[np.ndarray]:
    """Return saved arrays in float64: a training's parameters, weights first, or a prediction's outputs."""
    with np.load(path) as saved:
        return [saved[name].astype(np.float64) for name in saved.files]


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays])
