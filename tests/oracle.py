"""The slow reference: the formulas of the design in NumPy, written for reading, sharing nothing with bp_core.

Every function computes in the dtype of what it is given; tests give np.longdouble where the last digits matter.
A network is a list of `weights` (fan_in, fan_out), a list of `biases`, a list of names `hidden` and a name `output`.
The bias mode shows in the shape of b: (fan_out,) per unit, (1,) one number for the layer, (0,) none.
"""

import math
from dataclasses import dataclass

import numpy as np

PI = "3.14159265358979323846264338327950288"
ACTIVATIONS = (
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "softsign", "exp",
)  # fmt: skip
REGRESSION_LOSSES = ("half_squared_error", "mse", "mae", "huber", "quantile", "log_cosh")
PAIRS = (
    *((loss_name, output) for loss_name in REGRESSION_LOSSES for output in ACTIVATIONS),
    ("poisson", "exp"),
    ("binary_cross_entropy", "sigmoid"),
    ("cross_entropy", "softmax"),
)


# ---- activations: the value and the derivative by z; at a kink the derivative from the left ----


def erf(x):
    """2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!!, all terms of one sign; beyond 7 erf is 1 to the last bit."""
    x = np.clip(x, -7, 7)
    term = x.copy()
    total = x.copy()
    for n in range(1, 200):
        term = term * (2 * x * x / (2 * n + 1))
        total = total + term
    return 2 / np.sqrt(x.dtype.type(PI)) * np.exp(-x * x) * total


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def normal_distribution(z):
    return (1 + erf(z / np.sqrt(z.dtype.type(2)))) / 2


def normal_density(z):
    return np.exp(-z * z / 2) / np.sqrt(2 * z.dtype.type(PI))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def activation(name, z):
    if name == "identity":
        return z.copy()
    if name == "sigmoid":
        return sigmoid(z)
    if name == "tanh":
        return np.tanh(z)
    if name == "relu":
        return np.where(z > 0, z, z * 0)
    if name == "leaky_relu":
        return np.where(z > 0, z, z.dtype.type("0.01") * z)
    if name == "elu":
        return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))
    if name == "gelu":
        return z * normal_distribution(z)
    if name == "silu":
        return z * sigmoid(z)
    if name == "softplus":
        return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)
    if name == "softsign":
        return z / (1 + np.abs(z))
    if name == "exp":
        return np.exp(z)
    if name == "softmax":
        return softmax(z)
    raise KeyError(name)


def derivative(name, z):
    """da/dz, unit by unit; softmax has none of this kind."""
    one = np.ones_like(z)
    if name == "identity":
        return one
    if name == "sigmoid":
        return sigmoid(z) * sigmoid(-z)
    if name == "tanh":
        return 1 / np.cosh(z) ** 2
    if name == "relu":
        return np.where(z > 0, one, 0)
    if name == "leaky_relu":
        return np.where(z > 0, one, z.dtype.type("0.01"))
    if name == "elu":
        return np.where(z > 0, one, np.exp(np.minimum(z, 0)))
    if name == "gelu":
        return normal_distribution(z) + z * normal_density(z)
    if name == "silu":
        return sigmoid(z) * (1 + z * sigmoid(-z))
    if name == "softplus":
        return sigmoid(z)
    if name == "softsign":
        return 1 / (1 + np.abs(z)) ** 2
    if name == "exp":
        return np.exp(z)
    raise KeyError(name)


# ---- losses: one number per row, then the weighted mean of the rows ----


def target_rows(y, z):
    """Targets in the shape of z: class indices become rows of 0 and 1, (n,) becomes (n, 1)."""
    y = np.asarray(y)
    if y.ndim == 1 and z.shape[1] > 1:
        return np.equal(y[:, None], np.arange(z.shape[1])[None, :]).astype(z.dtype)
    return y.reshape(z.shape).astype(z.dtype)


def row_weights(n, sample_weight, dtype):
    """sample_weight divided by its mean; ones without."""
    if sample_weight is None:
        return np.ones(n, dtype)
    w = np.asarray(sample_weight).astype(dtype)
    return w / w.mean()


