"""Bounds on the norms of the weights into a unit, and the moving average of the parameters."""

import numpy as np
import pytest

import bp_core as bp
from support import DTYPES, assert_close, assert_same_bits, uniform

X, Y = uniform(1, (60, 20)), uniform(2, (60, 3))
SIZES = [(20, 3), (20, 5, 3), (20, 33, 3), (20, 8, 17, 3), (20, 130, 3)]


def trainer_of(sizes, dtype="float64", **settings):
    net = bp.Network(sizes, hidden="tanh", dtype=dtype, seed=1)
    return bp.Trainer(net, seed=2, shuffle=False, **{"batch_size": 16, **settings})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_norms_are_bounded_after_the_update(isa, sizes, optimizer, dtype):
    """A step without the bound, then every column cut down to it in longdouble."""
    free, bound = (trainer_of(sizes, dtype, optimizer=optimizer, max_norm=limit) for limit in (None, 0.9))
    free.step(X, Y)
    bound.step(X, Y)
    cut = 0
    for ours, W in zip(bound.network.weights, free.network.weights, strict=True):
        W = W.astype(np.longdouble)
        norms = np.sqrt((W**2).sum(axis=0))
        cut += (norms > 0.9).sum()
        assert_close(ours, W * np.minimum(1, np.longdouble(0.9) / norms), 3 * np.finfo(dtype).eps)
    assert cut > 0
    for ours, b in zip(bound.network.biases, free.network.biases, strict=True):
        assert_same_bits(ours, b)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(
    "settings", [{}, {"clip_norm": 0.1}, {"average_decay": 0.9}, {"batch_size": "full", "dropout": 0.1}]
)
def test_any_number_of_threads(isa, sizes, settings):
    settings = {k: v for k, v in settings.items() if len(sizes) > 2 or k != "dropout"}
    results = []
    for threads in (1, 2, 3, 7):
        trainer = trainer_of(sizes, max_norm=0.8, optimizer="adam", n_threads=threads, **settings)
        trainer.fit(X, Y, epochs=4)
        mean = [trainer.averaged_network().get_parameters()] if "average_decay" in settings else []
        results.append([trainer.network.get_parameters(), *mean])
    for result in results[1:]:
        assert_same_bits(result, results[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(2, 3, 1), (20, 5, 3), (20, 33, 3)])
def test_the_moving_average(isa, sizes, dtype):
    """mean = 0.9 mean + 0.1 p after every step, from the parameters before the first; and nothing else changes."""
    x, y = X[:, : sizes[0]], Y[:, : sizes[-1]]
    trainer, plain = (
        trainer_of(sizes, dtype, average_decay=0.9, optimizer="adam"),
        trainer_of(sizes, dtype, optimizer="adam"),
    )
    mean = plain.network.get_parameters().astype(np.longdouble)
    assert_same_bits(trainer.averaged_network().get_parameters(), trainer.network.get_parameters())
    for _ in range(10):
        assert trainer.step(x, y) == plain.step(x, y)
        share = np.longdouble(1 - 0.9)
        mean += share * (plain.network.get_parameters() - mean)
    assert_same_bits(trainer.network.get_parameters(), plain.network.get_parameters())
    assert_close(trainer.averaged_network().get_parameters(), mean, 10 * np.finfo(dtype).eps)


def test_an_average_starts_where_training_does():
    trainer = trainer_of((20, 5, 3), average_decay=0.5)
    trainer.network.weights[0][...] = 0.25
    start = trainer.network.get_parameters()
    trainer.step(X, Y)
    expected = (start + trainer.network.get_parameters()) / 2
    np.testing.assert_allclose(trainer.averaged_network().get_parameters(), expected, rtol=1e-14)


@pytest.mark.parametrize("settings", [{"average_decay": 0.9}, {"max_norm": 0.5, "average_decay": 0.99}])
def test_a_saved_state_goes_on(settings):
    whole, first, second = (trainer_of((20, 9, 3), optimizer="adam", **settings) for _ in range(3))
    whole.fit(X, Y, epochs=5)
    first.fit(X, Y, epochs=2)
    second.network.set_parameters(first.network.get_parameters())
    second._state.from_dict(first._state.to_dict())
    second.fit(X, Y, epochs=3)
    assert_same_bits(second.network.get_parameters(), whole.network.get_parameters())
    assert_same_bits(second.averaged_network().get_parameters(), whole.averaged_network().get_parameters())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"max_norm": 0}, "max_norm is 0; expected a positive number"),
        ({"max_norm": "big"}, "max_norm is 'big'"),
        ({"average_decay": 1.0}, "average_decay is 1.0; expected None or a number from 0 up to, not including, 1"),
        ({"average_decay": -1}, "average_decay is -1"),
    ],
)
def test_bad_settings(setting, words):
    with pytest.raises(ValueError, match=words):
        trainer_of((20, 3), **setting)


def test_no_average_to_return():
    with pytest.raises(ValueError, match="keeps no average of the parameters"):
        trainer_of((20, 3)).averaged_network()
