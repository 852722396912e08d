"""PyTorch, eager: plain functions under `no_grad`, from a tensor to a tensor."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from data import Problem
from definitions import Prediction

from engines.calls import call_all, call_inputs, joined
from engines.torch_steps import ACTIVATIONS


class Engine:
    """W.T and b of each layer as tensors; the inputs are tensors before the clock runs."""

    def __init__(self, work: Prediction, problem: Problem, form: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.work = work
        self.inputs = [torch.from_numpy(x) for x in call_inputs(work, problem)]
        pairs = zip(problem.weights, problem.biases, strict=True)
        self.layers = [(torch.from_numpy(W).T.contiguous(), torch.from_numpy(b)) for W, b in pairs]
        self.hidden = ACTIVATIONS[work.hidden]
        self.output = _softmax if work.output == "softmax" else ACTIVATIONS[work.output]

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output for one row or many."""
        for W, b in self.layers[:-1]:
            x = self.hidden(F.linear(x, W, b))
        return self.output(F.linear(x, *self.layers[-1]))

    @torch.no_grad()
    def run(self) -> None:
        """Call it for every input."""
        call_all(self.predict, self.inputs, self.work.epochs)

    @torch.no_grad()
    def outputs(self) -> np.ndarray:
        """Return what the calls give."""
        return joined((self.predict(x).numpy() for x in self.inputs), self.work)


def _softmax(z: torch.Tensor) -> torch.Tensor:
    return torch.softmax(z, dim=-1)
