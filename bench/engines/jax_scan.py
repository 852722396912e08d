"""JAX: every step of a call under one `lax.scan`, compiled ahead of time, the state donated.

Rows are gathered inside the scan, from a permutation made on the host: on a CPU that beats gathering an epoch first.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from data import Problem
from definitions import Optimizer, Training
from jax import lax

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "identity": lambda z: z}


class Engine:
    """A jitted function from (state, order of the rows) to the state after all steps."""

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None:
        jax.config.update("jax_enable_x64", work.dtype == "float64")
        self.work, self.problem = work, problem
        self.X = jnp.asarray(problem.X)
        self.y = jnp.asarray(problem.y.astype(np.int32) if work.loss == "cross_entropy" else problem.y)
        self.start(shuffle=False)
        self.run = _compile(work, self.state, self.X, self.y, self._plan())

    def start(self, *, shuffle: bool) -> None:
        """Put the initial weights and zero moments on the device."""
        pairs = zip(self.problem.weights, self.problem.biases, strict=True)
        parameters = [(jnp.array(W), jnp.array(b)) for W, b in pairs]
        first, second = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
        self.state = jax.block_until_ready((parameters, first, second))
        self.keys = _dropout_keys(self.work)
        self.shuffle = shuffle
        self.rng = np.random.default_rng(0)

    def train(self) -> None:
        """Run the compiled scan and wait for it."""
        self.state, losses = self.run(self.state, self.X, self.y, self._plan())
        jax.block_until_ready((self.state, losses))

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the parameters as NumPy arrays."""
        return [np.asarray(W) for W, _ in self.state[0]], [np.asarray(b) for _, b in self.state[0]]

    def _plan(self) -> Any:
        """Return what the scan runs over: each step's rows, Adam's two bias corrections, the keys of dropout."""
        order = self._order()
        step = np.arange(1, len(order) + 1)
        rule = self.work.optimizer
        corrections = np.stack([1 / (1 - rule.beta1**step), 1 / np.sqrt(1 - rule.beta2**step)], axis=1)
        return order, corrections.astype(self.work.dtype), self.keys

    def _order(self) -> np.ndarray:
        """Return (steps, batch) row numbers; (steps, 0) where an epoch is one batch, which needs no gather."""
        n_rows, batch_size, epochs = self.work.n_rows, self.work.batch_size, self.work.epochs
        if n_rows == batch_size:
            return np.empty((epochs, 0), np.int32)
        rows = np.arange(n_rows, dtype=np.int32)
        epoch_orders = [self.rng.permutation(rows) if self.shuffle else rows for _ in range(epochs)]
        return np.concatenate(epoch_orders).reshape(-1, batch_size)


def _dropout_keys(work: Training) -> Any:
    """Return (steps, hidden layers) random keys; (steps, 0) without dropout."""
    if not work.dropout:
        return np.empty((work.steps, 0), np.int32)
    return jax.block_until_ready(jax.random.split(jax.random.key(0), (work.steps, len(work.fans) - 1)))


def _compile(work: Training, state: Any, X: jax.Array, y: jax.Array, plan: Any) -> Any:
    """Compile the scan over `plan` for arguments of these shapes."""
    value_and_grad = jax.value_and_grad(lambda parameters, x, y, keys: _loss(work, parameters, x, y, keys))

    def run(state: Any, X: jax.Array, y: jax.Array, plan: Any) -> tuple[Any, jax.Array]:
        def step(state: Any, planned: Any) -> tuple[Any, jax.Array]:
            rows, corrections, keys = planned
            batch = (X, y) if rows.size == 0 else (X.at[rows].get(mode="clip"), y.at[rows].get(mode="clip"))
            loss, grads = value_and_grad(state[0], *batch, keys)
            return _update(work.optimizer, state, grads, corrections), loss

        return lax.scan(step, state, plan)

    return jax.jit(run, donate_argnums=0).lower(state, X, y, plan).compile()


def _loss(work: Training, parameters: Any, x: jax.Array, y: jax.Array, keys: Any) -> jax.Array:
    """Return the loss of one batch; softmax and sigmoid joined to their cross-entropy."""
    for layer, (W, b) in enumerate(parameters[:-1]):
        x = ACTIVATIONS[work.hidden](_dense(x, W, b))
        if work.dropout:
            kept = 1 - work.dropout
            x = jnp.where(jax.random.bernoulli(keys[layer], kept, x.shape), x / kept, 0)
    z = _dense(x, *parameters[-1])
    if work.loss == "cross_entropy":
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1, mode="clip"))
    if work.loss == "binary_cross_entropy":
        return jnp.mean(jax.nn.softplus(z) - y * z)
    squares = (ACTIVATIONS[work.output](z) - y) ** 2
    return jnp.mean(squares) if work.loss == "mse" else 0.5 * jnp.sum(squares) / x.shape[0]


def _dense(x: jax.Array, W: jax.Array, b: jax.Array) -> jax.Array:
    """Return z; b has no elements where the layer has no bias."""
    return x @ W + b if b.size else x @ W


def _update(rule: Optimizer, state: Any, grads: Any, corrections: jax.Array) -> Any:
    """Return the state after one update."""
    p, m, v = state
    if rule.name == "sgd":
        return jax.tree.map(lambda p, g: p - rule.learning_rate * g, p, grads), m, v
    if rule.name == "rmsprop":
        v = jax.tree.map(lambda v, g: rule.rho * v + (1 - rule.rho) * g * g, v, grads)
        p = jax.tree.map(lambda p, g, v: p - rule.learning_rate * g / (jnp.sqrt(v) + rule.epsilon), p, grads, v)
        return p, m, v
    m = jax.tree.map(lambda m, g: rule.beta1 * m + (1 - rule.beta1) * g, m, grads)
    v = jax.tree.map(lambda v, g: rule.beta2 * v + (1 - rule.beta2) * g * g, v, grads)
    rate, scale = rule.learning_rate * corrections[0], corrections[1]
    p = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * scale + rule.epsilon), p, m, v)
    return p, m, v
