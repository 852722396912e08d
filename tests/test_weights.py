"""Weights of rows and of classes."""

import numpy as np
import pytest

import bp_core as bp
from support import assert_close, assert_same_bits, make_network, refused, targets, uniform

N = 40
X = uniform(3, (N, 3))
CLASSES = np.repeat([0, 1, 1, 2, 0, 1, 1, 1], 5)


def classifier():
    return make_network((3, 5, 3), hidden="tanh", output="softmax", dtype="float64")


def detector():
    return make_network((3, 5, 1), hidden="tanh", output="sigmoid", dtype="float64")


def after(net, y, loss="auto", **options):
    """The parameters after two epochs of batches."""
    bp.Trainer(net, loss=loss, optimizer="adam", batch_size=7, seed=1).fit(X, y, epochs=2, **options)
    return net.get_parameters()


def rows_of(classes):
    return np.eye(3)[classes]


@pytest.mark.parametrize(
    ("class_weight", "by_class"),
    [
        ({0: 2.0, 2: 5}, [2.0, 1.0, 5.0]),
        ({np.int64(1): 0}, [1.0, 0.0, 1.0]),
        ([0.5, 1.0, 4.0], [0.5, 1.0, 4.0]),
        (np.array([3, 1, 2]), [3.0, 1.0, 2.0]),
        ("balanced", [N / (3 * 10), N / (3 * 25), N / (3 * 5)]),
    ],
)
@pytest.mark.parametrize("form", [np.asarray, np.float64, rows_of])
def test_a_class_weight_is_a_weight_of_rows(class_weight, by_class, form):
    expected = after(classifier(), CLASSES, sample_weight=np.array(by_class)[CLASSES])
    assert_close(after(classifier(), form(CLASSES), class_weight=class_weight), expected, 1e-13)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mse"])
@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_one_unit_has_two_classes(loss, shape):
    y = (CLASSES == 2).astype(float).reshape(shape)
    expected = after(detector(), y, loss, sample_weight=np.where(CLASSES == 2, 7.0, 1.0))
    assert_close(after(detector(), y, loss, class_weight={1: 7}), expected, 1e-13)
    assert_close(after(detector(), y, loss, class_weight="balanced"), expected, 1e-13)


def test_both_weights_are_multiplied():
    weight = uniform(4, N, 0.1, 2.0)
    expected = after(classifier(), CLASSES, sample_weight=weight * np.array([1.0, 2.0, 3.0])[CLASSES])
    actual = after(classifier(), CLASSES, sample_weight=weight, class_weight=[1, 2, 3])
    assert_close(actual, expected, 1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_balanced_is_that_of_scikit_learn(weighted):
    compute = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight
    classes, weight = np.where(CLASSES == 1, 2, CLASSES), uniform(4, N, 0.1, 2.0) if weighted else None
    found = compute("balanced", classes=np.array([0, 2]), y=classes, sample_weight=weight)
    rows = np.where(classes == 0, *found) * (1 if weight is None else weight)
    expected = after(classifier(), classes, sample_weight=rows)
    assert_close(after(classifier(), classes, class_weight="balanced", sample_weight=weight), expected, 1e-13)


def test_a_missing_class_is_not_counted():
    y = np.where(np.arange(N) % 4 == 0, np.nan, CLASSES)
    counts = np.bincount(CLASSES[~np.isnan(y)])
    weight = (30 / (3 * counts))[CLASSES]
    expected = after(classifier(), y, sample_weight=weight, missing_targets="ignore")
    actual = after(classifier(), y, class_weight="balanced", missing_targets="ignore")
    assert_close(actual, expected, 1e-13)


def test_step_takes_class_weights():
    ours, theirs = classifier(), classifier()
    one, other = bp.Trainer(ours), bp.Trainer(theirs)
    for _ in range(2):  # the second step could go the short way
        one.step(X, CLASSES, class_weight=[1, 2, 3])
        other.step(X, CLASSES, sample_weight=CLASSES + 1.0)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-13)


def test_weights_of_any_size():
    huge, expected = after(classifier(), CLASSES, class_weight=[1e308, 1e308, 1e-308]), [1.0, 1.0, 0.0]
    assert_close(huge, after(classifier(), CLASSES, class_weight=expected), 1e-13)


@pytest.mark.parametrize(
    ("class_weight", "words", "error"),
    [
        ({3: 1.0}, "class_weight names class 3; this network has classes 0 to 2", ValueError),
        ({-1: 1.0}, "class -1", ValueError),
        ({"cat": 1.0}, "class 'cat'; .* classes 0 to 2", ValueError),
        ({1: -2.0}, r"class_weight\[1\] is -2.0; expected a weight from 0 up", ValueError),
        ({1: np.nan}, r"class_weight\[1\] is nan", ValueError),
        ({1: "big"}, r"class_weight\[1\] is 'big'", ValueError),
        ([1, 2], r"shape \(2,\); expected \(3,\)", ValueError),
        ([1, -2, 3], r"class_weight\[1\] is -2", ValueError),
        ([0, 0, 0], "sample_weight times class_weight is 0 for every row", ValueError),
        ("balance", "'balance'; expected 'balanced', a dict", ValueError),
        (7, r"shape \(\)", ValueError),
        ([1, 2, "x"], "dtype", TypeError),
    ],
)
def test_bad_class_weights(class_weight, words, error):
    trainer = bp.Trainer(classifier())
    refused(lambda: trainer.fit(X, CLASSES, epochs=1, class_weight=class_weight), words, error=error)
    refused(lambda: trainer.step(X, CLASSES, class_weight=class_weight), words, error=error)


@pytest.mark.parametrize(
    ("net", "y", "words"),
    [
        (classifier(), targets("cross_entropy", 1, N, 3), r"class indices, or rows with a single 1; y\[0\] is \[0"),
        (detector(), uniform(1, N, 0.0, 1.0), r"targets 0 and 1; y\[0\] is \[0"),
        (make_network((3, 5, 2), output="sigmoid"), np.zeros((N, 2)), "this one has 2 with sigmoid"),
        (make_network((3, 5, 1)), np.zeros(N), "softmax, or one unit with sigmoid; this one has 1 with identity"),
    ],
)
def test_targets_that_are_no_classes(net, y, words):
    before = net.get_parameters()
    refused(lambda: bp.Trainer(net).fit(X, y, epochs=1, class_weight="balanced"), words)
    assert_same_bits(net.get_parameters(), before)
