"""Synthetic data and initial weights: the same numbers for every engine, from a seeded generator."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from definitions import Training, Workload

SEED = 20_260_101
PIECE = 4_096  # rows


@dataclass(frozen=True)
class Problem:
    """Rows, targets and initial parameters of one workload, in the workload's dtype; a prediction's has no targets.

    Attributes
    ----------
    X : (n_rows, n_in)
    y : (n_rows, n_out), or (n_rows,) class indices (int64) for cross_entropy; (0,) for a prediction
    weights : one (fan_in, fan_out) per layer
    biases : one (fan_out,) per layer; (0,) where it has none
    """

    X: np.ndarray
    y: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    def head(self, n_rows: int) -> Problem:
        """Return the same problem with the first rows only."""
        return replace(self, X=self.X[:n_rows], y=self.y[:n_rows])


def make_problem(work: Workload) -> Problem:
    """Return the data and the initial weights of `work`."""
    rng = np.random.default_rng(SEED)
    X = _inputs(work, rng)
    y = _targets(work, X, rng) if isinstance(work, Training) else np.empty(0, work.dtype)
    weights, biases = _initial_parameters(work, rng)
    return Problem(X, y, weights, biases)


def _inputs(work: Workload, rng: np.random.Generator) -> np.ndarray:
    """Return the rows: the four of xor, standard normals, or pixels in [0, 1) of which four in five are 0."""
    if work.inputs == "xor":
        return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=work.dtype)
    shape = (work.n_rows, work.layer_sizes[0])
    if work.inputs == "normal":
        return rng.standard_normal(shape, dtype=np.float32).astype(work.dtype, copy=False)
    pixels = rng.random(shape, dtype=np.float32)
    pixels *= 5
    pixels -= 4
    return np.maximum(pixels, 0, out=pixels).astype(work.dtype, copy=False)


def _targets(work: Training, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a random linear teacher says of the rows, so that there is something to learn."""
    if work.inputs == "xor":
        return np.logical_xor(X[:, :1], X[:, 1:]).astype(work.dtype)
    teacher = rng.standard_normal((work.layer_sizes[0], work.layer_sizes[-1])).astype(work.dtype)
    mean = X.mean(axis=0)
    # In pieces: a copy of X would be the peak of a worker's memory.
    score = np.concatenate([(X[s : s + PIECE] - mean) @ teacher for s in range(0, len(X), PIECE)])
    if work.inputs == "normal":
        return np.tanh(score)
    labels = score.argmax(axis=1)
    if work.loss == "cross_entropy":
        return labels
    return np.eye(work.layer_sizes[-1], dtype=work.dtype)[labels]


def _initial_parameters(work: Workload, rng: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return He (relu) or Glorot uniform weights, and small biases that are not all alike."""
    weights, biases = [], []
    for fan_in, fan_out in work.fans:
        limit = np.sqrt(6 / fan_in if work.hidden == "relu" else 6 / (fan_in + fan_out))
        weights.append(rng.uniform(-limit, limit, (fan_in, fan_out)).astype(work.dtype))
        b = rng.uniform(-0.1, 0.1, fan_out).astype(work.dtype)  # drawn for "none" too: W is then the same
        biases.append(b if work.bias == "unit" else b[:0])
    return weights, biases
