"""Whether an engine's answer is right: its parameters against those of the float64 reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data import Problem
from definitions import Workload
from reference import Answer, expected_answer, loss_of

LOSS_TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # |loss - expected| as a part of the expected loss
PATH_TOLERANCE = {"float32": 1e-3, "float64": 1e-9}  # |parameters - expected| as a part of the way they went
TRAINED_PART = 0.9  # a timed call must bring the loss down by this part of what the check's fewer steps do


@dataclass(frozen=True)
class Verdict:
    """An engine's answer beside the expected one; both losses are over the rows of the check."""

    loss: float
    expected_loss: float
    path_error: float
    is_right: bool


class Judge:
    """The expected answer of one workload; compares saved parameters with it.

    Parameters
    ----------
    work : the whole workload, as the engine does it
    problem : its data and initial parameters
    """

    def __init__(self, work: Workload, problem: Problem) -> None:
        self.work = work.for_check()
        self.problem = problem.head(self.work.n_rows)
        self.answer: Answer = expected_answer(self.work, self.problem)

    def judge_check(self, path: Path) -> Verdict:
        """Compare the parameters after the steps of the check, and the loss they give, with the expected ones."""
        arrays = _saved(path)
        loss, expected = self._loss(arrays), self.answer.loss
        path_error = self._path_error(arrays)
        is_near = abs(loss - expected) <= LOSS_TOLERANCE[self.work.dtype] * expected
        return Verdict(loss, expected, path_error, is_near and path_error <= PATH_TOLERANCE[self.work.dtype])

    def has_trained(self, path: Path) -> tuple[bool, float]:
        """Return whether a timed call, not shorter than the check, has learned as it must, and the loss after it."""
        loss = self._loss(_saved(path))
        start, expected = self.answer.start_loss, self.answer.loss
        return loss <= start - TRAINED_PART * (start - expected), loss

    def _loss(self, arrays: list[np.ndarray]) -> float:
        n_layers = len(self.problem.weights)
        return loss_of(self.work, arrays[:n_layers], arrays[n_layers:], self.problem)

    def _path_error(self, arrays: list[np.ndarray]) -> float:
        """Return the distance from the expected parameters, over the way from the initial to the expected ones."""
        expected = _joined(self.answer.weights + self.answer.biases)
        initial = _joined(self.problem.weights + self.problem.biases)
        return float(np.linalg.norm(_joined(arrays) - expected) / np.linalg.norm(expected - initial))


def _saved(path: Path) -> list[np.ndarray]:
    """Return saved parameters in float64, weights first."""
    with np.load(path) as saved:
        return [saved[name].astype(np.float64) for name in saved.files]


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays])
