"""Predictor: a snapshot with the bits and the words of Network.predict, for any number of threads."""

import copy
import pickle
import threading

import numpy as np
import pytest

import bp_core as bp
from bp_core import _engine_f32, _engine_f64
from engine_calls import BAD, SPOILT, plan_of
from support import DTYPES, assert_same_bits, make_network, refused, uniform

pytestmark = pytest.mark.usefixtures("isa")

BIASES = ("unit", "layer", "none")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("rows", [None, 1, 5, 128, 300])
@pytest.mark.parametrize("sizes", [(2, 3, 1), (30, 64, 5), (20, 3), (3, 9, 2, 8, 4, 7, 1), (700, 600, 2)])
def test_the_bits_of_predict(sizes, rows, bias, dtype):
    net = make_network(sizes, scale=0.2, hidden="tanh", bias=bias, dtype=dtype)
    p = net.predictor()
    X = uniform(1, sizes[0] if rows is None else (rows, sizes[0])).astype(dtype)
    expected = net.predict(X)
    assert_same_bits(p(X), expected)
    out = np.full(expected.shape, 7, dtype)
    assert p(X, out=out) is out
    assert_same_bits(out, expected)
    for other in (X.tolist(), X.astype("f2").astype("f8"), np.repeat(X, 2, axis=-1)[..., ::2]):
        assert_same_bits(p(other), net.predict(other))
    assert_same_bits(p(X, n_threads=2), expected)


def test_what_happens_to_the_network_leaves_it_alone():
    net = make_network((4, 6, 2), dtype="float32", bias="layer")
    p, twice = net.predictor(), bp.Predictor(net)
    X, y = uniform(1, (5, 4)).astype("f4"), uniform(2, (5, 2)).astype("f4")
    before = net.predict(X)
    bp.Trainer(net).fit(X, y, epochs=3)
    net.set_parameters(net.get_parameters() + 1)
    del net
    assert_same_bits(p(X), before)
    assert_same_bits(p(X.tolist()), before)
    assert_same_bits(twice(X), before)


def test_it_can_be_made_while_the_network_is_trained():
    net = make_network((4, 6, 2), dtype="float32")
    X, y = uniform(1, (5, 4)).astype("f4"), uniform(2, (5, 2)).astype("f4")
    made = []
    bp.Trainer(net).fit(X, y, epochs=2, callbacks=lambda epoch: made.append(epoch.network.predictor()))
    assert_same_bits(made[-1](X), net.predict(X))
    assert not np.array_equal(made[0](X), net.predict(X))


def test_copies_and_pickles():
    net = make_network((4, 6, 2), hidden="tanh", bias="layer")
    p, X = net.predictor(), uniform(1, (5, 4))
    expected = p(X)
    assert copy.copy(p) is copy.deepcopy(p) is p
    again = pickle.loads(pickle.dumps(p))
    del p
    assert isinstance(again, bp.Predictor)
    assert_same_bits(again(X), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_it_says_of_itself(dtype):
    p = make_network((4, 6, 2), dtype=dtype).predictor()
    assert isinstance(p, bp.Predictor)
    assert p.layer_sizes == (4, 6, 2)
    assert p.dtype == dtype
    assert repr(p).startswith("<Predictor of <Network 4-6-2")


def test_what_is_wrong_is_said_as_by_predict():
    p = make_network((3, 3), dtype="float32").predictor()
    X = np.zeros((4, 3), "f4")
    refused(lambda: p(X[:, :2]), "x has 2 features per row; this network takes 3")
    refused(lambda: p(X[0, :2]), "x has 2 features; this network takes 3")
    refused(lambda: p("x"), "expected an array", error=TypeError)
    refused(lambda: p(np.zeros((2, 2, 3), "f4")), r"\(2, 2, 3\)")
    refused(lambda: p(X, out=X), "overlaps X")
    refused(lambda: p(X, out=np.zeros((4, 2), "f4")), r"\(4, 2\)")
    refused(lambda: p(X, n_threads=0), "n_threads")
    refused(lambda: bp.Predictor("net"), "expected a bp_core.Network", error=TypeError)
    with pytest.raises(TypeError):
        p()
    masked = np.ma.masked_array(X[0], mask=[0, 1, 0])
    refused(lambda: p(masked), "masked")
    assert p(X[:0]).shape == (0, 3)


@pytest.mark.parametrize("engine", [_engine_f32, _engine_f64], ids=["f32", "f64"])
def test_the_engine_checks_what_it_prepares(engine):
    plan = plan_of()
    parameters = np.zeros(engine.layout(plan)[0], engine.DTYPE)
    x = np.zeros(4, engine.DTYPE)
    assert engine.Prepared(plan, parameters, None)(x).shape == (3,)
    for how in set(SPOILT) - {"read-only"}:
        with pytest.raises(BAD):
            engine.Prepared(plan, SPOILT[how](parameters), None)
    for bad in (b"", plan[:-8], plan + bytes(8)):
        with pytest.raises(ValueError, match="plan"):
            engine.Prepared(bad, parameters, None)
    with pytest.raises(TypeError):
        engine.Prepared("plan", parameters, None)


def test_threads_at_once():
    net = make_network((30, 64, 5), scale=0.2, hidden="tanh", bias="layer")
    p, X = net.predictor(), uniform(1, (64, 30))
    expected = net.predict(X)
    wrong = []

    def ask(number):
        for i in range(200):
            s = (i * 7 + number) % 64
            if not np.array_equal(p(X[s]), expected[s]) or not np.array_equal(p(X[: s + 1]), expected[: s + 1]):
                wrong.append(s)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
