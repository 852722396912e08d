"""What the prediction adapters share: the inputs of the calls, and the loop that is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from data import Problem
from definitions import Prediction


def call_inputs(work: Prediction, problem: Problem, *, keep_rows_2d: bool = False) -> list[np.ndarray]:
    """Return the X of every call: one row as (n_in,), or (1, n_in) where an engine wants that; many as (n, n_in)."""
    if work.batch_size == 1 and not keep_rows_2d:
        return list(problem.X)
    return [problem.X[first : first + work.batch_size] for first in range(0, work.n_rows, work.batch_size)]


def call_all(function: Callable[[Any], object], inputs: Iterable[Any], epochs: int) -> None:
    """Call the function with every input, `epochs` times."""
    for _ in range(epochs):
        for x in inputs:
            function(x)


def joined(outputs: Iterable[np.ndarray], work: Prediction) -> np.ndarray:
    """Return the outputs of all calls as (n_rows, n_out)."""
    return np.concatenate([np.array(output).reshape(work.batch_size, -1) for output in outputs])
