"""sweep_learning_rates and find_learning_rate: trainings against those of a Trainer, and what is said of them."""

import dataclasses
import sys
import textwrap

import numpy as np
import pytest

import bp_core as bp
from bp_core.learning_rates import range_test
from support import assert_same_bits, make_network, refused, run_python, uniform

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])


def regression(n=70, n_in=3):
    """A plane, standardised inputs: half the mean square falls at rates below 2 / its largest curvature."""
    X = uniform(1, (n, n_in))
    return X, X @ np.arange(1.0, n_in + 1)


def small():
    return make_network((3, 4, 1), hidden="tanh")


# ---- the trainings of a sweep ----


@pytest.mark.parametrize("optimizer", ["sgd", "adam", bp.SGD(learning_rate=7.0, momentum=0.5)])
def test_each_training_has_the_bits_of_a_trainer(optimizer):
    X, y = regression()
    net = small()
    sweep = bp.sweep_learning_rates(net, X, y, (0.05, 0.01), epochs=40, optimizer=optimizer, batch_size=16, seed=5)
    assert sweep.learning_rates == (0.01, 0.05)
    for rate, losses, trained in zip(sweep.learning_rates, sweep.losses, sweep.networks, strict=True):
        alone = net.copy()
        chosen = bp.Trainer(alone, optimizer=optimizer).optimizer
        trainer = bp.Trainer(alone, optimizer=dataclasses.replace(chosen, learning_rate=rate), batch_size=16, seed=5)
        history = trainer.fit(X, y, epochs=40)
        assert_same_bits(losses, np.array(history.loss))
        assert_same_bits(trained.get_parameters(), alone.get_parameters())


def test_the_network_given_is_not_changed():
    X, y = regression()
    net = small()
    before = net.get_parameters()
    bp.sweep_learning_rates(net, X, y, (0.01, 1e6), epochs=3)
    bp.find_learning_rate(net, X, y)
    bp.draw_descent(net, X, y, (0.1, 1e9), steps=3)
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("n_threads", [1, 2, 9])
def test_threads_change_no_bit(n_threads):
    X, y = regression()
    expected = bp.sweep_learning_rates(small(), X, y, epochs=20)
    found = bp.sweep_learning_rates(small(), X, y, epochs=20, n_threads=n_threads)
    for ours, theirs in zip(found.losses, expected.losses, strict=True):
        assert_same_bits(ours, theirs)


def test_without_a_seed_all_rates_still_see_the_same_orders():
    """At a rate too small to move anything the losses of an epoch differ by the order of the rows alone."""
    X, y = regression()
    a, b = bp.sweep_learning_rates(small(), X, y, (1e-30, 2e-30), epochs=3, batch_size=7, seed=None).losses
    assert_same_bits(a, b)


def test_the_first_loss_is_that_of_the_start():
    X, y = regression()
    net = small()
    sweep = bp.sweep_learning_rates(net, X, y, (0.01,), epochs=3, loss="mae")
    assert sweep.first_loss == net.loss(X, y, loss="mae")


def test_what_diverges_keeps_its_losses_so_far():
    """W of z = W x, x = 1, y = 0: a step multiplies W by 1 - rate, the loss by its square."""
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    sweep = bp.sweep_learning_rates(net, [[1.0]], [0.0], (0.5, 1e60), epochs=9)
    assert sweep.verdicts == ("converges", "diverges")
    np.testing.assert_allclose(sweep.losses[0], [0.5 * 0.25**t for t in range(9)])
    np.testing.assert_allclose(sweep.losses[1], [0.5, 0.5e120, 0.5e240], rtol=1e-12)
    assert np.isfinite(sweep.networks[1].get_parameters()).all()
    assert sweep.reasons[1] == "no longer finite in epoch 3"  # of 0, 1, 2 there are losses


def test_a_first_epoch_that_diverges_leaves_no_losses():
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    sweep = bp.sweep_learning_rates(net, [[1.0], [1.0]], [0.0, 0.0], (1e200,), epochs=3, batch_size=1)
    assert [len(losses) for losses in sweep.losses] == [0]
    assert (sweep.verdicts, sweep.best) == (("diverges",), None)
    assert "no longer finite in epoch 0" in str(sweep)


