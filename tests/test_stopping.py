"""How a fit ends: target, patience, time, callbacks, Ctrl-C, divergence; and that nobody else trains meanwhile."""

import threading

import numpy as np
import pytest

import bp_core as bp
from support import assert_close, assert_same_bits, make_network, run_python, uniform

pytestmark = pytest.mark.usefixtures("isa")

MANY = 5_000_000  # epochs: more than any of these tests lets pass


def network(**options):
    return make_network((4, 9, 3), **{"hidden": "tanh", "output": "sigmoid", "dtype": "float64", **options})


def data(n=40):
    return uniform(1, (n, 4)), uniform(2, (n, 3), 0.0, 1.0)


def trainer_of(net, **options):
    return bp.Trainer(net, **{"optimizer": bp.SGD(learning_rate=0.5), "batch_size": 8, "seed": 1, **options})


# ---- the desired result ----


def test_target_loss():
    net = network()
    history = trainer_of(net).fit(*data(), epochs=MANY, target_loss=0.11)
    assert history.stop_reason == "target_loss"
    assert history.loss[-1] <= 0.11
    assert all(loss > 0.11 for loss in history.loss[:-1])
    again = network()
    trainer_of(again).fit(*data(), epochs=len(history.loss))
    assert_same_bits(net.get_parameters(), again.get_parameters())


def test_max_seconds():
    history = trainer_of(network()).fit(*data(), epochs=MANY, max_seconds=0.05)
    assert history.stop_reason == "max_seconds"
    assert 0 < len(history.loss) < MANY


@pytest.mark.parametrize("validated", [False, True])
def test_patience_counts_epochs_without_enough_gain(validated):
    """No epoch gains 1e6 on the first, so `patience` more are allowed; the best is the lowest all the same."""
    X, y = data()
    options = {"validation_data": (X[:9], y[:9])} if validated else {}
    history = trainer_of(network()).fit(X, y, epochs=MANY, patience=4, min_delta=1e6, **options)
    assert history.stop_reason == "patience"
    assert len(history.loss) == 5
    watched = history.validation_loss if validated else history.loss
    assert history.best_epoch == history.index[int(np.argmin(watched))]


def overfitting(epochs, **options):
    """Few rows to learn, others to be judged by: the validation loss soon rises."""
    net = network()
    trainer = bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.05), batch_size="full", seed=1)
    (X, y), judges = data(6), (uniform(8, (30, 4)), uniform(9, (30, 3), 0.0, 1.0))
    return net, judges, trainer.fit(X, y, epochs=epochs, validation_data=judges, **options)


def test_patience_restores_the_best_parameters():
    net, judges, history = overfitting(MANY, patience=10)
    best = int(np.argmin(history.validation_loss))
    assert history.stop_reason == "patience"
    assert len(history.loss) == best + 1 + 10
    assert history.best_epoch == history.index[best]
    assert_close(net.loss(*judges), np.longdouble(min(history.validation_loss)), 1e-12)
    until_best, _, _ = overfitting(best + 1)
    assert_same_bits(net.get_parameters(), until_best.get_parameters())


def test_patience_restores_the_best_also_when_the_epochs_end_first():
    _, _, history = overfitting(MANY, patience=10)
    best = int(np.argmin(history.validation_loss))
    net, judges, history = overfitting(best + 4, patience=10)
    assert history.stop_reason == "epochs"
    assert_close(net.loss(*judges), np.longdouble(min(history.validation_loss)), 1e-12)


def test_validation_data_may_have_weights():
    X, y = data()
    weight = uniform(5, 9, 0.1, 2.0)
    net = network()
    history = trainer_of(net).fit(X, y, epochs=2, validation_data=(X[:9], y[:9], weight))
    assert_close(history.validation_loss[-1], np.longdouble(net.loss(X[:9], y[:9], sample_weight=weight)), 1e-12)


# ---- callbacks ----


def test_a_callback_sees_every_epoch():
    seen = []
    net = network()
    trainer = trainer_of(net)
    history = trainer.fit(*data(), epochs=3, callbacks=[seen.append])
    assert [epoch.index for epoch in seen] == list(history.index)
    assert [epoch.loss for epoch in seen] == list(history.loss)
    for epoch in seen:
        assert epoch.trainer is trainer
        assert epoch.network is net
        assert epoch.learning_rate == 0.5
        assert epoch.seconds >= 0
        assert epoch.validation_loss is None


def test_the_index_goes_on_in_the_next_fit():
    seen = []
    trainer = trainer_of(network())
    trainer.fit(*data(), epochs=2, callbacks=[seen.append])
    trainer.fit(*data(), epochs=2, callbacks=[seen.append])
    assert np.diff([epoch.index for epoch in seen]).tolist() == [1, 1, 1]


def test_a_callback_sees_the_parameters_of_its_epoch():
    parameters, X, y = [], *data()
    net = network()
    trainer_of(net).fit(X, y, epochs=3, callbacks=[lambda epoch: parameters.append(epoch.network.get_parameters())])
    for count in (1, 2, 3):
        other = network()
        trainer_of(other).fit(X, y, epochs=count)
        assert_same_bits(parameters[count - 1], other.get_parameters())


def test_true_from_a_callback_stops():
    calls = []

    def stop_at_third(epoch):
        calls.append(epoch.index)
        return len(calls) == 3

    history = trainer_of(network()).fit(*data(), epochs=MANY, callbacks=[lambda epoch: None, stop_at_third])
    assert history.stop_reason == "callback"
    assert len(history.loss) == len(calls) == 3


