"""Plain arrays take shorter ways through predict and step: the same bits and the same words as the longer ones."""

import copy
import pickle

import numpy as np
import pytest

import bp_core as bp
import golden_bits
from support import DTYPES, assert_same_bits, make_network, refused, targets, uniform

pytestmark = pytest.mark.usefixtures("isa")


class Longer(np.ndarray):
    """A subclass is not plain: it goes the longer way."""


def longer(array):
    return array.view(Longer)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [None, 1, 2, 5, 127, 128, 129, 300])
@pytest.mark.parametrize("sizes", [(2, 3, 1), (30, 64, 5), (20, 3), (300, 40, 2)])
def test_predict_with_and_without_out(sizes, rows, dtype):
    net = make_network(sizes, scale=0.2, hidden="tanh", bias="layer", dtype=dtype)
    X = uniform(1, sizes[0] if rows is None else (rows, sizes[0])).astype(dtype)
    expected = net.predict(longer(X))
    out = np.full(expected.shape, 7, dtype)
    assert net.predict(X, out=out) is out
    assert_same_bits(out, expected)
    assert_same_bits(net.predict(X), expected)
    padded = np.zeros((*X.shape[:-1], sizes[0] + 3), dtype)[..., : sizes[0]]
    padded[...] = X
    assert_same_bits(net.predict(padded), expected)
    other = X.astype("float64" if dtype == "float32" else "float32")
    assert_same_bits(net.predict(other), net.predict(longer(other)))


def test_what_out_may_not_be():
    net = make_network((3, 3), dtype="float32")
    X = np.zeros((4, 3), "f4")
    refused(lambda: net.predict(X, out=X), "overlaps X")
    refused(lambda: net.predict(X, out=np.zeros((4, 2), "f4")), r"\(4, 2\)")
    refused(lambda: net.predict(X, out=np.zeros((4, 3))), "float64")
    refused(lambda: net.predict(X, out=np.zeros((4, 6), "f4")[:, ::2]), "C-contiguous")
    refused(lambda: net.predict(X[0], out=np.zeros((1, 3), "f4")), r"\(1, 3\)")
    refused(lambda: net.predict(X, out=net._parameters[:12].reshape(4, 3)), "overlaps")
    frozen = np.zeros((4, 3), "f4")
    frozen.flags.writeable = False
    refused(lambda: net.predict(X, out=frozen), "writable")


def steps(trainer, X, y, n_steps=6):
    return [trainer.step(X[i : i + 5], y[i : i + 5]) for i in range(n_steps)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(2, 3, 1), (30, 64, 5), (20, 3)])
@pytest.mark.parametrize("name", golden_bits.OPTIMISERS)
def test_steps(name, sizes, dtype):
    X, y = uniform(1, (11, sizes[0])).astype(dtype), uniform(2, (11, sizes[-1])).astype(dtype)
    nets = [make_network(sizes, scale=0.2, hidden="tanh", dtype=dtype) for _ in range(2)]
    trainers = [bp.Trainer(net, optimizer=golden_bits.OPTIMISERS[name], l2=0.01, clip_norm=0.5) for net in nets]
    assert steps(trainers[0], X, y) == steps(trainers[1], longer(X), longer(y))
    assert_same_bits(nets[0].get_parameters(), nets[1].get_parameters())
    assert trainers[0]._state.to_dict()["step"] == trainers[1]._state.to_dict()["step"] == 6


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_steps_with_targets_that_must_be_probabilities(loss):
    output = "softmax" if loss == "cross_entropy" else "sigmoid"
    X, y = uniform(1, (11, 4)).astype("f4"), targets(loss, 2, 11, 3).astype("f4")
    trainers = [bp.Trainer(make_network((4, 6, 3), output=output), loss=loss) for _ in range(2)]
    assert steps(trainers[0], X, y) == steps(trainers[1], longer(X), longer(y))
    y[0, 0] = 1.5
    for trainer in trainers:
        refused(lambda trainer=trainer: trainer.step(X[:5], y[:5]), "1.5")


def test_steps_with_targets_that_must_not_lie_below_0():
    X, y = uniform(1, (11, 4)).astype("f4"), targets("poisson", 2, 11, 3).astype("f4")
    trainers = [bp.Trainer(make_network((4, 6, 3), output="exp"), loss="poisson") for _ in range(2)]
    assert steps(trainers[0], X, y) == steps(trainers[1], longer(X), longer(y))
    y[4, 2] = -0.5
    for trainer in trainers:
        refused(
            lambda trainer=trainer: trainer.step(X[:5], y[:5]), r"y\[4, 2\] is -0.5; poisson takes targets from 0 up"
        )


