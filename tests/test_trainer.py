"""fit and step: batches, epochs, continuation, weights, penalties, seeds. (How a fit ends: test_stopping.py.)"""

import numpy as np
import pytest

import bp_core as bp
import oracle
from support import (
    BATCHES,
    DTYPES,
    TOLERANCE,
    assert_close,
    assert_same_bits,
    make_network,
    oracle_gradients,
    reference,
    targets,
    uniform,
)

pytestmark = pytest.mark.usefixtures("isa")

OPTIMISERS = ("sgd", bp.SGD(momentum=0.9, nesterov=True), "rmsprop", "adagrad", "adam", "adamw")


def network(dtype="float32", **options):
    return make_network((4, 9, 6, 3), **{"hidden": "tanh", "output": "sigmoid", "dtype": dtype, **options})


def data(n=50, dtype="float32"):
    return uniform(1, (n, 4)).astype(dtype), uniform(2, (n, 3), 0.0, 1.0).astype(dtype)


def fitted(epochs, *, n=50, dtype="float32", fit_options=None, **options):
    """Parameters and histories after fits of these many epochs, one after the other."""
    net = network(dtype)
    trainer = bp.Trainer(net, **{"optimizer": "adam", "batch_size": 8, "seed": 3, **options})
    histories = [trainer.fit(*data(n, dtype), epochs=count, **(fit_options or {})) for count in epochs]
    return net.get_parameters(), histories


