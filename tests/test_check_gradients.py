"""Network.check_gradients: agrees where backpropagation is right, names the worst entry where it cannot be."""

import re

import numpy as np
import pytest

import bp_core as bp
import oracle
from support import DTYPES, assert_same_bits, make_network, targets, uniform

pytestmark = pytest.mark.usefixtures("isa")

SMOOTH = [name for name in oracle.ACTIVATIONS if name not in ("relu", "leaky_relu")]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize(("loss", "output"), [pair for pair in oracle.PAIRS if pair[1] in (*SMOOTH, "softmax")])
def test_it_agrees_with_backpropagation(loss, output, bias, dtype):
    net = make_network((3, 4, 2), seed=2, hidden="tanh", output=output, bias=bias, dtype=dtype)
    X, y = uniform(1, (6, 3)), targets(loss, 2, 6, 2)
    check = net.check_gradients(X, y, loss=loss)
    assert check.ok is True
    assert 0 <= check.max_error < np.inf


@pytest.mark.parametrize("hidden", oracle.ACTIVATIONS)
def test_every_hidden_activation(hidden):
    net = make_network((3, 5, 4, 2), seed=2, hidden=hidden, dtype="float64")
    assert net.check_gradients(uniform(1, (6, 3)), uniform(2, (6, 2))).ok is True


def test_class_indices_and_the_automatic_loss():
    net = make_network((3, 5, 4), hidden="tanh", output="softmax", dtype="float64")
    assert net.check_gradients(uniform(1, (6, 3)), np.array([0, 1, 2, 3, 0, 1])).ok is True


def test_worst_names_an_existing_entry():
    net = make_network((3, 5, 2), hidden="tanh", dtype="float64")
    worst = net.check_gradients(uniform(1, (6, 3)), uniform(2, (6, 2))).worst
    name, l, index = re.fullmatch(r"(weights|biases)\[(\d+)\]\[([\d, ]+)\]", worst).groups()
    entry = getattr(net, name)[int(l)][tuple(int(i) for i in index.split(","))]
    assert np.ndim(entry) == 0


def test_a_difference_that_cannot_agree_is_reported():
    """With x1 = 1e5 one step of 6e-6 moves z by 0.6: there the central difference itself is wrong."""
    net = bp.Network.from_arrays([np.array([[1e-5], [0.1]])], [np.array([0.3])], hidden=(), output="sigmoid")
    check = net.check_gradients(np.array([[1e5, 1.0]]), np.array([[0.1]]))
    assert check.ok is False
    assert check.worst == "weights[0][0, 0]"


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_changes_nothing(dtype):
    net = make_network((3, 5, 2), hidden="tanh", dtype=dtype)
    before = net.get_parameters()
    net.check_gradients(uniform(1, (6, 3)), uniform(2, (6, 2)))
    assert_same_bits(net.get_parameters(), before)
