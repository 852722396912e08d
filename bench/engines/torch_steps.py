"""PyTorch, eager (plain functions, fused optimiser) or compiled (a whole step as one graph)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from data import Problem
from definitions import Optimizer, Training

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "identity": lambda z: z}
Tensors = list[torch.Tensor]
Moments = tuple[Tensors, Tensors, Tensors]  # first, second, the two bias corrections of this step


class Engine:
    """Parameters W.T, b of each layer in one list, and a function that makes one step."""

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.work, self.form = work, form
        self.X, self.y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
        self.initial: Tensors = []
        for W, b in zip(problem.weights, problem.biases, strict=True):
            self.initial += [torch.from_numpy(W).T.contiguous(), torch.from_numpy(b)]
        self.values = [p.clone() for p in self.initial]
        self.compiled = _CompiledStep(work, self.values) if form == "compiled" else None

    def start(self, *, shuffle: bool) -> None:
        """Copy the initial weights back and forget the moments."""
        self.shuffle = shuffle
        torch.manual_seed(0)
        for value, initial in zip(self.values, self.initial, strict=True):
            value.detach().copy_(initial)
        if self.compiled is not None:
            self.compiled.reset()
            self.step = self.compiled.step
        else:
            self.step = _eager_step(self.work, [value.requires_grad_() for value in self.values])

    def train(self) -> None:
        """Loop over the batches."""
        step, X, y, batch_size, n_rows = self.step, self.X, self.y, self.work.batch_size, self.work.n_rows
        for _ in range(self.work.epochs):
            if batch_size == n_rows:
                step(X, y)
                continue
            order = torch.randperm(n_rows) if self.shuffle else torch.arange(n_rows)
            for rows in order.split(batch_size):
                step(X[rows], y[rows])

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return copies in (fan_in, fan_out) order."""
        arrays = [value.detach().numpy().copy() for value in self.values]
        return [W.T for W in arrays[0::2]], arrays[1::2]


def _loss(work: Training, parameters: Tensors, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the loss of one batch."""
    for W, b in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
        x = ACTIVATIONS[work.hidden](_dense(x, W, b))
        if work.dropout:
            x = F.dropout(x, work.dropout)
    z = _dense(x, parameters[-2], parameters[-1])
    if work.loss == "cross_entropy":
        return F.cross_entropy(z, y)
    if work.loss == "binary_cross_entropy":
        return F.binary_cross_entropy_with_logits(z, y)
    output = ACTIVATIONS[work.output](z)
    if work.loss == "mse":
        return F.mse_loss(output, y)
    return F.mse_loss(output, y, reduction="sum") * (0.5 / x.shape[0])


def _dense(x: torch.Tensor, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return z; b has no elements where the layer has no bias."""
    return F.linear(x, W, b) if b.numel() else F.linear(x, W)


def _eager_step(work: Training, parameters: Tensors) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """Return autograd and torch.optim, as users write them; the fused update where there is one."""
    rule = work.optimizer
    if rule.name == "sgd":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(parameters, lr=rule.learning_rate, fused=True)
    elif rule.name == "rmsprop":
        optimizer = torch.optim.RMSprop(parameters, lr=rule.learning_rate, alpha=rule.rho, eps=rule.epsilon)
    else:
        betas = (rule.beta1, rule.beta2)
        optimizer = torch.optim.Adam(parameters, lr=rule.learning_rate, betas=betas, eps=rule.epsilon, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> None:
        loss = _loss(work, parameters, x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


class _CompiledStep:
    """Loss, gradients and update in one graph of torch.compile, the parameters changed in place."""

    def __init__(self, work: Training, parameters: Tensors) -> None:
        self.parameters = parameters
        self.first = [torch.zeros_like(p) for p in parameters]
        self.second = [torch.zeros_like(p) for p in parameters]
        self.corrections = [torch.ones((), dtype=parameters[0].dtype) for _ in range(2)]
        self.rule = work.optimizer
        grad_and_value = torch.func.grad_and_value(lambda parameters, x, y: _loss(work, parameters, x, y))

        def run(p: Tensors, moments: Moments, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            grads, loss = grad_and_value(p, x, y)
            _update(work.optimizer, p, *moments, grads)
            return loss

        self.run = torch.compile(run, dynamic=False, fullgraph=True)

    def reset(self) -> None:
        """Forget the moments."""
        self.n_steps = 0
        for tensor in (*self.first, *self.second):
            tensor.zero_()

    @torch.no_grad()
    def step(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Make one step; the corrections come from here because float32 would spoil 1 - beta2**n_steps."""
        self.n_steps += 1
        if self.rule.name == "adam":
            self.corrections[0].fill_(1 / (1 - self.rule.beta1**self.n_steps))
            self.corrections[1].fill_((1 - self.rule.beta2**self.n_steps) ** -0.5)
        self.run(self.parameters, (self.first, self.second, self.corrections), x, y)


def _update(rule: Optimizer, p: Tensors, m: Tensors, v: Tensors, corrections: Tensors, grads: Tensors) -> None:
    """Change parameters and moments in place."""
    rate, scale = rule.learning_rate * corrections[0], corrections[1]
    for p_, m_, v_, g in zip(p, m, v, grads, strict=True):
        if rule.name == "sgd":
            p_.sub_(g, alpha=rule.learning_rate)
        elif rule.name == "rmsprop":
            v_.mul_(rule.rho).add_(g * g * (1 - rule.rho))
            p_.sub_(rule.learning_rate * g / (v_.sqrt() + rule.epsilon))
        else:
            m_.mul_(rule.beta1).add_(g * (1 - rule.beta1))
            v_.mul_(rule.beta2).add_(g * g * (1 - rule.beta2))
            p_.sub_(rate * m_ / (v_.sqrt() * scale + rule.epsilon))
