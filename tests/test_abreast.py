"""Rows of few numbers go through softmax and the likelihoods together, one in each lane of a word.

Each row must keep the bits it has alone; so the shapes here lie around the words and the 16 lanes.
"""

import numpy as np
import pytest

import bp_core as bp
import oracle
from support import DTYPES, assert_same_bits, oracle_forward, uniform

pytestmark = pytest.mark.usefixtures("isa")

UNITS = (1, 2, 7, 8, 9, 15, 16, 17)
ROWS = range(1, 18)


def passing(n, output, dtype):
    """A network without hidden layer whose z is its x."""
    net = bp.Network((n, n), output=output, bias="none", dtype=dtype, seed=0)
    net.weights[0][...] = np.eye(n)
    return net


def spread_out(rows, n, dtype):
    """Numbers of any size, with equals, both zeros and a row far from all others."""
    X = np.round(uniform(rows + n, (rows, n), -4, 4), 1)
    X[:, : n // 2] *= 30
    X[0], X[rows // 2, 0] = 0, -0.0
    X[-1] += 300
    return X.astype(dtype)


def classes(rows, n, dtype):
    """Rows with one class, and two with every class a little."""
    y = np.eye(n)[np.arange(rows) * 5 % n]
    y[rows // 2 :: 9] = 1 / n
    return y.astype(dtype)


def dtype_of(dtype, number):
    return np.dtype(dtype).type(number)


def oracle_loss(net, X, y, loss):
    """The loss in longdouble, from the oracle's own forward pass."""
    z, a = oracle_forward(net, X)
    return float(oracle.loss(loss, z[-1], a[-1], y.astype(np.longdouble)))


def one_by_one(net, X, y, loss):
    """The loss of each row alone, added as the contract says: lane = row mod 16, then the tree."""
    lane = [0.0] * 16
    for s in range(len(X)):
        lane[s % 16] += net.loss(X[s : s + 1], y[s : s + 1], loss=loss)
    while len(lane) > 4:
        lane = [a + b for a, b in zip(lane[: len(lane) // 2], lane[len(lane) // 2 :], strict=True)]
    return ((lane[0] + lane[2]) + (lane[1] + lane[3])) / len(X)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
@pytest.mark.parametrize("n", UNITS)
def test_a_row_has_the_bits_it_has_alone(n, output, dtype):
    net = passing(n, output, dtype)
    for rows in ROWS:
        X = spread_out(rows, n, dtype)
        assert_same_bits(net.predict(X), np.stack([net.predict(x) for x in X]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output", "n"), [
    *(("cross_entropy", "softmax", n) for n in UNITS),
    *(("binary_cross_entropy", "sigmoid", n) for n in (1, 2, 8, 16)),   # whose mean over the outputs is exact
])  # fmt: skip
def test_the_loss_of_rows_is_that_of_each(loss, output, n, dtype):
    net = passing(n, output, dtype)
    for rows in ROWS:
        X, y = spread_out(rows, n, dtype), classes(rows, n, dtype)
        assert net.loss(X, y, loss=loss) == one_by_one(net, X, y, loss)
        assert net.loss(X, y, loss=loss) == pytest.approx(oracle_loss(net, X, y, loss), rel=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid")])
@pytest.mark.parametrize("n", UNITS)
def test_the_delta_of_a_row_is_its_own(n, loss, output, dtype):
    net = passing(n, output, dtype)
    for rows in (1, 2, 4, 8, 16, 32):  # by which a division is exact
        X, y = spread_out(rows, n, dtype), classes(rows, n, dtype)
        X = (X / 10).astype(dtype)  # no product below the normal numbers
        alone = [net.gradients(X[s : s + 1], y[s : s + 1], loss=loss).deltas[0] for s in range(rows)]
        assert_same_bits(net.gradients(X, y, loss=loss).deltas[0] * dtype_of(dtype, rows), np.concatenate(alone))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 9, 16, 17])
def test_a_number_that_is_none_stays_in_its_row(n, dtype):
    net = passing(n, "softmax", dtype)
    net.weights[0][0, 0] = 1e30
    X = spread_out(17, n, dtype)
    X[:, 0] = 1
    X[3, 0], X[5, 0] = 1e20, -1e20
    expected = np.stack([net.predict(x) for x in X])
    assert np.isnan(expected).any() == (dtype == "float32")
    assert_same_bits(np.nan_to_num(net.predict(X), nan=7), np.nan_to_num(expected, nan=7))
