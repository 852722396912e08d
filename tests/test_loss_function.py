"""A loss that is a Python function of a batch's outputs and targets."""

import numpy as np
import pytest

import bp_core as bp
from support import (
    DTYPES,
    TOLERANCE,
    assert_close,
    assert_same_bits,
    csr_of,
    make_network,
    refused,
    some_rows,
    targets,
    uniform,
)

N = 50
X, Y = uniform(1, (N, 4)), uniform(2, (N, 3))
CLASSES = np.arange(N) % 3


def network(output="identity", dtype="float64", n_out=3):
    return make_network((4, 9, n_out), hidden="tanh", output=output, dtype=dtype)


def squares(outputs, wanted):
    """The mean square of each row, and its derivatives."""
    r = outputs - wanted
    return (r * r).mean(axis=1), 2 * r / r.shape[1]


def surprise(outputs, classes):
    """-log of the probability of the row's class."""
    rows = np.arange(len(classes))
    derivatives = np.zeros_like(outputs)
    derivatives[rows, classes] = -1 / outputs[rows, classes]
    return -np.log(outputs[rows, classes]), derivatives


def trainer_of(net, loss, **options):
    return bp.Trainer(net, loss=loss, **{"optimizer": "adam", "batch_size": 8, "seed": 1, **options})


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "options",
    [{}, {"l2": 0.01, "l1": 0.001}, {"clip_norm": 0.1}, {"optimizer": bp.SGD(learning_rate=0.05, momentum=0.9)},
     {"batch_size": "full"}, {"shuffle": False}, {"max_norm": 0.5}, {"schedule": bp.schedules.Exponential(factor=0.9)}],
)  # fmt: skip
@pytest.mark.parametrize("output", ["identity", "sigmoid"])
def test_squares_as_the_library_has_them(isa, output, options, threads):
    ours, theirs = network(output), network(output)
    options = {"n_threads": threads, **options}
    history = trainer_of(ours, squares, **options).fit(X, Y, epochs=8, validation_data=(X[:20], Y[:20]))
    expected = trainer_of(theirs, "mse", **options).fit(X, Y, epochs=8, validation_data=(X[:20], Y[:20]))
    assert_close(history.loss, np.array(expected.loss), 1e-12)
    assert_close(history.validation_loss, np.array(expected.validation_loss), 1e-12)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-12)
    assert history.learning_rate == expected.learning_rate


@pytest.mark.parametrize("dtype", DTYPES)
def test_fifty_steps(isa, dtype):
    ours, theirs = network(dtype=dtype), network(dtype=dtype)
    one, other = trainer_of(ours, squares), trainer_of(theirs, "mse")
    for _ in range(50):
        assert_close(one.step(X, Y), np.array(other.step(X, Y)), TOLERANCE[dtype])
    assert_close(ours.get_parameters(), theirs.get_parameters(), TOLERANCE[dtype])


def test_the_derivative_of_softmax_is_the_engines(isa):
    ours, theirs = network("softmax"), network("softmax")
    history = trainer_of(ours, surprise).fit(X, CLASSES, epochs=8)
    expected = trainer_of(theirs, "cross_entropy").fit(X, CLASSES, epochs=8)
    assert_close(history.loss, np.array(expected.loss), 1e-12)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-11)


def test_weights_are_honoured(isa):
    weight = uniform(4, N, 0.0, 2.0)
    ours, theirs = network(), network()
    judges = X[:20], Y[:20], weight[:20]
    history = trainer_of(ours, squares).fit(X, Y, epochs=8, sample_weight=weight, validation_data=judges)
    expected = trainer_of(theirs, "mse").fit(X, Y, epochs=8, sample_weight=weight, validation_data=judges)
    assert_close(history.loss, np.array(expected.loss), 1e-12)
    assert_close(history.validation_loss, np.array(expected.validation_loss), 1e-12)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-12)


