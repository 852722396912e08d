"""missing_targets="ignore": a NaN target drops out of loss, gradient and divisor."""

import math

import numpy as np
import pytest

import bp_core as bp
import oracle
from bp_core.losses import NAMES as LOSSES
from support import DTYPES, assert_close, assert_same_bits, make_network, refused, targets, uniform

OUTPUT = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "exp"}
SUMMED = ("half_squared_error", "poisson", "cross_entropy")
RATE, N = 0.25, 21


def network(loss, n_out, dtype="float64"):
    return make_network((3, 5, n_out), hidden="tanh", output=OUTPUT.get(loss, "identity"), dtype=dtype, seed=n_out)


def holes(loss, n_out, seed=1):
    """Targets of which about a third are missing, those of rows 4 to 7 and of the last one as a whole."""
    y = np.abs(targets(loss, seed, N, n_out)) if loss == "poisson" else targets(loss, seed, N, n_out)
    absent = uniform((seed, 7), y.shape) > 0.3
    if loss == "cross_entropy":
        absent = np.repeat(absent[:, :1], n_out, axis=1)
    absent[4:8], absent[-1], absent[0] = True, True, False
    y[absent] = np.nan
    return y


def present_only(loss, output, z, a, y):
    """Sum of the losses of a row's present targets, and delta: from those numbers alone."""
    there = ~np.isnan(y)
    delta = np.zeros_like(z)
    if not there.any():
        return z.dtype.type(0), delta
    row = [part[None, there] for part in (z, a, y)]
    times = 1 if loss in SUMMED else there.sum()
    delta[there] = oracle.output_delta(loss, output, *row)[0] * times
    return oracle.row_losses(loss, *row)[0] * times, delta


def reference_epoch(net, loss, X, y, batch_size):
    """Plain gradient descent in longdouble; the loss of the epoch and the parameters after it."""
    W, b = [w.astype(np.longdouble) for w in net.weights], [v.astype(np.longdouble) for v in net.biases]
    total, counted, outputs = np.longdouble(0), np.longdouble(0), 1 if loss in SUMMED else y.shape[1]
    for first in range(0, len(X), batch_size):
        x, wanted = X[first : first + batch_size], y[first : first + batch_size].astype(np.longdouble)
        z, a = oracle.forward(W, b, net.hidden, net.output, x.astype(np.longdouble))
        rows = [present_only(loss, net.output, *row) for row in zip(z[-1], a[-1], wanted, strict=True)]
        size = (~np.isnan(wanted)).sum() / np.longdouble(y.shape[1])
        if size == 0:
            continue
        total, counted = total + sum(row[0] for row in rows) / outputs, counted + size
        delta = np.array([row[1] for row in rows]) / (outputs * size)
        below = (delta @ W[1].T) * oracle.derivative("tanh", z[0])
        W = [W[0] - RATE * (x.T @ below), W[1] - RATE * (a[0].T @ delta)]
        b = [b[0] - RATE * below.sum(axis=0), b[1] - RATE * delta.sum(axis=0)]
    return total / counted, np.concatenate([part.ravel() for pair in zip(W, b, strict=True) for part in pair])


def trained(net, loss, X, y, batch_size, **options):
    settings = {key: options.pop(key) for key in ("n_threads", "shuffle", "optimizer", "l2") if key in options}
    settings = {"optimizer": bp.SGD(learning_rate=RATE), "shuffle": False, **settings}
    trainer = bp.Trainer(net, loss=loss, batch_size=batch_size, seed=0, **settings)
    return trainer.fit(X, y, **{"epochs": 1, "missing_targets": "ignore", **options})


