"""Dropout: masks from counters, in training alone, the same on any number of threads."""

import numpy as np
import pytest

import bp_core as bp
import oracle
from philox import mask, philox
from support import DTYPES, assert_close, assert_same_bits, uniform


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_reference_gives_the_published_words(counter, key, words):
    assert tuple(philox(counter, key)) == words


def reference_gradients(net, masks, X, y):
    """Backpropagation with the given masks, mse / 2 summed over outputs, in longdouble."""
    W, b = ([np.asarray(v, np.longdouble) for v in arrays] for arrays in (net.weights, net.biases))
    a, z = [np.asarray(X, np.longdouble)], []
    for layer, (name, drop) in enumerate(zip((*net.hidden, net.output), (*masks, 1), strict=True)):
        z.append(a[-1] @ W[layer] + b[layer])
        a.append(oracle.activation(name, z[-1]) * drop)
    delta = (a[-1] - y) / len(X) * oracle.derivative(net.output, z[-1])
    grads = []
    for layer in reversed(range(len(W))):
        grads.insert(0, (a[layer].T @ delta, delta.sum(axis=0)))
        if layer:
            delta = (delta @ W[layer].T) * masks[layer - 1] * oracle.derivative(net.hidden[layer - 1], z[layer - 1])
    return ((a[-1] - y) ** 2).sum() / (2 * len(X)), grads


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 3, 8, 15, 16, 17, 33, 65])
@pytest.mark.parametrize("rows", [1, 5, 130])
def test_steps_against_the_reference(isa, dtype, units, rows):
    net = bp.Network((20, units, 6, 3), hidden=("tanh", "gelu"), dtype=dtype, seed=1)
    trainer = bp.Trainer(net, dropout=(0.5, 0.2), seed=3, optimizer=bp.SGD(learning_rate=0.1))
    key = trainer._state.dropout_key
    X, y = uniform(1, (rows, 20)), uniform(2, (rows, 3))
    for step in range(3):
        masks = [mask(key, step, layer, 0, rows, n, rate) for layer, n, rate in ((0, units, 0.5), (1, 6, 0.2))]
        loss, grads = reference_gradients(net, masks, X, y)
        before = [np.array(v, np.longdouble) for v in net.weights]
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        assert trainer.step(X, y) == pytest.approx(float(loss), rel=tolerance)
        for old, new, (grad_W, _) in zip(before, net.weights, grads, strict=True):
            assert_close(new, old - np.dtype(dtype).type(0.1).astype(np.longdouble) * grad_W, tolerance)


@pytest.mark.parametrize("batch_size", [7, 129, "full"])
def test_any_number_of_threads(isa, batch_size):
    X, y = uniform(1, (700, 5)), uniform(2, (700, 2))
    results = []
    for threads in (1, 2, 3, 7):
        net = bp.Network((5, 33, 9, 2), hidden="relu", seed=1)
        trainer = bp.Trainer(net, dropout=0.3, batch_size=batch_size, optimizer="adam", seed=2, n_threads=threads)
        trainer.fit(X, y, epochs=3)
        results.append(net.get_parameters())
    for result in results[1:]:
        assert_same_bits(result, results[0])


def test_an_epoch_is_steps_over_its_slices(isa):
    X, y = uniform(1, (30, 5)), uniform(2, (30, 2))
    whole, steps = (
        bp.Trainer(bp.Network((5, 9, 2), seed=1), dropout=0.5, batch_size=8, shuffle=False, seed=2) for _ in "ab"
    )
    whole.fit(X, y, epochs=2)
    for first in (0, 8, 16, 24) * 2:
        steps.step(X[first : first + 8], y[first : first + 8])
    assert_same_bits(whole.network.get_parameters(), steps.network.get_parameters())


def test_the_share_that_is_dropped():
    """A linear hidden layer of ones that sum to 1: the mean of the outputs is 1, their variance p / (1 - p) / units."""
    units, rate, n = 64, 0.25, 2000
    weights = [np.ones((1, units)), np.full((units, 1), 1 / units)]
    net = bp.Network.from_arrays(weights, None, hidden="identity", output="identity")
    trainer = bp.Trainer(net, dropout=rate, loss="mse", optimizer=bp.SGD(learning_rate=1e-9), seed=0)
    mean_square = trainer.step(np.ones((n, 1)), np.ones(n))
    expected = rate / (1 - rate) / units
    assert mean_square == pytest.approx(expected, rel=6 * np.sqrt(2 / n))


def test_only_training_drops_units():
    X, y = uniform(1, (30, 5)), uniform(2, (30, 2))
    net, plain = (bp.Network((5, 9, 2), seed=1) for _ in "ab")
    history = bp.Trainer(net, dropout=0.5, seed=2, optimizer=bp.SGD(learning_rate=1e-30)).fit(
        X, y, epochs=1, validation_data=(X, y)
    )
    assert_same_bits(net.predict(X), plain.predict(X))
    assert history.validation_loss[0] == plain.loss(X, y) != history.loss[0]


def test_a_rate_of_0_is_no_dropout():
    X, y = uniform(1, (30, 5)), uniform(2, (30, 2))
    nets = [bp.Network((5, 9, 4, 2), seed=1) for _ in "abc"]
    for net, dropout in zip(nets, (0.0, (0, 0), (0.0, 0.5)), strict=True):
        bp.Trainer(net, dropout=dropout, seed=2, shuffle=False).fit(X, y, epochs=2)
    assert_same_bits(nets[0].get_parameters(), nets[1].get_parameters())
    assert (nets[0].get_parameters() != nets[2].get_parameters()).any()


def test_one_dropped_layer_of_two(isa):
    X, y = uniform(1, (30, 5)), uniform(2, (30, 2))
    net = bp.Network((5, 9, 4, 2), seed=1, dtype="float64", hidden="tanh")
    trainer = bp.Trainer(net, dropout=(0.0, 0.5), seed=2)
    masks = [np.ones((30, 9)), mask(trainer._state.dropout_key, 0, 1, 0, 30, 4, 0.5)]
    expected = float(reference_gradients(net, masks, X, y)[0])
    assert trainer.step(X, y) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_saved_state_goes_on_with_the_same_masks(optimizer):
    X, y = uniform(1, (50, 5)), uniform(2, (50, 2))

    def make():
        return bp.Trainer(bp.Network((5, 9, 2), seed=1), dropout=0.5, optimizer=optimizer, batch_size=8, seed=2)

    whole, first, second = make(), make(), make()
    whole.fit(X, y, epochs=5)
    first.fit(X, y, epochs=2)
    second.network.set_parameters(first.network.get_parameters())
    second._state.from_dict(first._state.to_dict())
    second.fit(X, y, epochs=3)
    assert_same_bits(second.network.get_parameters(), whole.network.get_parameters())


@pytest.mark.parametrize(
    ("dropout", "words"),
    [
        (1.0, "dropout is 1.0; expected the share of units to drop, from 0 to 0.999"),
        (-0.1, "dropout is -0.1"),
        (float("nan"), "dropout is nan"),
        ("half", "dropout is 'half'"),
        (True, "dropout is True"),
        ((0.1,), "dropout has 1 rates; expected one for each of the 2 hidden layers"),
        ((0.1, 2), "dropout is 2"),
    ],
)
def test_bad_rates(dropout, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        bp.Trainer(bp.Network((2, 3, 3, 1), seed=0), dropout=dropout)


def test_no_hidden_layer():
    with pytest.raises(ValueError, match="no hidden layer to drop units of"):
        bp.Trainer(bp.Network((2, 1), seed=0), dropout=0.5)
