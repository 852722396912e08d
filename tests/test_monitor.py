"""What a fit watches: names, functions, the best epoch, the parameters it gives back."""

import numpy as np
import pytest

import bp_core as bp
from support import assert_close, assert_same_bits, make_network, refused, uniform

MANY = 100_000
X, JUDGES = uniform(1, (40, 4)), uniform(2, (30, 4))
CLASSES = np.arange(40) % 3
NUMBERS, RIGHT = uniform(3, (40, 2)), uniform(4, (30, 2))


def network(output="identity", n_out=2, **options):
    return make_network((4, 9, n_out), hidden="tanh", output=output, **{"dtype": "float64", **options})


def trainer_of(net, **options):
    return bp.Trainer(net, **{"optimizer": bp.Adam(learning_rate=0.05), "batch_size": 8, "seed": 1, **options})


def fitted(net, y, judged, **options):
    return trainer_of(net).fit(X, y, **{"epochs": 20, "validation_data": (JUDGES, *judged), **options})


@pytest.mark.parametrize("weighted", [False, True])
def test_accuracy_is_that_of_scikit_learn(weighted):
    accuracy_score = pytest.importorskip("sklearn.metrics").accuracy_score
    weight = uniform(5, 30, 0.1, 2.0) if weighted else None
    right = np.arange(30) % 3
    for judged in (right, np.eye(3)[right], right.astype(float)):
        net = network("softmax", 3)
        history = fitted(net, CLASSES, [judged] if weight is None else [judged, weight], monitor="accuracy")
        expected = accuracy_score(right, net.predict(JUDGES).argmax(axis=1), sample_weight=weight)
        assert_close(history.monitored[-1], np.array(expected), 1e-12)


@pytest.mark.parametrize("shape", [(30,), (30, 1)])
def test_accuracy_of_yes_and_no(shape):
    net, right = network("sigmoid", 1), np.arange(30) % 2
    history = fitted(net, CLASSES > 0, [right.reshape(shape)], monitor="accuracy")
    assert history.monitored[-1] == ((net.predict(JUDGES)[:, 0] > 0.5) == right).mean()


@pytest.mark.parametrize("weighted", [False, True])
def test_r2_is_that_of_scikit_learn(weighted):
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    weight = uniform(5, 30, 0.1, 2.0) if weighted else None
    net = network()
    history = fitted(net, NUMBERS, [RIGHT] if weight is None else [RIGHT, weight], monitor="r2")
    assert_close(history.monitored[-1], np.array(r2_score(RIGHT, net.predict(JUDGES), sample_weight=weight)), 1e-12)


def test_r2_of_a_target_that_does_not_vary():
    net = bp.Network.from_arrays([np.zeros((4, 2))], [[1.0, 2.0]], hidden=(), output="identity")
    trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=1e-30))
    history = trainer.fit(X, NUMBERS, epochs=1, validation_data=(JUDGES, np.tile([1.0, 3.0], (30, 1))), monitor="r2")
    assert history.monitored == [0.5]  # 1 for the output that is right, 0 for the other


def test_missing_targets_are_not_judged():
    classes = np.where(np.arange(30) % 4 == 0, np.nan, np.arange(30) % 3)
    there = ~np.isnan(classes)
    net = network("softmax", 3)
    history = fitted(net, CLASSES, [classes], monitor="accuracy", missing_targets="ignore")
    assert_close(history.monitored[-1], (net.predict(JUDGES[there]).argmax(axis=1) == classes[there]).mean(), 1e-12)
    holes, net = RIGHT.copy(), network()
    holes[:10, 0] = np.nan
    history = fitted(net, NUMBERS, [holes], monitor="r2", missing_targets="ignore")
    squares = np.nansum((holes - net.predict(JUDGES)) ** 2, axis=0)
    spread = np.nansum((holes - np.nanmean(holes, axis=0)) ** 2, axis=0)
    assert_close(history.monitored[-1], (1 - squares / spread).mean(), 1e-12)


@pytest.mark.parametrize("mode", ["min", "max", None])
def test_a_function_stops_the_fit_and_gives_the_best_back(mode):
    """The parameters' first number goes up and down; the best epoch is the one where it is lowest, or highest."""
    seen, judges = [], (JUDGES.tolist(), RIGHT)

    def first_number(net, X, y):
        assert X is judges[0]
        assert y is judges[1]
        seen.append((float(np.sin(20 * net.weights[0][0, 0])), net.get_parameters()))
        return seen[-1][0]

    net = network()
    history = trainer_of(net).fit(
        X, NUMBERS, epochs=MANY, validation_data=judges, monitor=first_number, mode=mode, patience=7
    )
    values = [value for value, _ in seen]
    best = int(np.argmax(values) if mode == "max" else np.argmin(values))
    assert history.monitored == values
    assert history.stop_reason == "patience"
    assert history.best_epoch == history.index[best]
    assert len(values) == best + 1 + 7
    assert_same_bits(net.get_parameters(), seen[best][1])