def test_sparse_rows(isa):
    rows = csr_of(some_rows(N, 4))
    ours, theirs = network(), network()
    history = trainer_of(ours, squares).fit(rows, Y, epochs=4, validation_data=(rows, Y))
    expected = trainer_of(theirs, "mse").fit(rows, Y, epochs=4, validation_data=(rows, Y))
    assert_close(history.validation_loss, np.array(expected.validation_loss), 1e-12)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-12)
    row = int(np.searchsorted(rows.indptr, 7, side="right")) - 1
    rows.data[7] = np.nan
    refused(lambda: trainer_of(ours, squares).fit(rows, Y, epochs=1), rf"X\[{row}, \d\] is nan")


def test_every_way_to_train():
    slices = [(X[start : start + 8], Y[start : start + 8]) for start in range(0, N, 8)]
    by_fit, by_batches, by_part = network(), network(), network()
    trainer_of(by_fit, squares, shuffle=False).fit(X, Y, epochs=2)
    trainer_of(by_batches, squares).fit_batches(slices, epochs=2)
    trainer = trainer_of(by_part, squares, shuffle=False)
    for _ in range(2):
        trainer.partial_fit(X, Y)
    assert_same_bits(by_batches.get_parameters(), by_fit.get_parameters())
    assert_same_bits(by_part.get_parameters(), by_fit.get_parameters())


def test_it_continues_as_any_fit():
    once, twice = network(), network()
    trainer_of(once, squares).fit(X, Y, epochs=5)
    trainer = trainer_of(twice, squares)
    trainer.fit(X, Y, epochs=2)
    assert trainer.fit(X, Y, epochs=3).index == [2, 3, 4]
    assert_same_bits(twice.get_parameters(), once.get_parameters())


@pytest.mark.parametrize(
    ("y", "n_out", "shape"),
    [
        (Y, 3, (8, 3)),
        (Y[:, 0], 1, (8, 1)),
        (CLASSES, 3, (8,)),
        (Y[:, :2], 3, (8, 2)),
        (np.ones((N, 2, 2)), 3, (8, 2, 2)),
    ],
)
def test_targets_reach_the_function_in_their_own_shape(y, n_out, shape):
    seen = []

    def look(outputs, wanted):
        seen.append((outputs.shape, outputs.dtype, wanted.shape, wanted.dtype))
        return np.zeros(len(outputs)), np.zeros(outputs.shape)

    trainer_of(network(dtype="float32", n_out=n_out), look, batch_size=8).step(X[:8], y[:8])
    assert seen == [((8, n_out), np.float32, shape, y.dtype)]


def test_a_trainer_shows_its_function():
    trainer = trainer_of(network(), squares)
    assert trainer.loss is squares


# ---- what goes wrong ----


def returning(losses=None, derivatives=None):
    """A function that returns these, or right ones."""

    def function(outputs, wanted):
        right = squares(outputs, wanted)
        return right[0] if losses is None else losses, right[1] if derivatives is None else derivatives

    return function


@pytest.mark.parametrize("method", ["fit", "step", "partial_fit"])
@pytest.mark.parametrize(
    ("function", "words", "error"),
    [
        (lambda outputs, wanted: 1.0, "the loss function returns float; expected .*losses", TypeError),
        (lambda outputs, wanted: squares(outputs, wanted)[0], "returns ndarray", TypeError),
        (lambda outputs, wanted: None, "returns NoneType", TypeError),
        (returning(losses=1.0), r"losses of shape \(\); expected \(50,\)", ValueError),
        (returning(losses=np.ones((N, 3))), r"losses of shape \(50, 3\); expected \(50,\)", ValueError),
        (returning(derivatives=np.ones(N)), r"derivatives of shape \(50,\); expected \(50, 3\)", ValueError),
        (returning(losses=["a"] * N), "losses of the loss function has dtype", TypeError),
        (lambda outputs: outputs, "positional", TypeError),
    ],
)
def test_what_is_no_loss(function, words, error, method):
    net = network()
    before = net.get_parameters()
    trainer = trainer_of(net, function, batch_size="full")
    options = {"epochs": 2} if method == "fit" else {}
    refused(lambda: getattr(trainer, method)(X, Y, **options), words, error=error)
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("method", ["fit", "step"])
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (returning(losses=np.where(np.arange(N) == 7, np.nan, 1.0)), r"gives losses nan for row 7 of its batch"),
        (returning(losses=np.full(N, np.inf)), "gives losses inf for row 0"),
        (
            returning(derivatives=np.where(np.arange(N)[:, None] == 7, np.nan, np.ones(3))),
            r"derivatives \[nan, .*row 7",
        ),
    ],
)
def test_numbers_that_are_not_finite(function, words, method):
    net = network()
    before = net.get_parameters()
    trainer = trainer_of(net, function, batch_size="full")
    options = {"epochs": 2} if method == "fit" else {}
    with pytest.raises(bp.DivergenceError, match=words):
        getattr(trainer, method)(X, Y, **options)
    assert_same_bits(net.get_parameters(), before)