def test_validation_decides_what_is_recommended():
    """Validation rows with the opposite targets: the less a rate learns, the better it does there."""
    X, y = regression()
    options = {"epochs": 40, "batch_size": "full"}
    plain = bp.sweep_learning_rates(small(), X, y, (0.1, 0.3), **options)
    turned = bp.sweep_learning_rates(small(), X, y, (0.1, 0.3), validation_data=(X, -y), **options)
    assert plain.verdicts == turned.verdicts == ("converges", "converges")
    assert (plain.best, turned.best) == (0.3, 0.1)
    trainer = bp.Trainer(small(), optimizer=bp.SGD(learning_rate=0.1), batch_size="full", seed=0)
    history = trainer.fit(X, y, epochs=40, validation_data=(X, -y))
    assert_same_bits(turned.validation_losses[0], np.array(history.validation_loss))
    assert "validation" in turned.table() and "validation" not in plain.table()


# ---- XOR: a sigmoid saturates ----


def test_on_xor_a_sigmoid_saturates():
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=0)
    sweep = bp.sweep_learning_rates(net, *XOR, (0.01, 1, 1000), epochs=5000, batch_size="full")
    assert sweep.verdicts == ("crawls", "converges", "diverges")
    assert [len(losses) for losses in sweep.losses] == [5000] * 3
    activations = np.concatenate([a.ravel() for a in sweep.networks[2].forward(XOR[0]).a])
    share = np.mean((activations < 0.01) | (activations > 0.99))
    assert f"{100 * share:.0f} % of the sigmoid activations" in sweep.reasons[2]
    assert "a sigmoid saturates, it does not overflow" in sweep.reasons[2]
    assert "saturates" not in sweep.reasons[0] + sweep.reasons[1]


def test_a_network_that_is_right_may_saturate():
    """One sigmoid, x = 1, y = 1: the better it is, the nearer to its limit."""
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="sigmoid")
    sweep = bp.sweep_learning_rates(net, [[1.0]], [1.0], (1000.0,), epochs=40)
    assert sweep.networks[0].predict([1.0])[0] > 0.99
    assert (sweep.verdicts, sweep.reasons) == (("converges",), ("fell furthest",))


def confident(hidden, at=20.0):
    """Three rows answered 0 or 1, as is right, by a sigmoid output that leaves no doubt."""
    first = [[at, -at]] if hidden == "tanh" else [[1.0, -1.0]]
    return bp.Network.from_arrays([first, [[at], [-at]]], None, hidden=hidden, output="sigmoid")


def test_outputs_that_are_right_at_their_limits_are_no_fault():
    X, y = [[1.0], [-1.0], [2.0]], [1.0, 0.0, 1.0]
    sweep = bp.sweep_learning_rates(confident("relu"), X, y, (1e-20,), epochs=20, batch_size="full")
    assert sweep.verdicts == ("crawls",) and "saturates" not in str(sweep)
    sweep = bp.sweep_learning_rates(confident("tanh"), X, y, (1e-20,), epochs=20, batch_size="full")
    assert "100 % of the tanh activations" in sweep.reasons[0]


def test_one_rate_may_be_a_number():
    X, y = regression()
    assert bp.sweep_learning_rates(small(), X, y, 0.1, epochs=2).learning_rates == (0.1,)
    assert bp.draw_descent(small(), X, y, np.float32(0.5), steps=2).learning_rates == (0.5,)


def test_other_units_do_not_saturate():
    X, y = regression()
    sweep = bp.sweep_learning_rates(make_network((3, 4, 1), init="zeros"), X, y * 0, (1e-20,), epochs=20)
    assert "saturates" not in str(sweep)


# ---- forms ----


def test_forms():
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    sweep = bp.sweep_learning_rates(net, [[1.0]], [0.0], (0.01, 0.5, 3.0), epochs=10)
    lines = str(sweep).splitlines()
    assert lines[0].split()[:3] == ["learning", "rate", "epochs"]
    assert lines[2].split()[:4] == ["0.5", "10", "0.5", "1.907e-06"]
    assert lines[-1] == "Recommended: 0.5."
    page = sweep._repr_html_()
    assert page.count("<tr") == 4 and page.count("bold") == 1
    assert repr(sweep) == "<Sweep of 3 learning rates over 10 epochs: best 0.5>"