def poisson_terms(z, y):
    """y log(y / a) - y + a for a = e^z: with d = z - log y that is y (e^d - 1 - d), by its series near d = 0."""
    d = z - np.log(np.where(y > 0, y, 1))
    series = d * d / 2 * (1 + d / 3 * (1 + d / 4 * (1 + d / 5 * (1 + d / 6 * (1 + d / 7)))))
    near = np.abs(d) < 1e-3
    rest = np.where(near, series, np.expm1(np.where(near, 0, d)) - d)
    return np.where(y > 0, y * rest, np.exp(z))


def row_losses(name, z, a, y, threshold=1.0, level=0.5):
    m = z.shape[1]
    r = a - y
    if name == "half_squared_error":
        return (r * r).sum(axis=1) / 2
    if name == "mse":
        return (r * r).sum(axis=1) / m
    if name == "mae":
        return np.abs(r).sum(axis=1) / m
    if name == "huber":
        size = np.abs(r)
        return np.where(size <= threshold, r * r / 2, threshold * (size - z.dtype.type(threshold) / 2)).sum(axis=1) / m
    if name == "quantile":
        level = z.dtype.type(level)
        return np.maximum(-level * r, (1 - level) * r).sum(axis=1) / m
    if name == "log_cosh":
        return (np.abs(r) + np.log1p(np.expm1(-2 * np.abs(r)) / 2)).sum(axis=1) / m
    if name == "poisson":
        return poisson_terms(z, y).sum(axis=1)
    if name == "binary_cross_entropy":
        return (y * activation("softplus", -z) + (1 - y) * activation("softplus", z)).sum(axis=1) / m
    if name == "cross_entropy":
        top = z.max(axis=1, keepdims=True)
        log_a = z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))
        return -(y * log_a).sum(axis=1)
    raise KeyError(name)


def loss(name, z, a, y, sample_weight=None, **options):
    w = row_weights(len(z), sample_weight, z.dtype)
    return (w * row_losses(name, z, a, target_rows(y, z), **options)).mean()


def output_delta(name, output, z, a, y, sample_weight=None, threshold=1.0, level=0.5):
    """dLoss/dz of the last layer."""
    n, m = z.shape
    y = target_rows(y, z)
    r = a - y
    if name == "cross_entropy":
        delta = y.sum(axis=1, keepdims=True) * a - y
    elif name == "binary_cross_entropy":
        delta = r / m
    elif name == "half_squared_error":
        delta = r * derivative(output, z)
    elif name == "mse":
        delta = 2 * r / m * derivative(output, z)
    elif name == "mae":
        delta = np.sign(r) / m * derivative(output, z)
    elif name == "huber":
        delta = np.clip(r, -threshold, threshold) / m * derivative(output, z)
    elif name == "quantile":
        level = z.dtype.type(level)
        delta = np.where(r > 0, 1 - level, np.where(r < 0, -level, 0)) / m * derivative(output, z)
    elif name == "log_cosh":
        delta = np.tanh(r) / m * derivative(output, z)
    elif name == "poisson":
        delta = r
    else:
        raise KeyError(name)
    return row_weights(n, sample_weight, z.dtype)[:, None] * delta / n


# ---- the network ----


def forward(weights, biases, hidden, output, X):
    """z and a of every layer: z[l] = a_prev @ W + b."""
    z, a = [], []
    a_prev = X
    for W, b, name in zip(weights, biases, [*hidden, output], strict=True):
        z.append(a_prev @ W + (b if b.size else 0))
        a.append(activation(name, z[-1]))
        a_prev = a[-1]
    return z, a


@dataclass
class Gradients:
    loss: float
    weights: list
    biases: list
    deltas: list
    inputs: np.ndarray


def bias_gradient(b, delta):
    """Per unit the sum over the rows; with one number for the layer also over the units; without bias nothing."""
    if b.size == 0:
        return b.copy()
    if b.size == delta.shape[1]:
        return delta.sum(axis=0)
    return delta.sum(axis=0).sum(keepdims=True)


