"""Numbers that are the same on every machine, networks filled with them, and the comparisons the tests make."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

import bp_core as bp
import oracle

DTYPES = ("float32", "float64")
BATCHES = (1, 2, 5, 6, 7, 8, 9, 127, 128, 129, 255, 257, 300)
BAD_TYPE = (TypeError, ValueError)
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def uniform(seed, shape, low=-1.0, high=1.0):
    """float64, from PCG64's raw words, whose stream NumPy guarantees."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    words = np.random.PCG64(seed).random_raw(math.prod(shape))
    return (low + (high - low) * ((words >> np.uint64(11)) * 2.0**-53)).reshape(shape)


def make_network(layer_sizes, *, seed=0, scale=0.7, **options):
    """A network whose parameters are uniform in (-scale, scale): no initialiser involved."""
    net = bp.Network(layer_sizes, seed=0, **options)
    net.set_parameters(uniform((seed, 101), net.n_parameters, -scale, scale).astype(net.dtype))
    return net


def targets(loss_name, seed, n, m):
    """Targets in float64 that fit the loss: rows of probabilities, numbers in (0, 1), counts, or numbers in (-2, 2)."""
    if loss_name == "cross_entropy":
        y = uniform((seed, 102), (n, m), 0.05, 1.0)
        return y / y.sum(axis=1, keepdims=True)
    if loss_name == "binary_cross_entropy":
        return uniform((seed, 102), (n, m), 0.0, 1.0)
    if loss_name == "poisson":
        return np.floor(uniform((seed, 102), (n, m), 0.0, 4.0))
    return uniform((seed, 102), (n, m), -2.0, 2.0)


def per_layer(names, n_layers):
    """`hidden` and `bias` may be given and kept as one name or as a sequence."""
    return [names] * n_layers if isinstance(names, str) else list(names)


def reference(net, dtype=np.longdouble):
    """The arguments of the oracle that describe this network: weights, biases, hidden, output."""
    weights = [W.astype(dtype) for W in net.weights]
    biases = [b.astype(dtype) for b in net.biases]
    return weights, biases, per_layer(net.hidden, len(weights) - 1), net.output


def oracle_forward(net, X, dtype=np.longdouble):
    return oracle.forward(*reference(net, dtype), np.asarray(X).astype(dtype))


def oracle_gradients(net, X, y, loss_name, dtype=np.longdouble, **options):
    X = np.asarray(X).astype(dtype)
    return oracle.gradients(*reference(net, dtype), X, np.asarray(y), loss_name, **options)


def oracle_jacobian(net, X, dtype=np.longdouble):
    return oracle.jacobian(*reference(net, dtype), np.asarray(X).astype(dtype))


def oracle_parameter_jacobian(net, X, dtype=np.longdouble):
    return oracle.parameter_jacobian(*reference(net, dtype), np.asarray(X).astype(dtype))


def assert_close(actual, expected, tolerance, scale=None):
    """abs(actual - expected) <= tolerance * (largest abs of expected), element by element."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    if expected.size == 0:
        return
    if scale is None:
        scale = np.abs(expected).max()
    worst = np.abs(actual.astype(np.longdouble) - expected).max()
    assert worst <= tolerance * (scale + 1e-300), f"off by {worst}, {worst / (scale + 1e-300)} of the scale {scale}"


def assert_same_bits(actual, expected):
    """Equal in every bit, -0.0 and 0.0 apart."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    unequal = np.argwhere(actual != expected)
    assert actual.tobytes() == expected.tobytes(), f"{len(unequal)} of {actual.size} differ, first at {unequal[:1]}"


def arrays_of(gradients):
    """Every array of a Gradients, flat, in a fixed order."""
    return [*gradients.weights, *gradients.biases, *gradients.deltas, gradients.inputs]


def run_python(code, *arguments, env=None, cwd=None, timeout=120):
    """Run code in a new interpreter with these variables added (None removes one)."""
    variables = {**os.environ, **(env or {})}
    variables = {name: value for name, value in variables.items() if value is not None}
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, timeout=timeout)


def refused(call, *words, error=ValueError):
    """call() raises, and every word (a regular expression) is in the message."""
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert caught.match(word)


def uses(net, X, y, **options):
    """Every method that takes rows and targets."""
    trainer = bp.Trainer(net, seed=0)
    return {
        "loss": lambda: net.loss(X, y, **options),
        "gradients": lambda: net.gradients(X, y, **options),
        "step": lambda: trainer.step(X, y, **options),
        "fit": lambda: trainer.fit(X, y, epochs=1, **options),
    }


METHODS = ("loss", "gradients", "step", "fit")


class Standin:
    """A CSR matrix without scipy: what makes one is its format and its parts."""

    format = "csr"

    def __init__(self, data, indices, indptr, shape):
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, shape


def csr_of(X):
    """The numbers of X that are not 0, as a CSR matrix."""
    X = np.asarray(X)
    row, column = np.nonzero(X)
    indptr = np.searchsorted(row, np.arange(X.shape[0] + 1))
    return Standin(X[row, column], np.ascontiguousarray(column), indptr, X.shape)


def some_rows(n, n_in, share=0.15, seed=0):
    """Rows of which a share of the numbers is not 0; the first row and the last column are all 0."""
    X = np.where(uniform((seed, 103), (n, n_in), 0, 1) < share, uniform((seed, 104), (n, n_in)), 0.0)
    X[0], X[:, -1] = 0, 0
    return X


def assert_equal(actual, expected):
    """Equal numbers of one dtype, the sign of a zero aside."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)