def test_steps_with_classes():
    X, classes = uniform(1, (11, 4)).astype("f4"), np.arange(11) % 3
    trainers = [bp.Trainer(make_network((4, 6, 3), output="softmax")) for _ in range(2)]
    assert steps(trainers[0], X, classes) == steps(trainers[1], X, classes.astype("i4"))
    classes[2] = 3
    refused(lambda: trainers[0].step(X[:5], classes[:5]), "3")


def test_what_is_wrong_with_a_step_is_said_as_ever():
    net = make_network((4, 6, 2), dtype="float32")
    trainer = bp.Trainer(net)
    X, y = uniform(1, (5, 4)).astype("f4"), uniform(2, (5, 2)).astype("f4")
    trainer.step(X, y)
    before, counted = net.get_parameters(), trainer._state.to_dict()["step"]
    bad = X.copy()
    bad[3, 1] = np.nan
    refused(lambda: trainer.step(bad, y), r"X\[3, 1\] is nan")
    worse = y.copy()
    worse[2, 0] = np.inf
    refused(lambda: trainer.step(X, worse), r"y\[2, 0\] is inf")
    refused(lambda: trainer.step(X[:, :3], y), "3")
    refused(lambda: trainer.step(X, y[:4]), r"\(4, 2\)")
    refused(lambda: trainer.step(X[0], y[0]))
    assert_same_bits(net.get_parameters(), before)
    assert trainer._state.to_dict()["step"] == counted


def test_a_network_in_training_refuses_a_step():
    net = make_network((4, 6, 2), dtype="float32")
    trainer = bp.Trainer(net)
    X, y = uniform(1, (5, 4)).astype("f4"), uniform(2, (5, 2)).astype("f4")
    trainer.step(X, y)
    with net._training:
        refused(lambda: trainer.step(X, y), "being trained", error=RuntimeError)
    trainer.step(X, y)


def test_another_optimizer_counts_from_the_next_step():
    nets = [make_network((4, 6, 2), dtype="float32") for _ in range(2)]
    X, y = uniform(1, (5, 4)).astype("f4"), uniform(2, (5, 2)).astype("f4")
    for net, first in zip(nets, (X, longer(X)), strict=True):
        trainer = bp.Trainer(net)
        trainer.step(first, y)
        trainer.optimizer = bp.Adam(learning_rate=0.1)
        trainer.step(first, y)
        trainer.step(first, y)
    assert_same_bits(nets[0].get_parameters(), nets[1].get_parameters())


def test_fit_and_step_in_turns():
    nets = [make_network((4, 6, 2), dtype="float32") for _ in range(2)]
    X, y = uniform(1, (10, 4)).astype("f4"), uniform(2, (10, 2)).astype("f4")
    for net, wrap in zip(nets, (np.asarray, longer), strict=True):
        trainer = bp.Trainer(net, optimizer="adam", batch_size=3, seed=1)
        for _ in range(3):
            trainer.step(wrap(X), y)
            trainer.fit(X, y, epochs=2)
    assert_same_bits(nets[0].get_parameters(), nets[1].get_parameters())


def test_a_pickled_network_predicts_with_its_own_parameters():
    net = make_network((4, 6, 2), dtype="float32")
    x = uniform(1, 4).astype("f4")
    twin = pickle.loads(pickle.dumps(net))
    twin.weights[0][...] = 0
    assert not np.array_equal(twin.predict(x), net.predict(x))


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda trainer: pickle.loads(pickle.dumps(trainer))])
def test_a_copied_trainer_steps_with_its_own_network(twin_of):
    trainer = bp.Trainer(make_network((4, 6, 2), dtype="float32"), optimizer="adam")
    X, y = uniform(1, (5, 4)).astype("f4"), uniform(2, (5, 2)).astype("f4")
    trainer.step(X, y)
    twin = twin_of(trainer)
    before = trainer.network.get_parameters()
    losses = [twin.step(X, y) for _ in range(3)]
    assert_same_bits(trainer.network.get_parameters(), before)
    assert [trainer.step(X, y) for _ in range(3)] == losses
    assert_same_bits(trainer.network.get_parameters(), twin.network.get_parameters())
