"""Layers of few units and many inputs store W transposed: what users see is the same."""

import copy
import pickle

import numpy as np
import pytest

import bp_core as bp
from support import (
    DTYPES,
    TOLERANCE,
    assert_close,
    assert_same_bits,
    make_network,
    oracle_forward,
    oracle_gradients,
    targets,
    uniform,
)

pytestmark = pytest.mark.usefixtures("isa")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fan_in", [15, 16, 17, 20, 24, 31, 32, 33, 40, 47, 64, 129])
@pytest.mark.parametrize("fan_out", [1, 2, 3, 4, 5, 7, 8, 9])
def test_forward_and_gradients_around_the_limits(fan_in, fan_out, dtype):
    net = make_network((fan_in, fan_out, 2), scale=0.3, hidden="sigmoid", dtype=dtype)
    X, y = uniform(1, (6, fan_in)).astype(dtype), targets("mse", 2, 6, 2).astype(dtype)
    z, a = oracle_forward(net, X)[:2]
    passed, gradients = net.forward(X), net.gradients(X, y, loss="mse")
    expected = oracle_gradients(net, X, y, "mse")
    assert_close(passed.z[0], z[0], TOLERANCE[dtype])
    assert_close(passed.a[1], a[1], TOLERANCE[dtype])
    assert_close(gradients.weights[0], expected.weights[0], TOLERANCE[dtype])
    assert_close(gradients.inputs, expected.inputs, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fan_out", [1, 3, 4, 6, 8])
def test_one_row_has_the_bits_of_many(fan_out, dtype):
    net = make_network((33, fan_out), dtype=dtype)
    X = uniform(1, (11, 33)).astype(dtype)
    together = net.predict(X)
    for i, row in enumerate(X):
        assert_same_bits(net.predict(row), together[i])
    assert_same_bits(net.forward(X).output, together)


def test_weights_are_writable_and_in_the_usual_order():
    W = uniform(1, (20, 3))
    net = bp.Network.from_arrays([W], None, hidden=(), output="identity")
    assert net.weights[0].shape == (20, 3)
    assert_same_bits(np.array(net.weights[0]), W)
    assert_same_bits(net.get_parameters(), W.ravel())
    net.weights[0][5, 1] = 7.0
    assert net.get_parameters()[5 * 3 + 1] == 7.0
    net.set_parameters(np.arange(60.0))
    assert_same_bits(np.array(net.weights[0]), np.arange(60.0).reshape(20, 3))


def test_copies_pickles_and_files(tmp_path):
    net = make_network((40, 30, 2), hidden="tanh")
    net.save(tmp_path / "net.safetensors")
    for other in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert_same_bits(other.get_parameters(), net.get_parameters())
    assert_same_bits(bp.Network.load(tmp_path / "net.safetensors").get_parameters(), net.get_parameters())


@pytest.mark.parametrize("options", [{"optimizer": "adam", "l2": 0.01}, {"optimizer": "sgd"}], ids=["adam", "sgd"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_padding_stays_out_of_training(dtype, options):
    """Hidden sigmoids are 0.5 in their padding: it must reach neither the weights nor the outputs."""
    X, y = uniform(1, (50, 5)).astype(dtype), uniform(2, (50, 1)).astype(dtype)
    net = make_network((5, 17, 1), hidden="sigmoid", dtype=dtype)
    trainer = bp.Trainer(net, loss="mse", batch_size=7, seed=1, **options)
    trainer.fit(X, y, epochs=20)
    twin = bp.Network.from_arrays(
        [np.array(W) for W in net.weights], [np.array(b) for b in net.biases], hidden="sigmoid", output="identity"
    )
    assert_same_bits(net.predict(X), twin.predict(X))
    assert net.loss(X, y, loss="mse") == twin.loss(X, y, loss="mse")
