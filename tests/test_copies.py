"""Copies of a trainer go on as the original would, wherever their memory lies and whatever level they are used at."""

import copy
import pickle

import numpy as np
import pytest

import bp_core as bp
from bp_core import _dispatch
from support import DTYPES, assert_same_bits, make_network, uniform

pytestmark = pytest.mark.usefixtures("isa")
LEVELS = _dispatch.levels()


def fitted(sizes, dtype, **options):
    net = make_network(sizes, dtype=dtype, hidden="tanh")
    trainer = bp.Trainer(net, optimizer="adam", batch_size=5, seed=1, **options)
    trainer.fit(*data(sizes, dtype), epochs=3)
    return trainer


def data(sizes, dtype):
    return uniform(1, (20, sizes[0])).astype(dtype), uniform(2, (20, sizes[-1])).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(5, 5, 3), (2, 3, 1), (20, 40, 3)])
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_every_copy_goes_on_alike(sizes, clip_norm, dtype):
    trainer = fitted(sizes, dtype, clip_norm=clip_norm)
    copies = [copy.deepcopy(trainer) for _ in range(12)] + [pickle.loads(pickle.dumps(trainer)) for _ in range(12)]
    trainer.fit(*data(sizes, dtype), epochs=3)
    for other in copies:
        other.fit(*data(sizes, dtype), epochs=3)
        assert_same_bits(other.network.get_parameters(), trainer.network.get_parameters())


def test_a_pickle_holds_no_scratch():
    """Neither rows that were converted nor room for a batch."""
    assert len(pickle.dumps(fitted((2, 3, 1), "float32"))) < 4000


@pytest.mark.parametrize("after", LEVELS)
@pytest.mark.parametrize("before", LEVELS)
def test_a_trainer_of_another_level_fits_here(before, after):
    """Which networks count as small depends on the level."""
    _dispatch.switch(before)
    trainer = fitted((2, 7, 1), "float32")
    saved = pickle.dumps(trainer)
    _dispatch.switch(after)
    for one in (trainer, pickle.loads(saved)):
        one.fit(*data((2, 7, 1), "float32"), epochs=2)
        assert np.isfinite(one.network.get_parameters()).all()


@pytest.mark.parametrize("weights", [None, np.ones(4)], ids=["small", "general"])
@pytest.mark.parametrize("sizes", [(2, 3, 3, 1), (2, 20, 3, 1), (5, 9, 17, 2)])
def test_nothing_is_left_of_an_infinite_unit(sizes, weights):
    """A step through infinity spoils parameters and their padding; once they are written anew it is as if never."""
    X, y = np.full((4, sizes[0]), 3, "f4"), np.zeros((4, sizes[-1]), "f4")
    fresh = bp.Network(sizes, hidden=("relu", "tanh"), seed=0)
    spoilt = fresh.copy()
    spoilt.weights[0][...], spoilt.weights[1][...] = 3e38, 1
    bp.Trainer(spoilt, optimizer="adam").step(X, y, sample_weight=weights)
    assert not np.isfinite(spoilt.get_parameters()).all()
    for view, good in zip((*spoilt.weights, *spoilt.biases), (*fresh.weights, *fresh.biases), strict=True):
        view[...] = good
    losses = []
    for net in (fresh, spoilt):
        trainer = bp.Trainer(
            net, optimizer="adam", clip_norm=0.01 if weights is not None else None, batch_size=3, seed=1
        )
        losses.append(trainer.fit(uniform(1, (9, sizes[0])), uniform(2, (9, sizes[-1])), epochs=5).loss)
    assert losses[0] == losses[1]
    assert_same_bits(spoilt.get_parameters(), fresh.get_parameters())
    assert_same_bits(spoilt.predict(X), fresh.predict(X))
