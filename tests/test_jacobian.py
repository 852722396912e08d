"""Network.jacobian against numbers worked by hand, central differences and the oracle, at every instruction set."""

import numpy as np
import pytest

import bp_core as bp
import oracle
from bp_core import _dispatch
from support import (
    BAD_TYPE,
    DTYPES,
    TOLERANCE,
    assert_close,
    assert_same_bits,
    make_network,
    oracle_jacobian,
    refused,
    uniform,
)

OUTPUTS = (*oracle.ACTIVATIONS, "softmax")
WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65)
SHAPES = (
    (1, 1), (3, 1), (16, 8), (17, 1), (40, 8, 5), (20, 3, 40, 2), (5, 40, 40, 40, 40, 40, 3), (130, 140, 33), (513, 7),
)  # fmt: skip


def difference(net, X, k, step=1e-6):
    """The central difference of every output by input k."""
    move = step * np.eye(X.shape[1])[k]
    return (net.predict(X + move) - net.predict(X - move)) / ((X + move)[:, k] - (X - move)[:, k])[:, None]


# ---- worked by hand ----


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_activation_it_is_the_weights(isa, dtype):
    """speed = 3 engine + 2 wheels - spoilers + 7: exactly its weights, wherever one stands."""
    W, b = np.array([[3.0], [2.0], [-1.0]], dtype), np.array([7.0], dtype)
    net = bp.Network.from_arrays([W], [b], hidden=(), output="identity")
    for x in ([0.0, 0.0, 0.0], [5.0, -3.0, 0.1]):
        assert_same_bits(net.jacobian(x), np.array([[3.0, 2.0, -1.0]], dtype))


def test_a_chain_by_hand(isa):
    """z = (4, -1), a = (4, 0): the second path is closed, and only 3 * 5 and 1 * 5 come through."""
    net = bp.Network.from_arrays([[[3.0, 1.0], [1.0, -2.0]], [[5.0], [7.0]]], None, hidden="relu", output="identity")
    assert net.jacobian([1.0, 1.0]).tolist() == [[15.0, 5.0]]


def test_a_sigmoid_by_hand(isa):
    """At z = 0 the slope is 1/2 (1 - 1/2)."""
    net = bp.Network.from_arrays([[[4.0], [-2.0]]], None, hidden=(), output="sigmoid")
    assert net.jacobian([1.0, 2.0]).tolist() == [[1.0, -0.5]]


def test_a_softmax_by_hand(isa):
    """z = (0, 0, log 2), a = (1/4, 1/4, 1/2), and da/dz = diag(a) - a a^T."""
    net = bp.Network.from_arrays([np.eye(3)], None, hidden=(), output="softmax")
    expected = np.array([[3, -1, -2], [-1, 3, -2], [-2, -2, 4]]) / 16
    assert_close(net.jacobian([0.0, 0.0, np.log(2.0)]), expected, 1e-15)


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)])
def test_at_a_kink_from_the_left(isa, name, slope):
    net = bp.Network.from_arrays([[[2.0]]], None, hidden=(), output=name)
    assert net.jacobian([0.0]).tolist() == [[2 * slope]]


