"""NumPy: the forward pass one writes by hand to be fast, into arrays made once."""

from __future__ import annotations

from typing import Any

import numpy as np
from data import Problem
from definitions import Prediction

from engines.calls import call_all, call_inputs, joined
from engines.numpy_loop import activate


class Engine:
    """Weights, and an output array for every layer."""

    def __init__(self, work: Prediction, problem: Problem, form: str, threads: int) -> None:
        self.work = work
        self.inputs = call_inputs(work, problem)
        rows = () if work.batch_size == 1 else (work.batch_size,)
        activations = [work.hidden] * (len(problem.weights) - 1) + [work.output]
        outputs = [np.empty((*rows, size), work.dtype) for size in work.layer_sizes[1:]]
        self.layers = list(zip(problem.weights, problem.biases, activations, outputs, strict=True))

    def predict(self, x: Any) -> np.ndarray:
        """Return the output for one row or many; the next call writes over it."""
        for W, b, activation, a in self.layers:
            np.dot(x, W, out=a)
            a += b
            activate(activation, a)
            x = a
        return x

    def run(self) -> None:
        """Call it for every input."""
        call_all(self.predict, self.inputs, self.work.epochs)

    def outputs(self) -> np.ndarray:
        """Return what the calls give."""
        return joined((self.predict(x).copy() for x in self.inputs), self.work)