@pytest.mark.parametrize("batch_size", [1, 8, 50, "full"])
@pytest.mark.parametrize("optimizer", OPTIMISERS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_fit_continues(optimizer, dtype, batch_size):
    whole, [of_five] = fitted([5], dtype=dtype, optimizer=optimizer, batch_size=batch_size)
    parts, [of_two, of_three] = fitted([2, 3], dtype=dtype, optimizer=optimizer, batch_size=batch_size)
    assert_same_bits(parts, whole)
    assert list(of_two.loss)[:2] == list(of_five.loss)[:2]
    assert list(of_three.loss)[-3:] == list(of_five.loss)[-3:]
    assert of_three.index[-1] == of_five.index[-1]


@pytest.mark.parametrize("callbacks", [(), (lambda epoch: None,)], ids=["without", "with"])
def test_stopping_to_look_changes_no_bits(callbacks):
    """Callbacks, validation and a limit that never acts make fit return between epochs: same bits."""
    X, y = data()
    plain, _ = fitted([6])
    looked, [history] = fitted(
        [6],
        fit_options={"callbacks": callbacks, "validation_data": (X[:5], y[:5]), "target_loss": 0.0, "max_seconds": 1e6},
    )
    assert_same_bits(looked, plain)
    assert len(history.validation_loss) == 6


@pytest.mark.parametrize("batch_size", [1, 7, 8, 50])
@pytest.mark.parametrize("optimizer", OPTIMISERS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_epoch_in_order_is_step_over_slices(optimizer, dtype, batch_size):
    X, y = data(50, dtype)
    penalties = {"l2": 0.01, "l1": 0.001, "clip_norm": 0.5}
    by_fit, by_step = network(dtype), network(dtype)
    bp.Trainer(by_fit, optimizer=optimizer, batch_size=batch_size, shuffle=False, **penalties).fit(X, y, epochs=2)
    trainer = bp.Trainer(by_step, optimizer=optimizer, **penalties)
    for _ in range(2):
        for start in range(0, 50, batch_size):
            trainer.step(X[start : start + batch_size], y[start : start + batch_size])
    assert_same_bits(by_step.get_parameters(), by_fit.get_parameters())


@pytest.mark.parametrize("n", BATCHES)
def test_fit_and_step_take_the_loss_and_the_way_of_gradients(n):
    X, y = data(n, "float64")
    net = network("float64")
    before, value, gradients = net.get_parameters(), net.loss(X, y), net.gradients(X, y)
    loss = bp.Trainer(net, optimizer=bp.SGD(learning_rate=0.5)).step(X, y)
    assert isinstance(loss, float)
    assert_close(loss, value, 1e-12)
    moved = [(W + 0.5 * g) for W, g in zip(net.weights, gradients.weights, strict=True)]
    start = 0
    for W, b in zip(moved, net.biases, strict=True):
        assert_close(W.ravel(), before[start : start + W.size], 1e-12)
        start += W.size + b.size


def test_every_row_of_an_epoch_is_used_once():
    """With one linear weight and a tiny rate the loss of an epoch is the mean over all rows in any order."""
    X = np.arange(1.0, 54.0)[:, None]
    net = bp.Network.from_arrays([np.ones((1, 1))], [np.zeros(1)], hidden=(), output="identity")
    trainer = bp.Trainer(net, loss="mse", optimizer=bp.SGD(learning_rate=1e-30), batch_size=8, seed=1)
    history = trainer.fit(X, 0 * X, epochs=4)
    for loss in history.loss:
        assert_close(loss, (X * X).mean(), 1e-12)


def test_a_shuffled_epoch_takes_another_order_each_time():
    X, y = data()
    orders = []
    for options in ({"shuffle": False}, {"seed": 1}, {"seed": 2}):
        net = network()
        trainer = bp.Trainer(net, batch_size=5, **options)
        orders.append(trainer.fit(X, y, epochs=1).loss[0])
    assert len(set(orders)) == 3


@pytest.mark.parametrize("batch_size", [1000, 51, "full"])
def test_a_batch_size_above_the_rows_means_full(batch_size):
    expected, _ = fitted([3], batch_size=50, shuffle=False)
    actual, _ = fitted([3], batch_size=batch_size, shuffle=True)
    assert_same_bits(actual, expected)


def test_a_short_last_batch_is_divided_by_its_own_rows():
    X, y = data(10, "float64")
    net = network("float64")
    weights, biases, hidden, output = reference(net)
    history = bp.Trainer(net, optimizer=bp.SGD(learning_rate=0.5), batch_size=4, shuffle=False).fit(X, y, epochs=1)
    total = 0
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        batch = X[rows].astype(np.longdouble)
        loss = oracle.step(weights, biases, hidden, output, batch, y[rows], "half_squared_error", oracle.SGD(0.5))
        total += loss * len(batch)
    assert_close(history.loss[0], total / 10, 1e-12)
    for actual, expected in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        assert_close(actual, expected, 1e-12)


# ---- seeds ----


def test_a_seed_repeats_a_training():
    assert_same_bits(fitted([4])[0], fitted([4])[0])


def test_another_seed_is_another_training():
    assert fitted([4])[0].tobytes() != fitted([4], seed=4)[0].tobytes()


def test_the_order_of_the_rows_does_not_depend_on_the_network():
    """Network and Trainer draw from streams of their own, also with one seed for both."""
    results = []
    for network_seed in (3, 77):
        net = bp.Network((4, 9, 3), hidden="tanh", seed=network_seed)
        net.set_parameters(uniform(5, net.n_parameters).astype("float32"))
        bp.Trainer(net, batch_size=8, seed=3).fit(*data(), epochs=2)
        results.append(net.get_parameters())
    assert_same_bits(results[0], results[1])


def test_other_work_between_does_not_disturb_the_stream():
    expected, _ = fitted([4])
    net = network()
    trainer = bp.Trainer(net, optimizer="adam", batch_size=8, seed=3)
    trainer.fit(*data(), epochs=2)
    bp.Network((4, 4), seed=3)
    np.random.default_rng(3).random(100)
    net.predict(data()[0])
    net.gradients(*data())
    trainer.fit(*data(), epochs=2)
    assert_same_bits(net.get_parameters(), expected)


# ---- sample weights ----


def test_a_weight_is_as_many_rows():
    X, y = data(6, "float64")
    weight = np.array([2, 1, 3, 1, 1, 2])
    repeated = np.repeat(np.arange(6), weight)
    net = network("float64")
    assert_close(net.loss(X, y, sample_weight=weight), np.longdouble(net.loss(X[repeated], y[repeated])), 1e-12)
    net_repeated = network("float64")
    bp.Trainer(net, optimizer=bp.SGD(0.5), batch_size="full").fit(X, y, epochs=3, sample_weight=weight)
    bp.Trainer(net_repeated, optimizer=bp.SGD(0.5), batch_size="full").fit(X[repeated], y[repeated], epochs=3)
    assert_close(net.get_parameters(), net_repeated.get_parameters(), 1e-12)


@pytest.mark.parametrize("batch_size", [1, 4, "full"])
def test_weights_are_divided_by_their_mean_over_the_call(batch_size):
    X, y = data(10, "float64")
    weight = uniform(3, 10, 0.1, 3.0)
    net = network("float64")
    weights, biases, hidden, output = reference(net)
    trainer = bp.Trainer(net, optimizer=bp.SGD(0.5), batch_size=batch_size, shuffle=False)
    history = trainer.fit(X, y, epochs=1, sample_weight=weight)
    size = 10 if batch_size == "full" else batch_size
    total = 0
    for start in range(0, 10, size):
        rows = slice(start, start + size)
        g = oracle_weighted(weights, biases, hidden, output, X[rows], y[rows], (weight / weight.mean())[rows])
        total += g.loss * len(X[rows])
        oracle.SGD(0.5).update([*weights, *biases], [*g.weights, *g.biases])
    assert_close(history.loss[0], total / 10, 1e-12)
    for actual, expected in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        assert_close(actual, expected, 1e-12)


def oracle_weighted(weights, biases, hidden, output, X, y, w):
    """The oracle divides weights by the mean of its own rows: multiply by the mean to undo that."""
    options = {"sample_weight": w}
    g = oracle.gradients(weights, biases, hidden, output, X.astype(np.longdouble), y, "half_squared_error", **options)
    factor = w.astype(np.longdouble).mean()
    return oracle.Gradients(factor * g.loss, [factor * W for W in g.weights], [factor * b for b in g.biases], [], None)


def test_only_the_ratio_of_weights_counts():
    weight = uniform(3, 50, 0.1, 3.0)
    results = [fitted([3], fit_options={"sample_weight": factor * weight})[0] for factor in (1, 4, 0.25)]
    assert_same_bits(results[1], results[0])
    assert_same_bits(results[2], results[0])
    assert results[0].tobytes() != fitted([3])[0].tobytes()


def test_a_row_of_weight_zero_teaches_nothing():
    X, y = data(10, "float64")
    weight = np.array([1.0] * 9 + [0.0])
    net, other = network("float64"), network("float64")
    bp.Trainer(net).step(X, y, sample_weight=weight)
    y[9] = 1e6
    bp.Trainer(other).step(X, y, sample_weight=weight)
    assert_same_bits(other.get_parameters(), net.get_parameters())


def test_step_divides_by_the_mean_of_its_rows():
    X, y = data(6, "float64")
    weight = uniform(3, 6, 0.1, 3.0)
    net = network("float64")
    expected = oracle_gradients(net, X, y, "half_squared_error", sample_weight=weight).loss
    assert_close(bp.Trainer(net).step(X, y, sample_weight=weight), expected, 1e-12)


# ---- penalties ----


def test_the_loss_of_training_contains_the_penalties():
    X, y = data(20, "float64")
    net = network("float64")
    expected = net.loss(X, y) + oracle.penalty(reference(net)[0], l1=0.03, l2=0.07)
    unpenalised = net.loss(X, y)
    trainer = bp.Trainer(net, l1=0.03, l2=0.07, batch_size="full", optimizer=bp.SGD(learning_rate=1e-3))
    history = trainer.fit(X, y, epochs=1, validation_data=(X, y))
    assert_close(history.loss[0], expected, 1e-12)
    assert_close(history.validation_loss[0], np.longdouble(net.loss(X, y)), 1e-12)
    assert expected > unpenalised + 0.1
    step = bp.Trainer(network("float64"), l1=0.03, l2=0.07).step(X, y)
    assert_close(step, expected, 1e-12)


def test_penalties_leave_biases_alone():
    net = bp.Network.from_arrays([np.full((2, 2), 0.5)], [np.full(2, 0.5)], hidden=(), output="identity")
    trainer = bp.Trainer(net, l2=0.1, l1=0.1, optimizer=bp.SGD(learning_rate=1.0))
    trainer.step(np.zeros((3, 2)), np.full((3, 2), 0.5))
    assert_same_bits(net.biases[0], np.full(2, 0.5))
    assert_close(net.weights[0], np.full((2, 2), np.longdouble(0.5) - 0.05 - 0.1), 1e-14)


# ---- what a trainer holds ----


def test_the_names_of_a_trainer():
    net = network()
    trainer = bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.5), loss="mse")
    assert trainer.network is net
    assert trainer.optimizer == bp.Adam(learning_rate=0.5)
    history = trainer.fit(*data(), epochs=2)
    assert trainer.history.stop_reason == history.stop_reason == "epochs"
    assert list(trainer.history.loss)[-2:] == list(history.loss)[-2:]