def test_what_a_callback_writes_counts():
    def halve(epoch):
        epoch.network.weights[1][...] *= 0.5

    net, by_hand = network(), network()
    trainer_of(net).fit(*data(), epochs=3, callbacks=[halve])
    trainer = trainer_of(by_hand)
    for _ in range(3):
        trainer.fit(*data(), epochs=1)
        by_hand.weights[1][...] *= 0.5
    assert_same_bits(net.get_parameters(), by_hand.get_parameters())


def test_an_exception_in_a_callback_goes_on_and_frees_the_network():
    def fail(epoch):
        raise LookupError("mine")

    net = network()
    trainer = trainer_of(net)
    with pytest.raises(LookupError, match="mine"):
        trainer.fit(*data(), epochs=3, callbacks=[fail])
    expected = network()
    trainer_of(expected).fit(*data(), epochs=1)
    assert_same_bits(net.get_parameters(), expected.get_parameters())
    assert trainer.fit(*data(), epochs=1).stop_reason == "epochs"


# ---- one training at a time ----


def attempts(net):
    X, y = data()
    return (
        lambda: bp.Trainer(net).fit(X, y, epochs=1),
        lambda: bp.Trainer(net).step(X, y),
    )


@pytest.mark.parametrize("which", [0, 1], ids=["fit", "step"])
def test_a_second_training_in_another_thread_is_refused(which):
    net = network()
    running, finish, outcome = threading.Event(), threading.Event(), []

    def wait(epoch):
        running.set()
        assert finish.wait(60)

    thread = threading.Thread(target=lambda: outcome.append(trainer_of(net).fit(*data(), epochs=1, callbacks=[wait])))
    thread.start()
    try:
        assert running.wait(60)
        before = net.get_parameters()
        with pytest.raises(RuntimeError, match="train"):
            attempts(net)[which]()
        assert_same_bits(net.get_parameters(), before)
    finally:
        finish.set()
        thread.join()
    assert outcome[0].stop_reason == "epochs"
    attempts(net)[which]()


@pytest.mark.parametrize("which", [0, 1], ids=["fit", "step"])
def test_training_from_a_callback_is_refused(which):
    net = network()

    def train_again(epoch):
        with pytest.raises(RuntimeError, match="train"):
            attempts(net)[which]()

    assert trainer_of(net).fit(*data(), epochs=2, callbacks=[train_again]).stop_reason == "epochs"


# ---- when it goes wrong ----


@pytest.mark.parametrize("callbacks", [(), (lambda epoch: None,)], ids=["without", "with"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence(dtype, callbacks):
    X, y = data()
    net = make_network((4, 9, 3), hidden="relu", dtype=dtype)
    trainer = bp.Trainer(net, loss="mse", optimizer=bp.SGD(learning_rate=12345.0), batch_size=8, seed=1)
    with pytest.raises(bp.DivergenceError, match="12345") as caught:
        trainer.fit(X, y, epochs=1000, callbacks=callbacks)
    assert "epoch" in str(caught.value)
    assert trainer.history.stop_reason == "diverged"
    assert np.isfinite(net.get_parameters()).all()
    assert np.isfinite(net.loss(X, y))


def test_divergence_in_the_first_epoch_goes_back_to_the_start():
    X, y = data()
    net = make_network((4, 9, 3), hidden="relu", dtype="float32")
    before = net.get_parameters()
    trainer = bp.Trainer(net, loss="mse", optimizer=bp.SGD(learning_rate=1e30), batch_size=4, seed=1)
    with pytest.raises(bp.DivergenceError):
        trainer.fit(X, y, epochs=5)
    assert_same_bits(net.get_parameters(), before)
    calm = bp.Trainer(net, loss="mse", optimizer=bp.SGD(learning_rate=0.01), seed=1).fit(X, y, epochs=3)
    assert calm.loss[-1] < calm.loss[0]


INTERRUPTED = """
import _thread, signal, sys, threading
import bp_core as bp
import numpy as np
from bp_core import _dispatch

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may have inherited "ignore"
_dispatch.switch(sys.argv[1])
X = np.arange(80.0).reshape(20, 4) % 7 / 7
y = np.arange(60.0).reshape(20, 3) % 5 / 5

def trainer():
    net = bp.Network((4, 9, 3), hidden="tanh", output="sigmoid", seed=1)
    return bp.Trainer(net, optimizer="adam", batch_size="full", seed=1)

stopped, whole = trainer(), trainer()
threading.Timer(0.3, _thread.interrupt_main).start()
try:
    stopped.fit(X, y, epochs=10_000_000)
except KeyboardInterrupt:
    print("interrupted")
assert stopped.history.stop_reason == "interrupted", stopped.history.stop_reason
assert np.isfinite(stopped.network.get_parameters()).all()
n = len(stopped.history.loss)
assert 0 < n < 10_000_000, n
whole.fit(X, y, epochs=n)
assert (stopped.network.get_parameters() == whole.network.get_parameters()).all(), "not the last complete step"
stopped.fit(X, y, epochs=2)
whole.fit(X, y, epochs=2)
assert (stopped.network.get_parameters() == whole.network.get_parameters()).all(), "does not go on"
print("done")
"""


def test_control_c(isa, tmp_path):
    """A batch is an epoch here, so the history counts the complete steps; the fit goes on from there."""
    finished = run_python(INTERRUPTED, isa, cwd=tmp_path)
    assert finished.stdout.split() == ["interrupted", "done"], finished.stderr
