"""Many threads: sharing a network to predict, each training its own, and one that changes the data meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import bp_core as bp
from support import assert_same_bits, make_network, uniform

pytestmark = pytest.mark.usefixtures("isa")


def in_threads(function, arguments):
    """function of each argument, all at the same time."""
    barrier = threading.Barrier(len(arguments))

    def start(argument):
        barrier.wait(60)
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(start, arguments))


@pytest.mark.parametrize("layer_sizes", [(2, 3, 1), (30, 64, 65, 4)])
def test_eight_threads_predict_with_one_network(layer_sizes):
    net = make_network(layer_sizes, hidden="tanh", scale=0.3)
    X = uniform(1, (200, layer_sizes[0])).astype("float32")
    expected = net.predict(X)
    expected_z = net.forward(X).z[0]

    def predict(i):
        for _ in range(20):
            assert_same_bits(net.predict(X), expected)
            assert_same_bits(net.predict(X[i]), expected[i])
            assert_same_bits(net.predict(X[i:50]), expected[i:50])
            assert_same_bits(net.forward(X).z[0], expected_z)
        return i

    assert in_threads(predict, range(8)) == list(range(8))


def trained(seed, n=300, batch_size=16, n_threads=None):
    net = make_network((10, 33, 5), seed=seed, hidden="relu")
    X, y = uniform((seed, 1), (n, 10)), uniform((seed, 2), (n, 5))
    trainer = bp.Trainer(net, optimizer="adam", batch_size=batch_size, seed=seed, n_threads=n_threads)
    return [trainer.fit(X, y, epochs=20).loss, net.get_parameters()]


def test_four_threads_each_train_their_own_network():
    """Of two sizes the threads share none: the same bits as one after the other."""
    expected = [trained(seed) for seed in range(4)]
    for actual, serial in zip(in_threads(trained, range(4)), expected, strict=True):
        assert_same_bits(actual[0], serial[0])
        assert_same_bits(actual[1], serial[1])


@pytest.mark.parametrize(("n", "batch_size"), [(300, 64), (1_100, 1_100)])
def test_eight_threads_each_train_their_own_network_in_three(n, batch_size):
    """On fewer cores than threads: helpers wait for one another by giving their cores away."""
    expected = [trained(seed, n, batch_size, 1) for seed in range(8)]
    actual = in_threads(lambda seed: trained(seed, n, batch_size, 3), range(8))
    for of_three, of_one in zip(actual, expected, strict=True):
        assert_same_bits(of_three[0], of_one[0])
        assert_same_bits(of_three[1], of_one[1])


def test_gradients_of_one_network_in_four_threads():
    net = make_network((10, 33, 5), hidden="tanh")
    X, y = uniform(1, (100, 10)), uniform(2, (100, 5))
    expected = net.gradients(X, y)
    for actual in in_threads(lambda _: [net.gradients(X, y) for _ in range(20)][-1], range(4)):
        assert_same_bits(actual.weights[0], expected.weights[0])
        assert_same_bits(actual.inputs, expected.inputs)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64])
def test_class_indices_changed_during_training(kind):
    """They were copied and checked: whatever is written later, training is as if nothing had been."""
    results = []
    for disturbed in (False, True):
        y = (np.arange(400) % 4).astype(kind)
        weight = uniform(3, 400, 0.5, 1.0)
        net = make_network((6, 8, 4), hidden="tanh", output="softmax")
        running, finish = threading.Event(), threading.Event()

        def look(epoch, running=running, finish=finish):
            running.set()
            finish.wait(60)

        def fit(net=net, y=y, weight=weight, look=look):
            trainer = bp.Trainer(net, batch_size=8, seed=1)
            return trainer.fit(uniform(1, (400, 6)), y, epochs=50, sample_weight=weight, callbacks=[look])

        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(fit)
            assert running.wait(60)
            if disturbed:
                y[:] = np.iinfo(kind).max if kind is not np.float64 else 1e300
                weight[:] = np.nan
            finish.set()
            results.append([future.result(60).loss, net.get_parameters()])
    assert_same_bits(results[1][0], results[0][0])
    assert_same_bits(results[1][1], results[0][1])


def test_targets_changed_at_any_moment_never_crash():
    """Numbers may be the old or the new ones; the network stays finite."""
    X, y = uniform(1, (400, 6)), uniform(2, (400, 4))
    net = make_network((6, 8, 4), hidden="tanh")
    stop = threading.Event()

    def scribble():
        value = 0.0
        while not stop.is_set():
            value = 1.0 - value
            y[:] = value

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        history = bp.Trainer(net, batch_size=8, seed=1).fit(X, y, epochs=100)
    finally:
        stop.set()
        thread.join()
    assert history.stop_reason == "epochs"
    assert np.isfinite(net.get_parameters()).all()