def gradients(weights, biases, hidden, output, X, y, loss_name, sample_weight=None, **options):
    """Backpropagation: from delta of a layer its grad_W and grad_b, then delta of the layer below."""
    z, a = forward(weights, biases, hidden, output, X)
    value = loss(loss_name, z[-1], a[-1], y, sample_weight, **options)
    delta = output_delta(loss_name, output, z[-1], a[-1], y, sample_weight, **options)
    grad_W, grad_b, deltas = [], [], []
    for l in reversed(range(len(weights))):
        a_prev = a[l - 1] if l > 0 else X
        grad_W.insert(0, a_prev.T @ delta)
        grad_b.insert(0, bias_gradient(biases[l], delta))
        deltas.insert(0, delta)
        delta = delta @ weights[l].T
        if l > 0:
            delta = delta * derivative(hidden[l - 1], z[l - 1])
    return Gradients(value, grad_W, grad_b, deltas, inputs=delta)


def jacobian(weights, biases, hidden, output, X):
    """da_j/dx_k of every row (n, n_out, n_in), from the inputs up: dz/dx = W.T @ da_prev/dx, da/dx = da/dz @ dz/dx."""
    z, a = forward(weights, biases, hidden, output, X)
    slopes = np.tile(np.eye(X.shape[1], dtype=X.dtype), (len(X), 1, 1))
    for l, name in enumerate([*hidden, output]):
        slopes = weights[l].T @ slopes
        if name == "softmax":
            unit = np.eye(a[l].shape[1], dtype=X.dtype)
            slopes = a[l][:, :, None] * (unit - a[l][:, None, :]) @ slopes
        else:
            slopes = derivative(name, z[l])[:, :, None] * slopes
    return slopes


def parameter_jacobian(weights, biases, hidden, output, X):
    """da_j/dp of every row (n, n_out, parameters): weights[0] in C order, biases[0], weights[1], ..."""
    z, a = forward(weights, biases, hidden, output, X)
    n, n_out = a[-1].shape
    delta = derivative(output, z[-1])[:, :, None] * np.eye(n_out, dtype=X.dtype)  # (n, n_out, fan_out): da_j/dz
    parts = []
    for l in reversed(range(len(weights))):
        a_prev = a[l - 1] if l > 0 else X
        by_W = a_prev[:, None, :, None] * delta[:, :, None, :]
        by_b = {0: delta[..., :0], 1: delta.sum(axis=2, keepdims=True)}.get(biases[l].size, delta)
        parts = [by_W.reshape(n, n_out, -1), by_b, *parts]
        if l > 0:
            delta = (delta @ weights[l].T) * derivative(hidden[l - 1], z[l - 1])[:, None, :]
    return np.concatenate(parts, axis=2)


def numeric_gradient(function, array):
    """Central differences of function() by every element of array, which is changed and put back."""
    result = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        step = array.dtype.type(6e-6) * max(1, abs(value))
        array[index] = value + step
        above = function()
        array[index] = value - step
        below = function()
        array[index] = value
        result[index] = (above - below) / (2 * step)
    return result


# ---- penalties, clipping, optimisers: the formulas of torch.optim's classes of the same names ----


def penalty(weights, l1=0.0, l2=0.0):
    return sum(l2 / 2 * (W * W).sum() + l1 * np.abs(W).sum() for W in weights)


def clipped(grads, clip_norm):
    """All gradients times clip_norm / norm where the norm over all of them is larger than clip_norm."""
    norm = np.sqrt(sum((g * g).sum() for g in grads))
    return [g * (clip_norm / norm) for g in grads] if norm > clip_norm else grads


class SGD:
    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False):
        self.learning_rate, self.momentum, self.nesterov = learning_rate, momentum, nesterov
        self.velocity = None

    def update(self, parameters, grads):
        if self.velocity is None:
            self.velocity = [g.copy() for g in grads]
        else:
            self.velocity = [self.momentum * v + g for v, g in zip(self.velocity, grads, strict=True)]
        for p, g, v in zip(parameters, grads, self.velocity, strict=True):
            p -= self.learning_rate * (g + self.momentum * v if self.nesterov else v)


class RMSprop:
    def __init__(self, learning_rate=0.01, rho=0.99, epsilon=1e-8):
        self.learning_rate, self.rho, self.epsilon = learning_rate, rho, epsilon
        self.square = None

    def update(self, parameters, grads):
        self.square = self.square or [np.zeros_like(g) for g in grads]
        for p, g, v in zip(parameters, grads, self.square, strict=True):
            v[...] = self.rho * v + (1 - self.rho) * g * g
            p -= self.learning_rate * g / (np.sqrt(v) + self.epsilon)


