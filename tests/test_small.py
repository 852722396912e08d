"""Small networks have a kernel of their own: the same bits as by the general passes, which weights of 1 ask for."""

import numpy as np
import pytest

import bp_core as bp
import golden_bits
import oracle
from support import DTYPES, assert_same_bits, make_network, targets, uniform

pytestmark = pytest.mark.usefixtures("isa")
SIZES = ((2, 3, 1), (1, 1), (3, 2), (2, 4, 3, 2), (4, 4, 4, 4, 4), (8, 8, 8), (15, 1), (5, 8, 1), (9, 4, 4))
BATCHES = ((4, "full"), (4, 1), (9, 4), (128, 128), (130, 7), (300, 128), (300, 129))  # rows, and rows of a batch


def trained(sizes, dtype, weights, *, n, batch_size, epochs=3, loss="auto", optimizer="adam", **options):
    """Losses and parameters after some epochs, with or without weights that are all 1."""
    net = make_network(sizes, dtype=dtype, **options)
    name = bp.losses.resolve(loss, net.output)[0]
    X = uniform(1, (n, sizes[0])).astype(dtype)
    y = targets(name, 2, n, sizes[-1]).astype(dtype)
    trainer = bp.Trainer(net, loss=loss, optimizer=optimizer, batch_size=batch_size, seed=3)
    history = trainer.fit(X, y, epochs=epochs, sample_weight=np.ones(n) if weights else None)
    return np.array(history.loss), net.get_parameters()


def assert_both_agree(sizes, dtype, **options):
    for small, general in zip(*(trained(sizes, dtype, weights, **options) for weights in (False, True)), strict=True):
        assert_same_bits(small, general)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("n", "batch_size"), BATCHES)
def test_every_size_and_batch(sizes, n, batch_size, dtype, optimizer):
    options = {"hidden": "sigmoid", "output": "tanh", "optimizer": optimizer}
    assert_both_agree(sizes, dtype, n=n, batch_size=batch_size, **options)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize("name", [*oracle.ACTIVATIONS, "softmax"])
def test_every_activation_and_bias(name, bias, dtype, optimizer):
    options = {"hidden": "tanh" if name == "softmax" else name, "output": name, "bias": bias, "optimizer": optimizer}
    if name == "exp":
        options["scale"] = 0.2  # an exp of an exp soon leaves all numbers
    assert_both_agree((3, 4, 2), dtype, n=9, batch_size=4, **options)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), oracle.PAIRS)
def test_every_loss(loss, output, dtype, optimizer):
    options = {"loss": loss, "hidden": "relu", "output": output, "optimizer": optimizer}
    assert_both_agree((2, 3, 3), dtype, n=9, batch_size=4, **options)


@pytest.mark.parametrize("name", golden_bits.OPTIMISERS)
def test_every_optimizer(name):
    assert_both_agree((2, 3, 1), "float32", n=9, batch_size=4, optimizer=golden_bits.OPTIMISERS[name], output="sigmoid")


def test_class_indices():
    X, classes = uniform(1, (9, 3)).astype("f4"), np.arange(9) % 4
    nets = [make_network((3, 4, 4), hidden="tanh", output="softmax") for _ in range(2)]
    for net, weights in zip(nets, (None, np.ones(9)), strict=True):
        bp.Trainer(net, batch_size=4, seed=1).fit(X, classes, epochs=3, sample_weight=weights)
    assert_same_bits(nets[0].get_parameters(), nets[1].get_parameters())


@pytest.mark.parametrize("n", [9, 200])
def test_a_bad_number_is_named_and_nothing_changes(n):
    net = make_network((2, 3, 1), hidden="sigmoid")
    before = net.get_parameters()
    X, y = uniform(1, (n, 2)).astype("f4"), uniform(2, (n, 1))
    X[n - 2, 1] = np.nan
    with pytest.raises(ValueError, match=rf"X\[{n - 2}, 1\] is nan"):
        bp.Trainer(net, batch_size=4, seed=1).fit(X, y, epochs=3)
    assert_same_bits(net.get_parameters(), before)


def test_a_loss_that_is_not_finite():
    net = make_network((2, 3, 1), hidden="identity")
    X, y = uniform(1, (9, 2)) * 1e3, uniform(2, (9, 1))
    with pytest.raises(bp.DivergenceError, match="1e\\+20"):
        bp.Trainer(net, optimizer=bp.SGD(learning_rate=1e20), batch_size=4, seed=1).fit(X, y, epochs=30)
    assert np.isfinite(net.get_parameters()).all()


@pytest.mark.parametrize("weights", [None, np.ones(2)], ids=["small", "general"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_whose_loss_is_not_finite_changes_nothing(dtype, optimizer, weights):
    net = make_network((2, 3, 1), hidden="identity", dtype=dtype)
    net.weights[0][...] = np.finfo(dtype).max / 4
    before = net.get_parameters()
    trainer = bp.Trainer(net, optimizer=optimizer)
    with pytest.raises(bp.DivergenceError):
        trainer.step(np.full((2, 2), 100.0), np.ones((2, 1)), sample_weight=weights)
    assert_same_bits(net.get_parameters(), before)