@pytest.mark.parametrize("batch_size", [4, 8, "full"])
@pytest.mark.parametrize("n_out", [1, 2, 3, 7, 8, 9, 15, 16, 17])
@pytest.mark.parametrize("loss", LOSSES)
def test_only_the_present_numbers_count(isa, loss, n_out, batch_size):
    net, X, y = network(loss, n_out), uniform(3, (N, 3)), holes(loss, n_out)
    value, parameters = reference_epoch(net, loss, X, y, N if batch_size == "full" else batch_size)
    history = trained(net, loss, X, y, batch_size)
    assert_close(history.loss[0], value, 1e-12, scale=1)
    assert_close(net.get_parameters(), parameters, 1e-12)


@pytest.mark.parametrize("batch_size", [4, 128, "full"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_bits_do_not_depend_on_the_threads(isa, loss, dtype, batch_size):
    X, y = uniform(3, (15 * N, 3)), np.tile(holes(loss, 3), (15, 1))
    nets = [network(loss, 3, dtype) for _ in range(3)]
    for threads, net in enumerate(nets, start=1):
        trained(net, loss, X, y, batch_size, n_threads=threads, epochs=2, shuffle=True)
    for net in nets[1:]:
        assert_same_bits(net.get_parameters(), nets[0].get_parameters())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_rows_without_a_target_are_as_if_they_were_not_there(isa, loss, dtype, weighted):
    X, y = uniform(3, (N, 3)), holes(loss, 4)
    y[~np.isnan(y).all(axis=1)] = targets(loss, 5, N, 4)[~np.isnan(y).all(axis=1)]
    y = np.abs(y)
    there, weight = ~np.isnan(y[:, 0]), uniform(6, N, 0.1, 2.0) if weighted else None
    ours, theirs = network(loss, 4, dtype), network(loss, 4, dtype)
    one = trained(ours, loss, X, y, "full", sample_weight=weight, epochs=3, l2=0.1)
    weight = weight[there] if weighted else None
    other = trained(theirs, loss, X[there], y[there], "full", sample_weight=weight, epochs=3, l2=0.1)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    assert_close(one.loss, np.array(other.loss), tolerance)
    assert_close(ours.get_parameters(), theirs.get_parameters(), tolerance)


@pytest.mark.parametrize("optimizer", [bp.LevenbergMarquardt(), bp.LBFGS()], ids=lambda method: type(method).__name__)
def test_methods_of_all_rows_do_without_them_too(optimizer):
    pytest.importorskip("scipy")
    X, y = uniform(3, (N, 3)), holes("mse", 2)
    y[0], there = np.nan, ~np.isnan(y[:, 0])
    ours, theirs = network("mse", 1), network("mse", 1)
    one = trained(ours, "mse", X, y[:, 0], "full", optimizer=optimizer, epochs=3)
    other = trained(theirs, "mse", X[there], y[there, 0], "full", optimizer=optimizer, epochs=3)
    assert_close(one.loss, np.array(other.loss), 1e-9)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-7)


def test_missing_classes():
    classes = np.array([0, 2, np.nan, 1, np.nan, 2.0])
    rows = np.where(np.isnan(classes)[:, None], np.nan, np.eye(3)[np.nan_to_num(classes).astype(int)])
    X = uniform(3, (6, 3))
    ours, theirs = network("cross_entropy", 3), network("cross_entropy", 3)
    assert trained(ours, "auto", X, classes, 2).loss == trained(theirs, "auto", X, rows, 2).loss
    assert_same_bits(ours.get_parameters(), theirs.get_parameters())


def test_without_a_missing_target_nothing_changes():
    X, y = uniform(3, (N, 3)), targets("mse", 1, N, 2)
    ours, theirs = network("mse", 2), network("mse", 2)
    one, other = trained(ours, "mse", X, y, 4), trained(theirs, "mse", X, y, 4, missing_targets="error")
    assert one.loss == other.loss
    assert_same_bits(ours.get_parameters(), theirs.get_parameters())


def test_step_is_an_epoch_of_one_batch():
    X, y = uniform(3, (N, 3)), holes("mse", 2)
    by_fit, by_step = network("mse", 2), network("mse", 2)
    trainer = bp.Trainer(by_step, loss="mse", optimizer=bp.SGD(learning_rate=RATE))
    for _ in range(2):
        loss = trainer.step(X, y, missing_targets="ignore")
    assert loss == trained(by_fit, "mse", X, y, "full", epochs=2).loss[-1]
    assert_same_bits(by_step.get_parameters(), by_fit.get_parameters())
    refused(lambda: trainer.step(X, y), "nan", "missing_targets='ignore'")


def test_validation_data_may_lack_targets():
    X, y = uniform(3, (N, 3)), targets("mse", 1, N, 2)
    judges = uniform(4, (N, 3)), holes("mse", 2)
    net = network("mse", 2)
    history = trained(net, "mse", X, y, 4, validation_data=judges)
    squares = (judges[1] - net.predict(judges[0])) ** 2
    assert_close(history.validation_loss[0], np.nanmean(squares), 1e-12)


@pytest.mark.parametrize("method", ["fit", "step"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_the_error_offers_the_option(method, loss):
    trainer = bp.Trainer(network(loss, 3), loss=loss)
    options = {"epochs": 1} if method == "fit" else {}
    y = targets(loss, 1, N, 3)
    y[3, 0] = np.nan
    refused(
        lambda: getattr(trainer, method)(uniform(3, (N, 3)), y, **options),
        r"y\[3, 0\] is nan; expected finite numbers, or missing_targets='ignore'",
    )
    if loss == "cross_entropy":
        classes = np.r_[np.nan, np.ones(N - 1)]
        refused(lambda: getattr(trainer, method)(uniform(3, (N, 3)), classes, **options), r"y\[0\].*missing_targets")


def test_what_has_no_such_option_does_not_offer_it():
    with pytest.raises(ValueError, match=r"y\[3, 0\] is nan; expected finite numbers$"):
        network("mse", 3).loss(np.ones((N, 3)), np.where(np.arange(N)[:, None] == 3, np.nan, np.ones((N, 3))))


@pytest.mark.parametrize("method", ["fit", "step"])
@pytest.mark.parametrize(
    ("loss", "place", "value", "words"),
    [
        ("mse", (5, 1), math.inf, r"y\[5, 1\] is inf"),
        ("mse", (5, 1), -math.inf, r"y\[5, 1\] is -inf"),
        ("binary_cross_entropy", (5, 1), 1.5, r"y\[5, 1\] is 1.5; .* from 0 to 1"),
        ("cross_entropy", (5, 1), np.nan, r"y\[5\] is nan in part; a row of probabilities"),
        ("mse", slice(None), np.nan, "every row: all targets are missing"),
    ],
)
def test_what_is_refused_all_the_same(method, loss, place, value, words):
    y = targets(loss, 1, N, 3)
    y[0] = np.nan
    y[place] = value
    net = network(loss, 3)
    before = net.get_parameters()
    options = {"epochs": 1} if method == "fit" else {}
    trainer = bp.Trainer(net, loss=loss)
    call = getattr(trainer, method)
    refused(lambda: call(uniform(3, (N, 3)), y, missing_targets="ignore", **options), words)
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize(("choice", "error"), [("drop", ValueError), (None, TypeError), (True, TypeError)])
def test_another_choice(choice, error):
    trainer = bp.Trainer(network("mse", 2))
    data = uniform(3, (N, 3)), targets("mse", 1, N, 2)
    refused(lambda: trainer.fit(*data, epochs=1, missing_targets=choice), "missing_targets", error=error)
    trainer.step(*data)
    refused(lambda: trainer.step(*data, missing_targets=choice), "missing_targets", error=error)


def test_all_weights_on_missing_targets():
    y = np.r_[np.nan, np.ones(N - 1)]
    trainer = bp.Trainer(network("mse", 1))
    weight = np.r_[1.0, np.zeros(N - 1)]
    refused(
        lambda: trainer.fit(uniform(3, (N, 3)), y, epochs=1, sample_weight=weight, missing_targets="ignore"),
        "sample_weight is 0 for every row with a target",
    )
