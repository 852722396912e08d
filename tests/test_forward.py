"""The forward pass: predict, forward and calling the network, at every width and batch size, in both dtypes."""

import numpy as np
import pytest

import bp_core as bp
import oracle
from support import BATCHES, DTYPES, TOLERANCE, assert_close, assert_same_bits, make_network, oracle_forward, uniform

pytestmark = pytest.mark.usefixtures("isa")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize("name", (*oracle.ACTIVATIONS, "softmax"))
def test_every_activation_against_the_oracle(name, bias, dtype):
    hidden = "tanh" if name == "softmax" else name
    scale = 0.3 if name == "exp" else 2.0  # an exp of an exp makes much of a rounding
    net = make_network((4, 7, 5), scale=scale, hidden=hidden, output=name, bias=bias, dtype=dtype)
    X = uniform(1, (37, 4), -3, 3).astype(dtype)
    z, a = oracle_forward(net, X)
    passed = net.forward(X)
    assert len(passed.z) == len(passed.a) == 2
    for l in range(2):
        assert_close(passed.z[l], z[l], TOLERANCE[dtype])
        assert_close(passed.a[l], a[l], TOLERANCE[dtype])
        assert passed.z[l].dtype == passed.a[l].dtype == np.dtype(dtype)


def test_an_activation_for_each_hidden_layer():
    names = ("relu", "tanh", "softsign")
    net = make_network(
        (3, 4, 5, 6, 2), hidden=names, output="sigmoid", bias=("unit", "layer", "none", "unit"), dtype="float64"
    )
    X = uniform(1, (9, 3))
    z, a = oracle_forward(net, X)
    passed = net.forward(X)
    for l in range(4):
        assert_close(passed.z[l], z[l], 1e-12)
        assert_close(passed.a[l], a[l], 1e-12)
    assert [b.shape for b in net.biases] == [(4,), (1,), (0,), (2,)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer_sizes", [(3, 2), (2, 3, 1), (5, 20, 20, 4)])
def test_four_names_for_the_output(layer_sizes, dtype):
    net = make_network(layer_sizes, hidden="tanh", output="sigmoid", dtype=dtype)
    X = uniform(1, (33, layer_sizes[0])).astype(dtype)
    expected = net.predict(X)
    passed = net.forward(X)
    assert expected.shape == (33, layer_sizes[-1])
    for other in (net(X), passed.output, passed.a[-1], net.predict(X, n_threads=1), net.predict(X, n_threads=2)):
        assert_same_bits(other, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", range(1, 68))
def test_every_width_and_batch(width, dtype):
    """Against the oracle once; then every prefix of the rows has the bits of those rows among 300."""
    net = make_network((width, width, 68 - width), seed=width, scale=0.5, hidden="tanh", output="softsign", dtype=dtype)
    X = uniform(1, (300, width)).astype(dtype)
    among_all = net.predict(X)
    assert_close(among_all, oracle_forward(net, X, np.float64)[1][-1], TOLERANCE[dtype])
    for n in BATCHES:
        assert_same_bits(net.predict(X[:n]), among_all[:n])
        assert_same_bits(net.forward(X[:n]).a[0], net.forward(X).a[0][:n])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layer_sizes", [(2, 3, 1), (17, 8), (40, 5, 3), (3, 16, 2), (64, 65, 10), (513, 9), (1100, 7, 30)]
)
@pytest.mark.parametrize("output", ["sigmoid", "softmax", "gelu"])
def test_a_row_alone_has_the_bits_of_the_row_among_others(layer_sizes, output, dtype):
    net = make_network(layer_sizes, scale=0.3, hidden="elu", output=output, dtype=dtype)
    X = uniform(1, (19, layer_sizes[0])).astype(dtype)
    among = net.predict(X)
    for s in range(19):
        assert_same_bits(net.predict(X[s]), among[s])
        assert_same_bits(net.predict(X[s : s + 1]), among[s : s + 1])
        assert_same_bits(net.forward(X[s]).output, among[s])


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_row_drops_the_row_axis(dtype):
    net = make_network((3, 4, 2), hidden="tanh", dtype=dtype)
    x = uniform(1, 3).astype(dtype)
    passed = net.forward(x)
    assert net.predict(x).shape == net(x).shape == passed.output.shape == (2,)
    assert [z.shape for z in passed.z] == [a.shape for a in passed.a] == [(4,), (2,)]
    assert net.predict([0.5, 0.25, 1.0]).shape == (2,)
    assert net.predict([[0.5, 0.25, 1.0]]).shape == (1, 2)


def test_one_row_of_one_feature():
    net = make_network((1, 4, 1), hidden="tanh", dtype="float64")
    assert net.predict(np.array([0.5])).shape == (1,)
    assert_same_bits(net.predict(np.array([0.5])), net.predict(np.array([[0.5]]))[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(300, 5), (1, 5), (5,)])
def test_out_is_filled_and_returned(shape, dtype):
    net = make_network((5, 6, 3), hidden="tanh", dtype=dtype)
    X = uniform(1, shape).astype(dtype)
    out = np.full((*shape[:-1], 3), np.nan, dtype)
    assert net.predict(X, out=out) is out
    assert_same_bits(out, net.predict(X))


@pytest.mark.parametrize("n", [1, 7, 300])
def test_out_may_lie_over_the_inputs(n):
    """Either the right answer or a refusal; never wrong numbers."""
    net = make_network((4, 6, 4), hidden="tanh", dtype="float64")
    X = uniform(1, (n, 4))
    expected = net.predict(X)
    try:
        net.predict(X, out=X)
    except ValueError:
        assert_same_bits(X, uniform(1, (n, 4)))
    else:
        assert_same_bits(X, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [-1, 1, 2, 5])
def test_out_may_overlap_the_inputs_in_part(shift, dtype):
    """Rows that follow one another in one array; more than a block of them."""
    net = make_network((2, 6, 2), hidden="tanh", dtype=dtype)
    room = uniform(1, 700).astype(dtype)
    before, X = room.copy(), room[10:610].reshape(300, 2)
    out = room[10 + shift : 610 + shift].reshape(300, 2)
    with pytest.raises(ValueError, match="overlaps X"):
        net.predict(X, out=out)
    with pytest.raises(ValueError, match="overlaps X"):
        net.predict(X[0], out=room[10 + shift : 12 + shift] if abs(shift) == 1 else X[0])
    assert_same_bits(room, before)


def test_out_may_not_be_the_parameters():
    """Blocks of rows would be computed from weights that the block before has overwritten."""
    net = make_network((5, 16), dtype="float32")
    before = net.get_parameters()
    X = uniform(1, (5, 5)).astype("float32")
    with pytest.raises(ValueError, match="out overlaps the network's parameters"):
        net.predict(X, out=net.weights[0])
    with pytest.raises(ValueError, match="out overlaps the network's parameters"):
        net.predict(X[0], out=net.biases[0])
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_rows_give_no_rows(dtype):
    net = make_network((5, 6, 3), hidden="tanh", dtype=dtype)
    for kind in ("float32", "float64", "uint8"):
        X = np.zeros((0, 5), kind)
        out = np.zeros((0, 3), dtype)
        assert net.predict(X).shape == (0, 3)
        assert net.predict(X, out=out) is out
        passed = net.forward(X)
        assert [z.shape for z in passed.z] == [a.shape for a in passed.a] == [(0, 6), (0, 3)]
        assert net.predict(X).dtype == passed.output.dtype == np.dtype(dtype)


def test_results_do_not_share_memory():
    net = make_network((3, 4, 2), hidden="tanh")
    X = uniform(1, (5, 3)).astype("float32")
    first = net.predict(X)
    kept = first.copy()
    second = net.predict(2 * X)
    assert not np.shares_memory(first, second)
    assert_same_bits(first, kept)
    one = net.predict(X[0])
    kept = one.copy()
    net.predict(X[1])
    assert_same_bits(one, kept)


def test_the_identity_network_returns_its_inputs():
    net = bp.Network.from_arrays([np.eye(3)], [np.zeros(3)], hidden=(), output="identity")
    X = uniform(1, (10, 3))
    assert_same_bits(net.predict(X), X)


def test_softmax_rows_sum_to_one_also_far_out():
    net = bp.Network.from_arrays([np.eye(3)], [np.zeros(3)], hidden=(), output="softmax")
    a = net.predict(np.array([[1000.0, 0.0, -1000.0], [-1e300, 1e300, 0.0], [1.0, 1.0, 1.0]]))
    assert_close(a[:2], np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 1e-300)
    assert_close(a[2], np.full(3, np.longdouble(1) / 3), 1e-15)