def test_the_lists_of_a_history():
    X, y = data()
    trainer = bp.Trainer(network(), optimizer=bp.SGD(learning_rate=0.125), seed=1)
    history = trainer.fit(X, y, epochs=4, validation_data=(X[:9], y[:9]))
    lists = (history.index, history.loss, history.validation_loss, history.learning_rate, history.seconds)
    assert [len(values) for values in lists] == [4] * 5
    assert np.diff(history.index).tolist() == [1, 1, 1]
    assert list(history.learning_rate) == [0.125] * 4
    assert min(history.seconds) >= 0
    assert history.stop_reason == "epochs"
    assert_close(history.validation_loss[-1], np.longdouble(trainer.network.loss(X[:9], y[:9])), 1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), oracle.PAIRS)
def test_one_step_with_every_loss_and_output(loss, output, dtype, weighted):
    """The loss and the update, in step and in fit; the training passes are not those of Network.gradients."""
    X = uniform(1, (20, 4)).astype(dtype)
    y = targets(loss, 2, 20, 3).astype(dtype)
    sample_weight = uniform(3, 20, 0.1, 2.0) if weighted else None
    for train in ("step", "fit"):
        net = network(dtype, output=output)
        weights, biases, *_ = reference(net)
        expected = oracle_gradients(net, X, y, loss, sample_weight=sample_weight)
        trainer = bp.Trainer(net, loss=loss, optimizer=bp.SGD(learning_rate=0.5), batch_size="full")
        if train == "step":
            value = trainer.step(X, y, sample_weight=sample_weight)
        else:
            value = trainer.fit(X, y, epochs=1, sample_weight=sample_weight).loss[0]
        assert_close(value, expected.loss, TOLERANCE[dtype])
        grads = [*expected.weights, *expected.biases]
        for actual, before, grad in zip([*net.weights, *net.biases], [*weights, *biases], grads, strict=True):
            assert_close(actual, before - 0.5 * grad, TOLERANCE[dtype])