def test_a_data_frame():
    pytest.importorskip("pandas")
    sweep = bp.sweep_learning_rates(small(), *regression(), (0.01, 0.1), epochs=5)
    frame = sweep.to_frame()
    assert frame.loc[0.1, "end"] == sweep.judged[1].end
    assert list(frame["verdict"]) == list(sweep.verdicts)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ((), "learning_rates is empty; expected positive numbers"),
        ((0.1, -0.5), r"learning_rates holds -0\.5; expected positive"),
        ((0.1, 0), "learning_rates holds 0; expected positive"),
        (("0.1",), "learning_rates holds '0.1'; expected positive"),
        ((0.1, float("nan")), "learning_rates holds nan; expected positive"),
        ((0.1, 0.01, 0.1), r"learning_rates holds 0\.1 twice"),
    ],
)
def test_bad_rates(rates, words):
    refused(lambda: bp.sweep_learning_rates(small(), *regression(), rates), words)


def test_bad_input():
    X, y = regression()
    refused(lambda: bp.sweep_learning_rates(small(), X, y, "0.1"), "learning_rates is '0.1'; expected", error=TypeError)
    refused(lambda: bp.sweep_learning_rates(small(), X, y, None), "learning_rates is None; expected", error=TypeError)
    refused(lambda: bp.sweep_learning_rates("net", X, y), "net is str; expected a bp.Network", error=TypeError)
    refused(lambda: bp.sweep_learning_rates(small(), X, y, epochs=0), "epochs is 0")
    refused(lambda: bp.sweep_learning_rates(small(), X, y, n_threads=0), "n_threads is 0")
    refused(lambda: bp.sweep_learning_rates(small(), X, y, (1e-60,)), "learning_rate is 1e-60, which float32")
    refused(lambda: bp.sweep_learning_rates(small(), X, y[:5]), "y has shape")
    refused(lambda: bp.sweep_learning_rates(small(), X, y, validation_data=(X, y[:5])), "validation_data: y has shape")
    X[4, 1] = np.nan
    refused(lambda: bp.sweep_learning_rates(small(), X, y), r"X\[4, 1\] is nan")
    big = make_network((3, 4, 1), scale=1e30)
    refused(lambda: bp.sweep_learning_rates(big, *regression()), "the loss is (inf|nan) before any training")


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C there")
def test_ctrl_c_stops_all():
    code = """
        import os, signal, threading
        import bp_core as bp
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may have inherited "ignore"
        X, y = bp.data.load_digits()
        net = bp.Network((64, 128, 10), output="softmax", seed=0)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            bp.sweep_learning_rates(net, X, y, epochs=10**7, n_threads=3)
        except KeyboardInterrupt:
            print([thread.name for thread in threading.enumerate() if thread.name.startswith("sweep")])
    """
    done = run_python(textwrap.dedent(code))
    assert done.stdout.strip() == "[]", done.stderr


# ---- the range test ----


def parabola(rates):
    """The losses of W^2 / 2 from W = 1 as each rate multiplies W by 1 - rate."""
    W = np.concatenate([[1.0], np.cumprod(1 - rates)])[: len(rates)]
    return W**2 / 2


def test_the_losses_of_a_range_test():
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    found = bp.find_learning_rate(net, [[1.0]], [0.0], lowest=1e-3, highest=50.0, steps=40)
    rates = np.geomspace(1e-3, 50.0, 40)
    n = len(found.losses)
    np.testing.assert_allclose(found.learning_rates, rates[:n], rtol=1e-12)
    np.testing.assert_allclose(found.losses, parabola(rates)[:n], rtol=1e-9)
    assert n < 40  # it ended as the loss grew
    assert 0.02 < found.suggestion < 2  # from 2 on it does not converge
    assert found.suggestion == found.learning_rates[found.smoothed.argmin()] / 10