# ---- the other oracles ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output(isa, output, bias, dtype):
    net = make_network((5, 11, 6), hidden="tanh", output=output, bias=bias, dtype=dtype)
    X = uniform(1, (9, 5)).astype(dtype)
    assert_close(net.jacobian(X), oracle_jacobian(net, X), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", oracle.ACTIVATIONS)
def test_every_hidden_activation(isa, hidden, dtype):
    net = make_network((5, 19, 9, 4), hidden=hidden, output="identity", dtype=dtype)
    X = uniform(2, (9, 5)).astype(dtype)
    assert_close(net.jacobian(X), oracle_jacobian(net, X), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["silu", "softmax"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width(isa, width, output, dtype):
    net = make_network((width, 66 - width, width), scale=0.3, hidden="sigmoid", output=output, dtype=dtype)
    X = uniform(3, (5, width)).astype(dtype)
    assert_close(net.jacobian(X), oracle_jacobian(net, X), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer_sizes", SHAPES, ids=str)
def test_every_shape(isa, layer_sizes, dtype):
    """Narrow layers, many layers, layers whose W is turned as it is packed (from 32 rows on)."""
    scale = min(0.7, 2 / max(layer_sizes[:-1]) ** 0.5)
    net = make_network(layer_sizes, scale=scale, hidden="tanh", output="tanh", dtype=dtype)
    X = uniform(4, (35, layer_sizes[0])).astype(dtype)
    assert_close(net.jacobian(X), oracle_jacobian(net, X), TOLERANCE[dtype])


@pytest.mark.parametrize("output", OUTPUTS)
def test_central_differences(isa, output):
    net = make_network((4, 7, 3), hidden="gelu", output=output, dtype="float64")
    X = uniform(5, (300, 4))
    X = X[(np.abs(net.forward(X).z[-1]) > 1e-4).all(axis=1)]  # none near a kink
    found = net.jacobian(X)
    for k in range(4):
        assert_close(found[:, :, k], difference(net, X, k), 1e-8)


# ---- rows ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer_sizes", [(3, 5, 2), (20, 8, 4), (129, 130, 3)], ids=str)
def test_a_row_has_the_bits_it_has_alone(isa, layer_sizes, dtype):
    """Across the 128 rows of a block, and 512."""
    net = make_network(layer_sizes, scale=0.2, hidden="silu", output="softmax", dtype=dtype)
    X = uniform(6, (600, layer_sizes[0])).astype(dtype)
    whole = net.jacobian(X)
    assert whole.shape == (600, layer_sizes[-1], layer_sizes[0])
    assert whole.dtype == dtype
    for s in (0, 1, 127, 128, 129, 511, 512, 599):
        assert_same_bits(net.jacobian(X[s]), whole[s])
    for n in (1, 31, 32, 127, 128, 129, 257):
        assert_same_bits(net.jacobian(X[:n]), whole[:n])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_levels_with_fma_agree(dtype):
    levels = [level for level in _dispatch.levels() if level != "base"]
    if len(levels) < 2:
        pytest.skip(f"needs two levels with FMA, has {levels}")
    before = bp.isa()
    try:
        for width in range(1, 68):
            net = make_network((width, 68 - width, width), scale=0.3, hidden="gelu", output="softmax", dtype=dtype)
            found = []
            for level in levels:
                _dispatch.switch(level)
                found.append(net.jacobian(uniform(7, (width, width))))
            for other in found[1:]:
                assert_same_bits(other, found[0])
    finally:
        _dispatch.switch(before)


def test_the_same_numbers_however_they_lie():
    net = make_network((4, 6, 2), hidden="tanh", output="sigmoid", dtype="float64")
    X = np.round(uniform(8, (40, 4), -9, 9))
    expected = net.jacobian(X)
    for same in (X.tolist(), X.astype("i4"), X.astype(">f4"), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        assert_same_bits(net.jacobian(same), expected)


def test_no_rows():
    assert make_network((4, 6, 2)).jacobian(np.zeros((0, 4))).shape == (0, 2, 4)


def test_nothing_is_changed():
    net = make_network((4, 6, 2))
    before = net.get_parameters()
    X = uniform(9, (200, 4)).astype("float32")
    rows = X.copy()
    net.jacobian(X)
    assert_same_bits(net.get_parameters(), before)
    assert_same_bits(X, rows)


@pytest.mark.parametrize("output", ["gelu", "silu", "identity"])
def test_an_output_beyond_all_numbers_leaves_the_others_alone(isa, output):
    """z of the first output overflows, and its slope may be NaN; the second is as it would be alone."""
    W = np.array([[3e38, 0.5], [3e38, 0.25]], "float32")
    net = bp.Network.from_arrays([W], None, hidden=(), output=output)
    alone = bp.Network.from_arrays([W[:, 1:]], None, hidden=(), output=output)
    assert np.isinf(net.forward([1.0, 2.0]).z[0][0])
    assert_same_bits(net.jacobian([1.0, 2.0])[1], alone.jacobian([1.0, 2.0])[0])


# ---- what is refused ----


def test_a_number_that_is_not_finite():
    net = make_network((3, 4, 2))
    X = np.ones((700, 3))
    for row, column, value in ((0, 1, np.nan), (699, 2, np.inf), (600, 0, -np.inf)):
        bad = X.copy()
        bad[row, column] = value
        refused(lambda bad=bad: net.jacobian(bad), rf"X\[{row}, {column}\] is {value}; expected finite numbers")
    refused(lambda: net.jacobian([1.0, 1e39, 1.0]), r"X\[0, 1\] is 1e\+39, too large for float32")


def test_another_number_of_features():
    net = make_network((3, 4, 2))
    refused(lambda: net.jacobian(np.ones((2, 4))), "x has 4 features per row; this network takes 3")
    refused(lambda: net.jacobian(np.ones(2)), "x has 2 features; this network takes 3")
    refused(lambda: net.jacobian(np.ones((1, 2, 3))), r"X has shape \(1, 2, 3\)")


@pytest.mark.parametrize("X", [None, "1, 2, 3", [["a", "b", "c"]], [[1j, 0, 0]]], ids=repr)
def test_no_real_numbers(X):
    with pytest.raises(BAD_TYPE, match="real numbers"):
        make_network((3, 4, 2)).jacobian(X)
