"""The expected answer: plain float64 NumPy, written to be read, sharing no code with any engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from data import Problem
from definitions import Optimizer, Training, Workload


@dataclass(frozen=True)
class Answer:
    """Parameters after training, and the losses before and after it."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    start_loss: float
    loss: float


Draw = Callable[[tuple[int, int]], np.ndarray]  # what the activations of this shape are multiplied by


def expected_answer(work: Training, problem: Problem, draw: Draw | None = None) -> Answer:
    """Train `work.epochs` epochs in float64, rows in order, and return where that leads; `draw` makes the masks."""
    weights = [W.astype(np.float64) for W in problem.weights]
    biases = [b.astype(np.float64) for b in problem.biases]
    start_loss = loss_of(work, weights, biases, problem)
    state: list[dict[str, np.ndarray]] = [{} for _ in weights + biases]
    step = 0
    for _ in range(work.epochs):
        for first in range(0, work.n_rows, work.batch_size):
            step += 1
            rows = slice(first, first + work.batch_size)
            grads = gradients(work, weights, biases, problem.X[rows].astype(np.float64), problem.y[rows], draw)
            for p, grad, memory in zip(weights + biases, grads, state, strict=True):
                update(work.optimizer, p, grad, memory, step)
    return Answer(weights, biases, start_loss, loss_of(work, weights, biases, problem))


def dropout_losses(work: Training, problem: Problem, n_runs: int) -> np.ndarray:
    """Return the losses after as many trainings with dropout, each with masks of its own."""
    rng, kept = np.random.default_rng(0), 1 - work.dropout
    return np.array(
        [expected_answer(work, problem, lambda shape: (rng.random(shape) < kept) / kept).loss for _ in range(n_runs)]
    )


def loss_of(work: Training, weights: list[np.ndarray], biases: list[np.ndarray], problem: Problem) -> float:
    """Return the float64 loss of these parameters over the rows of the problem."""
    X, y = problem.X.astype(np.float64), problem.y
    z, a = forward(work, weights, biases, X)
    n, m = a[-1].shape
    if work.loss == "half_squared_error":
        return float(np.sum((a[-1] - y) ** 2) / (2 * n))
    if work.loss == "mse":
        return float(np.sum((a[-1] - y) ** 2) / (n * m))
    if work.loss == "binary_cross_entropy":
        return float(np.sum(np.logaddexp(0, z[-1]) - y * z[-1]) / (n * m))
    log_sum = np.logaddexp.reduce(z[-1], axis=1)
    return float(np.mean(log_sum - z[-1][np.arange(n), y]))


def forward(
    work: Workload,
    weights: list[np.ndarray],
    biases: list[np.ndarray],
    X: np.ndarray,
    masks: list[np.ndarray] | None = None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return z and a of every layer; a hidden layer's a goes on times its mask."""
    z, a, x = [], [], X
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        z.append(x @ W + b if b.size else x @ W)
        is_output = layer == len(weights) - 1
        a.append(activate(work.output if is_output else work.hidden, z[-1]))
        x = a[-1] if masks is None or is_output else a[-1] * masks[layer]
    return z, a


def activate(name: str, z: np.ndarray) -> np.ndarray:
    """Return the activation of `z`."""
    if name == "relu":
        return np.maximum(z, 0)
    if name == "tanh":
        return np.tanh(z)
    if name == "sigmoid":
        return 0.5 * (1 + np.tanh(0.5 * z))
    if name == "softmax":
        return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    return z


def derivative(name: str, a: np.ndarray, margin: float) -> np.ndarray | float:
    """Return da/dz, from a, a sigmoid's taken no nearer than `margin` to 0 or 1."""
    if name == "sigmoid" and margin:
        a = np.clip(a, margin, 1 - margin)
    return {"relu": a > 0, "tanh": 1 - a * a, "sigmoid": a * (1 - a)}.get(name, 1.0)


def gradients(
    work: Training,
    weights: list[np.ndarray],
    biases: list[np.ndarray],
    X: np.ndarray,
    y: np.ndarray,
    draw: Draw | None = None,
) -> list[np.ndarray]:
    """Return the gradient of the loss: every weight's, then every bias's."""
    masks = [draw((len(X), W.shape[1])) if draw else np.ones((1, 1)) for W in weights[:-1]]
    _, a = forward(work, weights, biases, X, masks)
    n, m = a[-1].shape
    target = np.eye(m)[y] if work.loss == "cross_entropy" else y
    delta = (a[-1] - target) / n
    if work.loss == "half_squared_error":
        delta = delta * derivative(work.output, a[-1], work.slope_margin)
    elif work.loss == "mse":
        delta = delta * derivative(work.output, a[-1], work.slope_margin) * (2 / m)
    elif work.loss == "binary_cross_entropy":
        delta = delta / m
    grad_W, grad_b = [], []
    for layer in reversed(range(len(weights))):
        grad_W.insert(0, (a[layer - 1] * masks[layer - 1] if layer else X).T @ delta)
        grad_b.insert(0, delta.sum(axis=0) if biases[layer].size else np.zeros(0))
        if layer:
            slope = derivative(work.hidden, a[layer - 1], work.slope_margin)
            delta = (delta @ weights[layer].T) * masks[layer - 1] * slope
    return grad_W + grad_b


def update(rule: Optimizer, p: np.ndarray, grad: np.ndarray, memory: dict[str, np.ndarray], step: int) -> None:
    """Change `p` in place as torch.optim does; `memory` holds its moments."""
    if rule.name == "sgd":
        p -= rule.learning_rate * grad
    elif rule.name == "rmsprop":
        v = memory["v"] = rule.rho * memory.get("v", np.zeros_like(p)) + (1 - rule.rho) * grad**2
        p -= rule.learning_rate * grad / (np.sqrt(v) + rule.epsilon)
    else:
        m = memory["m"] = rule.beta1 * memory.get("m", np.zeros_like(p)) + (1 - rule.beta1) * grad
        v = memory["v"] = rule.beta2 * memory.get("v", np.zeros_like(p)) + (1 - rule.beta2) * grad**2
        m_hat, v_hat = m / (1 - rule.beta1**step), v / (1 - rule.beta2**step)
        epsilon = rule.epsilon if rule.corrects_epsilon else rule.epsilon / np.sqrt(1 - rule.beta2**step)
        p -= rule.learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