def test_smoothing():
    losses = np.arange(12.0) ** 2
    smoothed = range_test.smooth(losses)
    assert smoothed[0] == 0 and smoothed[-1] == 121
    assert smoothed[5] == np.mean(losses[1:10])
    assert smoothed[1] == np.mean(losses[:3])


def course(*parts):
    losses = np.concatenate(parts)
    return range_test.conclude(np.geomspace(1e-6, 10, len(losses)), losses, "too high")


def test_what_never_falls_has_no_suggestion():
    flat, up = np.full(80, 2.0), np.linspace(2, 9, 20)
    assert course(flat, up).suggestion is None
    assert "the loss never falls" in str(course(flat, up))
    assert course(flat, np.linspace(2, 1.979, 20)).suggestion is not None
    assert course(flat, np.linspace(2, 1.981, 20)).suggestion is None


def test_what_falls_no_more_than_batches_scatter_has_no_suggestion():
    noisy = np.tile([1.0, 3.0], 40)
    found = course(noisy, np.full(20, 1.5), [9.0])
    assert found.suggestion is None
    assert "try a larger batch_size" in found.reason
    assert course(noisy, np.full(20, 0.5), [9.0]).suggestion is not None


def test_a_loss_that_is_never_finite():
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    found = bp.find_learning_rate(net, [[1.0]], [0.0], lowest=1e80, highest=1e90, steps=30)
    assert found.suggestion is None
    assert "try a smaller lowest rate" in found.reason


def test_a_dead_network():
    X, y = regression()
    net = bp.Network((3, 4, 1), hidden="relu", output="relu", init="zeros", seed=0)
    assert bp.find_learning_rate(net, X, y, batch_size="full").suggestion is None


def test_a_rate_that_is_still_too_small():
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    found = bp.find_learning_rate(net, [[1.0]], [0.0], lowest=1e-4, highest=0.1, steps=60)
    assert found.reason.endswith("it still falls at the highest rate tried: a higher one may do better")
    assert len(found.losses) == 60


def test_a_loss_that_rises_before_the_highest_rate_does_not_still_fall():
    def end(*after):
        losses = np.concatenate([np.linspace(1, 0.1, 100 - len(after)), after])
        return range_test.conclude(np.geomspace(1e-6, 10, 100), losses, "").reason.partition(")")[2]

    assert end() == "; it still falls at the highest rate tried: a higher one may do better"
    assert end(0.11, 0.13) == "; the test ends 1 step after it: a higher one may do better"
    assert end(*np.linspace(0.5, 2, 9)) == ""


def test_the_suggestion_trains():
    X, y = bp.data.load_digits()
    net = bp.Network((64, 32, 10), output="softmax", seed=0)
    found = bp.find_learning_rate(net, X / 16, y)
    sweep = bp.sweep_learning_rates(net, X / 16, y, (found.suggestion / 100, found.suggestion), epochs=5)
    assert sweep.verdicts == ("crawls", "converges")


def test_a_range_test_refuses():
    X, y = regression()
    refused(lambda: bp.find_learning_rate(small(), X, y, lowest=1, highest=1), "expected lowest below highest")
    refused(lambda: bp.find_learning_rate(small(), X, y, lowest=0), "lowest is 0; expected a positive")
    refused(lambda: bp.find_learning_rate(small(), X, y, steps=5), "steps is 5; expected at least 20")
    refused(lambda: bp.find_learning_rate(small(), X, y[:4]), "y has shape")
    refused(lambda: bp.find_learning_rate(small(), X, y, optimizer="rprop"), "in the first step only")
    refused(lambda: bp.find_learning_rate(None, X, y), "net is NoneType", error=TypeError)
    X[66, 0] = np.inf
    refused(lambda: bp.find_learning_rate(small(), X, y, steps=20, batch_size=1), r"X\[66, 0\] is inf")


def test_batches_hold_every_row_once_a_pass():
    X = np.arange(10.0)[:, None]
    batches = range_test._batches(X, X[:, 0], 5, 3)
    seen = [next(batches) for _ in range(4)]
    for first, second in (seen[:2], seen[2:]):
        assert sorted([*first[1], *second[1]]) == list(range(10))
    assert list(seen[0][1]) != list(seen[2][1])
    assert all((rows[:, 0] == y).all() for rows, y in seen)
