"""NumPy: the loop one writes by hand to be fast, without an allocation in a step.

All parameters lie in one vector, so that the update is a few calls whatever the number of layers; it runs over
blocks that stay in the cache. Rows are gathered for many steps at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from data import Problem
from definitions import Training

UPDATE_BLOCK = 32_768  # parameters per block of the update
GATHER_ELEMENTS = 1 << 18  # elements of X gathered at once


class Engine:
    """Buffers for one batch, and the step over them."""

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None:
        self.work, self.problem = work, problem
        self.n_layers = len(problem.weights)
        self.initial = np.concatenate([p.ravel() for p in problem.weights + problem.biases])
        self.parameter_vector, self.grad_vector, self.m, self.v = (np.empty_like(self.initial) for _ in range(4))
        self.weights, self.biases = self._views(self.parameter_vector)
        self.grad_W, self.grad_b = self._views(self.grad_vector)
        shapes = [(work.batch_size, size) for size in work.layer_sizes[1:]]
        self.a = [np.empty(shape, work.dtype) for shape in shapes]
        self.delta = [np.empty(shape, work.dtype) for shape in shapes]
        self.slope = [np.empty(shape, work.dtype) for shape in shapes]
        shapes = shapes[:-1] if work.dropout else []
        self.mask = [np.empty(shape, work.dtype) for shape in shapes]
        self.dropped = [np.empty(shape, work.dtype) for shape in shapes] if work.dropout else self.a
        self.rows = np.arange(work.batch_size)
        self.temporary = np.empty(min(UPDATE_BLOCK, self.initial.size), work.dtype)

    def start(self, *, shuffle: bool) -> None:
        """Copy the initial weights back and forget the moments."""
        self.parameter_vector[:] = self.initial
        self.m.fill(0)
        self.v.fill(0)
        self.n_steps = 0
        self.loss = 0.0
        self.shuffle = shuffle
        self.rng = np.random.default_rng(0)

    def train(self) -> None:
        """Loop over the batches."""
        update = {"sgd": self._sgd, "rmsprop": self._rmsprop, "adam": self._adam}[self.work.optimizer.name]
        for _ in range(self.work.epochs):
            for x, y in self._batches():
                self._forward(x)
                self._output_delta(y)
                self._backward(x)
                update()

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the parameters."""
        return self.weights, self.biases

    def _views(self, vector: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return weights and biases as views of `vector`."""
        views, first = [], 0
        for p in self.problem.weights + self.problem.biases:
            views.append(vector[first : first + p.size].reshape(p.shape))
            first += p.size
        return views[: self.n_layers], views[self.n_layers :]

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the batches of one epoch."""
        X, y, batch_size = self.problem.X, self.problem.y, self.work.batch_size
        if len(X) == batch_size:
            yield X, y
            return
        order = self.rng.permutation(len(X)) if self.shuffle else np.arange(len(X))
        chunk = max(1, GATHER_ELEMENTS // (batch_size * X.shape[1])) * batch_size
        for first in range(0, len(X), chunk):
            rows = order[first : first + chunk]
            X_chunk, y_chunk = X.take(rows, axis=0), y.take(rows, axis=0)
            for start in range(0, len(rows), batch_size):
                yield X_chunk[start : start + batch_size], y_chunk[start : start + batch_size]

    def _forward(self, x: np.ndarray) -> None:
        """Fill a of every layer."""
        for layer, a in enumerate(self.a):
            np.dot(x, self.weights[layer], out=a)
            if self.biases[layer].size:
                a += self.biases[layer]
            if layer == self.n_layers - 1:
                activate(self.work.output, a)
                return
            activate(self.work.hidden, a)
            x = self._drop(layer) if self.work.dropout else a

    def _drop(self, layer: int) -> np.ndarray:
        """Draw the mask of a hidden layer and return a times it."""
        mask, kept = self.mask[layer], 1 - self.work.dropout
        self.rng.random(out=mask, dtype=mask.dtype)
        np.less(mask, kept, out=mask)
        mask *= 1 / kept
        return np.multiply(self.a[layer], mask, out=self.dropped[layer])

    def _output_delta(self, y: np.ndarray) -> None:
        """Fill the last delta and add the batch's loss to the epoch's."""
        a, delta, (n, m) = self.a[-1], self.delta[-1], self.a[-1].shape
        if self.work.loss == "cross_entropy":
            self.loss -= float(np.log(a[self.rows, y]).sum()) / n
            a[self.rows, y] -= 1
            np.multiply(a, 1 / n, out=delta)
            return
        np.subtract(a, y, out=delta)
        if self.work.loss == "binary_cross_entropy":
            self.loss -= float(np.log(1 - np.abs(delta)).sum()) / (n * m)
            delta *= 1 / (n * m)
            return
        scale = 1 / n if self.work.loss == "half_squared_error" else 2 / (n * m)
        self.loss += 0.5 * scale * float(np.vdot(delta, delta))
        delta *= scale
        if self.work.output != "identity":
            delta *= _slope(self.work.output, a, self.slope[-1])

    def _backward(self, x: np.ndarray) -> None:
        """Fill the gradients of every layer."""
        for layer in range(self.n_layers - 1, -1, -1):
            a_prev, delta = (self.dropped[layer - 1] if layer else x), self.delta[layer]
            np.dot(a_prev.T, delta, out=self.grad_W[layer])
            if self.grad_b[layer].size:
                np.add.reduce(delta, axis=0, out=self.grad_b[layer])
            if layer:
                np.dot(delta, self.weights[layer].T, out=self.delta[layer - 1])
                if self.work.dropout:
                    self.delta[layer - 1] *= self.mask[layer - 1]
                if self.work.hidden != "identity":
                    self.delta[layer - 1] *= _slope(self.work.hidden, self.a[layer - 1], self.slope[layer - 1])

    def _sgd(self) -> None:
        self.grad_vector *= self.work.optimizer.learning_rate
        self.parameter_vector -= self.grad_vector

    def _rmsprop(self) -> None:
        rule = self.work.optimizer
        for p, g, _, v, t in self._blocks():
            np.multiply(g, g, out=t)
            t *= 1 - rule.rho
            v *= rule.rho
            v += t
            np.sqrt(v, out=t)
            t += rule.epsilon
            np.divide(g, t, out=t)
            t *= rule.learning_rate
            p -= t

    def _adam(self) -> None:
        """Adam with m / (1 - beta1) and v / (1 - beta2) kept instead of m and v: three passes fewer."""
        rule = self.work.optimizer
        self.n_steps += 1
        m_scale = (1 - rule.beta1) / (1 - rule.beta1**self.n_steps)
        v_scale = ((1 - rule.beta2) / (1 - rule.beta2**self.n_steps)) ** 0.5
        for p, g, m, v, t in self._blocks():
            m *= rule.beta1
            m += g
            g *= g
            v *= rule.beta2
            v += g
            np.sqrt(v, out=t)
            t += rule.epsilon / v_scale
            np.divide(m, t, out=t)
            t *= rule.learning_rate * m_scale / v_scale
            p -= t

    def _blocks(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield parameters, gradient, both moments and a temporary, block by block."""
        if self.initial.size <= UPDATE_BLOCK:
            yield self.parameter_vector, self.grad_vector, self.m, self.v, self.temporary
            return
        for first in range(0, self.initial.size, UPDATE_BLOCK):
            block = slice(first, first + UPDATE_BLOCK)
            p = self.parameter_vector[block]
            yield p, self.grad_vector[block], self.m[block], self.v[block], self.temporary[: p.size]


def activate(name: str, z: np.ndarray) -> None:
    """Turn z into a, in place."""
    if name == "relu":
        np.maximum(z, 0, out=z)
    elif name == "tanh":
        np.tanh(z, out=z)
    elif name == "sigmoid":
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)
    elif name == "softmax":
        z -= np.maximum.reduce(z, axis=-1, keepdims=True)
        np.exp(z, out=z)
        z /= np.add.reduce(z, axis=-1, keepdims=True)


def _slope(name: str, a: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write da/dz, from a, into `out` and return it."""
    if name == "relu":
        return np.greater(a, 0, out=out)
    np.multiply(a, a, out=out)
    return np.subtract(1 if name == "tanh" else a, out, out=out)