def test_derivatives_too_large_for_float32():
    with np.errstate(over="ignore"), pytest.raises(bp.DivergenceError, match="derivatives"):
        trainer_of(network(dtype="float32"), returning(derivatives=np.full((N, 3), 1e300))).step(X, Y)


@pytest.mark.parametrize("method", ["fit", "step"])
def test_a_row_of_x_that_is_not_finite(method):
    bad = X.copy()
    bad[31, 2] = np.nan
    net = network()
    before = net.get_parameters()
    options = {"epochs": 2} if method == "fit" else {}
    refused(lambda: getattr(trainer_of(net, squares), method)(bad, Y, **options), r"X\[31, 2\] is nan")
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence():
    net = network()
    trainer = trainer_of(net, squares, optimizer=bp.SGD(learning_rate=1e160))
    with pytest.raises(bp.DivergenceError, match="in epoch 0"):
        trainer.fit(X, Y, epochs=5)
    assert np.isfinite(net.get_parameters()).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dropout": 0.5}, "dropout is 0.5; a loss that is a function sees outputs without dropout"),
        ({"label_smoothing": 0.1}, "not a function"),
        ({"optimizer": "lbfgs"}, "LBFGS takes the losses of this library, not a function"),
        ({"optimizer": "levenberg_marquardt"}, "LevenbergMarquardt takes the losses of this library"),
    ],
)
def test_what_does_not_go_with_a_function(options, words):
    refused(lambda: trainer_of(network(), squares, **options), words)


@pytest.mark.parametrize(
    ("options", "y", "words"),
    [
        ({"class_weight": [1, 2, 3]}, Y, "class_weight is not for a loss that is a function"),
        ({"missing_targets": "ignore"}, Y, "missing_targets='ignore' is not for a loss that is a function"),
        ({}, Y[:-1], r"y has shape \(49, 3\); expected 50 rows"),
        ({}, 3.0, r"y has shape \(\)"),
        ({}, np.where(np.arange(N)[:, None] == 4, np.nan, Y), r"y\[4, 0\] is nan"),
    ],
)
def test_what_fit_refuses(options, y, words):
    refused(lambda: trainer_of(network(), squares).fit(X, y, epochs=1, **options), words)


def test_other_methods_take_no_function():
    refused(lambda: network().loss(X, Y, loss=squares), "loss is <function", error=TypeError)
    with pytest.raises(TypeError, match=r"loss is the class Huber; expected one of its objects, such as bp\.Huber\(\)"):
        bp.Trainer(network(), loss=bp.Huber)
    norms = bp.plot.GradientNorms(X, targets("mse", 1, N, 3))
    refused(lambda: trainer_of(network(), squares).fit(X, Y, epochs=1, callbacks=[norms]), "GradientNorms takes")


def test_a_function_cannot_overwrite_the_targets():
    y = np.ones((4, 1), np.float32)

    def careless(outputs, targets):
        targets[...] = 0
        return (outputs[:, 0] - targets[:, 0]) ** 2, 2 * (outputs - targets)

    trainer = bp.Trainer(bp.Network((2, 1), seed=0), loss=careless)
    with pytest.raises(ValueError, match="read-only"):
        trainer.step(np.ones((4, 2)), y)
    assert (y == 1).all()