class Adagrad:
    def __init__(self, learning_rate=0.01, epsilon=1e-10):
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.total = None

    def update(self, parameters, grads):
        self.total = self.total or [np.zeros_like(g) for g in grads]
        for p, g, v in zip(parameters, grads, self.total, strict=True):
            v += g * g
            p -= self.learning_rate * g / (np.sqrt(v) + self.epsilon)


class Adam:
    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
        self.learning_rate, self.beta1, self.beta2 = learning_rate, beta1, beta2
        self.epsilon, self.weight_decay = epsilon, weight_decay
        self.m = self.v = None
        self.t = 0

    def update(self, parameters, grads):
        self.m = self.m or [np.zeros_like(g) for g in grads]
        self.v = self.v or [np.zeros_like(g) for g in grads]
        self.t += 1
        for p, g, m, v in zip(parameters, grads, self.m, self.v, strict=True):
            p *= 1 - self.learning_rate * self.weight_decay
            m[...] = self.beta1 * m + (1 - self.beta1) * g
            v[...] = self.beta2 * v + (1 - self.beta2) * g * g
            root = np.sqrt(v / (1 - self.beta2**self.t))
            p -= self.learning_rate / (1 - self.beta1**self.t) * m / (root + self.epsilon)


class AdamW(Adam):
    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
        super().__init__(learning_rate, beta1, beta2, epsilon, weight_decay)


class NAdam:
    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004):
        self.learning_rate, self.beta1, self.beta2 = learning_rate, beta1, beta2
        self.epsilon, self.momentum_decay = epsilon, momentum_decay
        self.m = self.v = None
        self.t = 0

    def momentum(self, t):
        return self.beta1 * (1 - 0.96 ** (t * self.momentum_decay) / 2)

    def update(self, parameters, grads):
        self.m = self.m or [np.zeros_like(g) for g in grads]
        self.v = self.v or [np.zeros_like(g) for g in grads]
        self.t += 1
        t, mu, mu_next = self.t, self.momentum(self.t), self.momentum(self.t + 1)
        product = math.prod(self.momentum(i) for i in range(1, t + 1))
        for p, g, m, v in zip(parameters, grads, self.m, self.v, strict=True):
            m[...] = self.beta1 * m + (1 - self.beta1) * g
            v[...] = self.beta2 * v + (1 - self.beta2) * g * g
            root = np.sqrt(v / (1 - self.beta2**t)) + self.epsilon
            p -= self.learning_rate * (1 - mu) / (1 - product) * g / root
            p -= self.learning_rate * mu_next / (1 - product * mu_next) * m / root


class Rprop:
    def __init__(self, learning_rate=0.01, decrease=0.5, increase=1.2, smallest=1e-6, largest=50.0):
        self.learning_rate, self.decrease, self.increase = learning_rate, decrease, increase
        self.smallest, self.largest = smallest, largest
        self.m = self.v = None

    def update(self, parameters, grads):
        self.m = self.m or [np.zeros_like(g) for g in grads]
        self.v = self.v or [np.full_like(g, self.learning_rate) for g in grads]
        for p, g, before, size in zip(parameters, grads, self.m, self.v, strict=True):
            turned, same = g * before < 0, g * before > 0
            factor = np.where(turned, self.decrease, np.where(same, self.increase, 1.0))
            size[...] = np.clip(size * factor, self.smallest, self.largest)
            before[...] = np.where(turned, 0, g)
            p -= np.sign(before) * size


def step(weights, biases, hidden, output, X, y, loss_name, optimizer, l1=0.0, l2=0.0, clip_norm=None, **loss_options):
    """One training step: changes weights and biases in place, returns the loss (with penalties) before it."""
    result = gradients(weights, biases, hidden, output, X, y, loss_name, **loss_options)
    value = result.loss + penalty(weights, l1, l2)
    grads = [g + l2 * W + l1 * np.sign(W) for g, W in zip(result.weights, weights, strict=True)] + result.biases
    if clip_norm is not None:
        grads = clipped(grads, clip_norm)
    optimizer.update([*weights, *biases], grads)
    return value