def test_training_with_another_threshold():
    X, y = data(20, "float64")
    net = network("float64")
    expected = oracle_gradients(net, X, y, "huber", threshold=0.25).loss
    assert_close(bp.Trainer(net, loss=bp.Huber(threshold=0.25)).step(X, y), expected, 1e-12)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_class_indices_train_as_their_rows(kind):
    X = data()[0]
    classes = np.arange(50) * 7 % 3
    results = []
    for y in (classes.astype(kind), np.eye(3)[classes]):
        net = network("float64", output="softmax")
        bp.Trainer(net, optimizer="adam", batch_size=8, seed=1).fit(X, y, epochs=3)
        results.append(net.get_parameters())
    assert_close(results[0], results[1], 1e-10)


def test_the_articles_network_learns():
    """Repeat until the desired result: AND, with shared biases."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 0, 0, 1])
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=1)
    history = bp.Trainer(net, optimizer=bp.SGD(learning_rate=5.0), batch_size="full").fit(X, y, epochs=5000)
    assert (np.abs(net.predict(X)[:, 0] - y) < 0.1).all()
    assert history.loss[-1] < history.loss[0] / 10


def test_progress_changes_nothing(capsys):
    pytest.importorskip("tqdm", reason="the progress bar needs tqdm")
    expected, _ = fitted([4])
    capsys.readouterr()
    actual, _ = fitted([4], fit_options={"progress": True})
    assert_same_bits(actual, expected)
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize("targets_shape", [(50,), (50, 1)])
def test_one_output_takes_flat_targets(targets_shape):
    net = make_network((4, 5, 1), hidden="tanh")
    bp.Trainer(net, seed=1).fit(data()[0], targets("mse", 3, 50, 1).reshape(targets_shape), epochs=2)
    reference_net = make_network((4, 5, 1), hidden="tanh")
    bp.Trainer(reference_net, seed=1).fit(data()[0], targets("mse", 3, 50, 1), epochs=2)
    assert_same_bits(net.get_parameters(), reference_net.get_parameters())


def test_a_trainer_names_what_it_does():
    net = bp.Network((2, 1), seed=0)
    text = repr(bp.Trainer(net, schedule=bp.schedules.StepDecay(every=10)))
    assert "half_squared_error, SGD(" in text
    assert text.endswith("), StepDecay(every=10, factor=0.1), batch_size 32>")
    assert repr(bp.Trainer(net, optimizer="levenberg_marquardt")).endswith("), all rows>")
