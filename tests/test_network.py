"""The network as an object: sizes, parameters, initial weights, copies, summary."""

import copy
import math
import pickle

import numpy as np
import pytest

import bp_core as bp
from support import DTYPES, assert_close, assert_same_bits, make_network, per_layer, uniform

pytestmark = pytest.mark.usefixtures("isa")

SCHEMES = {  # variance of a weight; a uniform one reaches sqrt(3) standard deviations
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


@pytest.mark.parametrize(
    ("bias", "shapes", "n_parameters"),
    [
        ("unit", [(4,), (5,), (2,)], 12 + 20 + 10 + 11),
        ("layer", [(1,), (1,), (1,)], 12 + 20 + 10 + 3),
        ("none", [(0,), (0,), (0,)], 12 + 20 + 10),
        (("layer", "none", "unit"), [(1,), (0,), (2,)], 12 + 20 + 10 + 3),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sizes_and_shapes(bias, shapes, n_parameters, dtype):
    net = bp.Network((3, 4, 5, 2), bias=bias, dtype=dtype)
    assert tuple(net.layer_sizes) == (3, 4, 5, 2)
    assert [W.shape for W in net.weights] == [(3, 4), (4, 5), (5, 2)]
    assert [b.shape for b in net.biases] == shapes
    assert net.n_parameters == n_parameters == net.get_parameters().size
    assert np.dtype(net.dtype) == np.dtype(dtype)
    assert {array.dtype for array in (*net.weights, *net.biases)} == {np.dtype(dtype)}
    assert per_layer(net.bias, 3) == per_layer(bias, 3)
    assert [g.shape for g in net.gradients(np.ones((4, 3)), np.ones((4, 2))).biases] == shapes


def test_the_names_and_their_defaults():
    net = bp.Network((3, 4, 5, 2))
    assert (per_layer(net.hidden, 2), net.output, per_layer(net.bias, 3)) == (["relu"] * 2, "identity", ["unit"] * 3)
    assert np.dtype(net.dtype) == np.float32
    net = bp.Network([3, 4, 5, 2], hidden=["tanh", "elu"], output="softmax", bias="layer", dtype=np.float64)
    assert (per_layer(net.hidden, 2), net.output) == (["tanh", "elu"], "softmax")
    assert np.dtype(net.dtype) == np.float64


def test_sizes_may_be_numpy_integers():
    net = bp.Network(np.array([3, 4, 2]), seed=np.int64(5))
    assert_same_bits(net.get_parameters(), bp.Network((3, 4, 2), seed=5).get_parameters())


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_and_biases_are_views_to_write_into(dtype):
    net = bp.Network((3, 5, 2), hidden="tanh", dtype=dtype, seed=1)
    assert isinstance(net.weights, tuple)
    assert isinstance(net.biases, tuple)
    for array in (*net.weights, *net.biases):
        assert array.flags.writeable
    X = uniform(1, (7, 3))
    before = net.predict(X)
    net.weights[1][...] *= 2
    net.biases[1][...] = 3
    assert_close(net.predict(X), 2 * before.astype("f8") + 3, 1e-6)
    assert (net.biases[1] == 3).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_view_outlives_the_network(dtype):
    W = bp.Network((3, 5), dtype=dtype, seed=1).weights[0]
    assert_same_bits(W, bp.Network((3, 5), dtype=dtype, seed=1).weights[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
def test_the_parameter_vector(bias, dtype):
    net = make_network((3, 5, 2), bias=bias, dtype=dtype)
    vector = net.get_parameters()
    pieces = [net.weights[0], net.biases[0], net.weights[1], net.biases[1]]
    assert_same_bits(vector, np.concatenate([piece.ravel() for piece in pieces]))
    assert vector.flags.c_contiguous
    assert not any(np.shares_memory(vector, piece) for piece in pieces)
    vector += 1
    assert not np.array_equal(net.get_parameters(), vector)
    net.set_parameters(vector)
    assert_same_bits(net.get_parameters(), vector)
    vector += 1
    assert not np.array_equal(net.get_parameters(), vector)


@pytest.mark.parametrize("dtype", DTYPES)
def test_from_arrays(dtype):
    weights = [uniform(1, (3, 4)).astype(dtype), uniform(2, (4, 5)).astype(dtype), uniform(3, (5, 2)).astype(dtype)]
    biases = [uniform(4, 1).astype(dtype), np.zeros(0, dtype), uniform(5, 2).astype(dtype)]
    net = bp.Network.from_arrays(weights, biases, hidden=("tanh", "elu"), output="sigmoid")
    assert tuple(net.layer_sizes) == (3, 4, 5, 2)
    assert per_layer(net.bias, 3) == ["layer", "none", "unit"]
    assert per_layer(net.hidden, 2) == ["tanh", "elu"]
    assert net.output == "sigmoid"
    for actual, given in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        assert_same_bits(actual, given)
        assert not np.shares_memory(actual, given)


# ---- initial weights ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sizes", [(300, 200), (100, 400), (501, 67)])
def test_uniform_initial_weights(scheme, sizes, dtype):
    net = bp.Network(sizes, init=f"{scheme}_uniform", dtype=dtype, seed=1)
    W = net.weights[0].astype("f8")
    bound = math.sqrt(3 * SCHEMES[scheme](*sizes))
    assert np.abs(W).max() <= bound * (1 + 1e-6)
    assert np.abs(W).max() >= bound * 0.999
    check_moments(W, bound**2 / 3, kurtosis=9 / 5)
    assert not net.biases[0].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sizes", [(300, 200), (100, 400), (501, 67)])
def test_normal_initial_weights(scheme, sizes, dtype):
    net = bp.Network(sizes, init=f"{scheme}_normal", dtype=dtype, seed=1)
    W = net.weights[0].astype("f8")
    check_moments(W, SCHEMES[scheme](*sizes), kurtosis=3)
    assert np.abs(W).max() > 3.5 * math.sqrt(SCHEMES[scheme](*sizes))
    within_one = (np.abs(W) < math.sqrt(SCHEMES[scheme](*sizes))).mean()
    assert abs(within_one - 0.682689) < 5 * math.sqrt(0.683 * 0.317 / W.size)
    assert not net.biases[0].any()


def check_moments(W, variance, kurtosis):
    """Mean, variance, skewness and kurtosis within five standard errors; neighbours uncorrelated."""
    n, w = W.size, W.ravel() / math.sqrt(variance)
    assert abs(w.mean()) < 5 / math.sqrt(n)
    assert abs((w**2).mean() - 1) < 5 * math.sqrt((kurtosis - 1) / n)
    assert abs((w**3).mean()) < 5 * math.sqrt(15 / n)
    assert abs((w**4).mean() - kurtosis) < 5 * math.sqrt(96 / n)
    assert abs((w[1:] * w[:-1]).mean()) < 5 / math.sqrt(n)
    assert abs((W[1:] * W[:-1]).mean()) < 5 * variance / math.sqrt(n)
    assert len(np.unique(W)) > 0.98 * n


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros(dtype):
    net = bp.Network((30, 20, 10), init="zeros", dtype=dtype)
    assert not net.get_parameters().any()


@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *((name, "he_uniform") for name in ("relu", "leaky_relu", "elu", "gelu", "silu")),
        *((name, "glorot_uniform") for name in ("identity", "sigmoid", "tanh", "softsign", "exp")),
    ],
)
def test_the_automatic_choice_goes_by_the_layers_activation(name, scheme, bias):
    auto = bp.Network((20, 30, 10), hidden=name, output="softmax", bias=bias, seed=3)
    named = bp.Network((20, 30, 10), hidden=name, output="softmax", bias=bias, init=scheme, seed=3)
    assert_same_bits(auto.weights[0], named.weights[0])
    last = np.abs(auto.weights[1]).max() / math.sqrt(6 / (30 + 10))
    assert 0.98 < last <= 1 + 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("init", ["auto", "glorot_normal", "he_uniform"])
def test_a_seed_repeats_the_initial_weights(init, dtype):
    first, same, other = (
        bp.Network((5, 17, 3), init=init, dtype=dtype, seed=seed).get_parameters() for seed in (7, 7, 8)
    )
    assert_same_bits(same, first)
    assert other.tobytes() != first.tobytes()


def test_without_a_seed_every_network_is_another():
    first, second = (bp.Network((5, 17, 3)).get_parameters() for _ in range(2))
    assert first.tobytes() != second.tobytes()


def test_layers_are_drawn_apart():
    net = bp.Network((30, 30, 30), init="he_uniform", seed=1)
    assert abs(np.corrcoef(net.weights[0].ravel(), net.weights[1].ravel())[0, 1]) < 0.2


def test_numpys_global_state_is_left_alone():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    net = bp.Network((5, 17, 3))
    bp.Trainer(net).fit(np.ones((40, 5)), np.ones((40, 3)), epochs=1)
    assert np.random.random() == expected  # noqa: NPY002


# ---- copies ----


COPIES = {
    "copy method": lambda net: net.copy(),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {p}": lambda net, p=p: pickle.loads(pickle.dumps(net, p))
        for p in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("how", COPIES)
def test_copies(how, dtype):
    names = {"hidden": ("tanh", "relu"), "output": "sigmoid", "bias": ("unit", "layer", "none")}
    net = make_network((3, 9, 5, 2), dtype=dtype, **names)
    twin = COPIES[how](net)
    for attribute in ("layer_sizes", "hidden", "output", "bias", "dtype", "n_parameters"):
        assert getattr(twin, attribute) == getattr(net, attribute)
    assert_same_bits(twin.get_parameters(), net.get_parameters())
    X, y = uniform(1, (20, 3)), uniform(2, (20, 2))
    before = net.get_parameters()
    bp.Trainer(twin, seed=0).fit(X, y, epochs=2)
    assert_same_bits(net.get_parameters(), before)
    bp.Trainer(net, seed=0).fit(X, y, epochs=2)
    assert_same_bits(twin.get_parameters(), net.get_parameters())


def test_a_network_can_be_copied_from_a_callback():
    copies = []
    net = make_network((3, 9, 2))
    X, y = uniform(1, (20, 3)), uniform(2, (20, 2))
    bp.Trainer(net, seed=0).fit(X, y, epochs=2, callbacks=[lambda epoch: copies.append(epoch.network.copy())])
    assert_same_bits(copies[1].get_parameters(), net.get_parameters())
    bp.Trainer(copies[0], seed=0).step(X, y)


def test_the_summary():
    net = bp.Network((30, 64, 65, 7), hidden=("gelu", "tanh"), output="softmax")
    summary = net.summary()
    assert isinstance(summary, str)
    for word in ("30", "64", "65", "7", "gelu", "tanh", "softmax", "float32"):
        assert word in summary
    assert str(net.n_parameters) in summary.replace(",", "").replace("_", "")


def test_the_public_names():
    names = "Network Trainer SGD RMSprop Adam AdamW Adagrad Huber History Epoch DivergenceError isa".split()
    names += ["NAdam", "Rprop", "Quantile"]
    assert set(names) <= set(dir(bp))
    assert isinstance(bp.__version__, str)
    assert issubclass(bp.DivergenceError, Exception)
