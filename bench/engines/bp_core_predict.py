"""bp_core: `Network.predict` and the function of `Network.predictor`, with and without an array to write to."""

from __future__ import annotations

import numpy as np
from data import Problem
from definitions import Prediction

import bp_core as bp
from engines import FormAbsent
from engines.calls import call_all, call_inputs, joined


class Engine:
    """A network, and the function that is called."""

    def __init__(self, work: Prediction, problem: Problem, form: str, threads: int) -> None:
        self.work = work
        self.isa = bp.isa()
        self.inputs = call_inputs(work, problem)
        network = bp.Network.from_arrays(problem.weights, problem.biases, hidden=work.hidden, output=work.output)
        if form.startswith("predictor") and not hasattr(network, "predictor"):
            raise FormAbsent("this version has no Network.predictor")
        self.predict = network.predictor() if form.startswith("predictor") else network.predict
        shape = (work.layer_sizes[-1],) if work.batch_size == 1 else (work.batch_size, work.layer_sizes[-1])
        self.out = np.empty(shape, work.dtype) if form.endswith("out=") else None

    def run(self) -> None:
        """Call it for every input."""
        if self.out is None:
            call_all(self.predict, self.inputs, self.work.epochs)
            return
        predict, out = self.predict, self.out
        for _ in range(self.work.epochs):
            for x in self.inputs:
                predict(x, out=out)

    def outputs(self) -> np.ndarray:
        """Return what the calls give."""
        if self.out is None:
            return joined(map(self.predict, self.inputs), self.work)
        return joined((np.copy(self.predict(x, out=self.out)) for x in self.inputs), self.work)