def test_min_delta_is_a_gain_upwards_too():
    values = iter([0.5, 0.55, 0.65, 0.7, 0.74, 0.0])
    history = trainer_of(network()).fit(
        X, NUMBERS, epochs=MANY, validation_data=(JUDGES, RIGHT), patience=3, min_delta=0.1, mode="max",
        monitor=lambda net, X, y: next(values),
    )  # fmt: skip
    assert history.monitored == [0.5, 0.55, 0.65, 0.7, 0.74, 0.0]  # 0.65 was the last gain
    assert history.best_epoch == 4


def test_of_equal_values_the_first_is_the_best():
    net, seen = network(), []
    history = trainer_of(net).fit(
        X, NUMBERS, epochs=3, validation_data=(JUDGES, RIGHT), patience=3, mode="max",
        monitor=lambda net, X, y: seen.append(net.get_parameters()) or 0.5,
    )  # fmt: skip
    assert history.best_epoch == 0
    assert_same_bits(net.get_parameters(), seen[0])


def test_a_value_that_is_nan_is_no_gain():
    values = iter([np.nan, 0.5, np.nan, np.nan])
    history = trainer_of(network()).fit(
        X, NUMBERS, epochs=4, validation_data=(JUDGES, RIGHT), patience=3, monitor=lambda net, X, y: next(values)
    )
    assert history.best_epoch == 1


@pytest.mark.parametrize("name", ["loss", "validation_loss"])
def test_a_loss_by_its_name(name):
    ours, theirs = network(), network()
    history = fitted(ours, NUMBERS, [RIGHT], monitor=name, patience=3, epochs=MANY)
    assert history.monitored == getattr(history, name)
    assert history.best_epoch == int(np.argmin(history.monitored))
    if name == "validation_loss":
        fitted(theirs, NUMBERS, [RIGHT], patience=3, epochs=MANY)
        assert_same_bits(ours.get_parameters(), theirs.get_parameters())


def test_without_a_monitor_nothing_is_recorded():
    history = fitted(network(), NUMBERS, [RIGHT], patience=3)
    assert history.monitored == []


def test_callbacks_see_the_value():
    seen = []
    history = fitted(network(), NUMBERS, [RIGHT], monitor="r2", callbacks=[seen.append])
    assert [epoch.monitored for epoch in seen] == history.monitored
    fitted(network(), NUMBERS, [RIGHT], callbacks=[seen.append], epochs=1)
    assert seen[-1].monitored is None


def test_the_bar_shows_the_value(capsys):
    pytest.importorskip("tqdm")
    fitted(network(), NUMBERS, [RIGHT], monitor="r2", progress=True)
    assert "monitored" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words", "error"),
    [
        ({"monitor": "r3"}, "unknown monitor 'r3'; did you mean 'r2'", ValueError),
        ({"monitor": 7}, "monitor is 7; expected loss, .* or a function", TypeError),
        ({"monitor": "r2", "mode": "min"}, "mode is 'min'; the best r2 is its maximum", ValueError),
        ({"mode": "max"}, "mode is 'max'; the best validation_loss is its minimum", ValueError),
        ({"monitor": "r2", "mode": "up"}, "unknown mode 'up'", ValueError),
        ({"monitor": "r2", "validation_data": None}, "monitor r2 needs validation_data", ValueError),
        ({"monitor": "validation_loss", "validation_data": None}, "needs validation_data", ValueError),
        ({"monitor": max, "validation_data": None}, "pass validation_data", ValueError),
        ({"monitor": "accuracy"}, "accuracy is for outputs that are classes: .* has 2 with identity", ValueError),
        ({"monitor": lambda *_: "good"}, "monitor gives 'good'; expected a number", TypeError),
        ({"monitor": lambda *_: [1.0]}, r"monitor gives \[1.0\]", TypeError),
        ({"monitor": lambda *_: True}, "monitor gives True", TypeError),
        ({"monitor": lambda *_: None}, "monitor gives None", TypeError),
    ],
)
def test_what_cannot_be_watched(options, words, error):
    refused(lambda: fitted(network(), NUMBERS, [RIGHT], **options), words, error=error)


def test_r2_of_classes():
    refused(lambda: fitted(network("softmax", 3), CLASSES, [np.arange(30) % 3], monitor="r2"), "use accuracy")
