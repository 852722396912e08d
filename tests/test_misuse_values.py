"""Values that cannot be trained on are named by row and column, and the network stays as it was."""

import math

import numpy as np
import pytest

import bp_core as bp
from support import BAD_TYPE, METHODS, assert_same_bits, make_network, refused, uniform, uses


def network(**options):
    return make_network((4, 6, 3), **{"hidden": "tanh", **options})


def classifier():
    return network(output="softmax")


def data(n=10):
    return uniform(1, (n, 4)), uniform(2, (n, 3))


def place(name, row, column):
    """A message names row and column, in words or as an index."""
    return rf"{name}\[{row}, {column}\]|{name}.*row {row}\b.*column {column}\b"


NOT_NUMBERS = [
    np.array([[object()] * 4] * 10),
    np.array([["1.0"] * 4] * 10),
    np.full((10, 4), 1j),
    np.full((10, 4), "2020-01-01", dtype="datetime64[D]"),
    np.zeros((10, 4), dtype="m8[s]"),
    np.zeros(10, dtype=[("a", "f4"), ("b", "f4")]),
    [[1.0, 2.0], [3.0]],
]


@pytest.mark.parametrize("X", NOT_NUMBERS, ids=lambda X: str(getattr(X, "dtype", "ragged")))
def test_what_is_no_number(X):
    net = network()
    words = [] if isinstance(X, list) else [r"X|x"]
    for call in (lambda: net.predict(X), *uses(net, X, data()[1]).values()):
        refused(call, *words, error=BAD_TYPE)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "y", [np.array([[None] * 3] * 10), np.array([["a"] * 3] * 10), np.full((10, 3), 1j)], ids=["O", "U", "c"]
)
def test_targets_that_are_no_numbers(y, method):
    refused(uses(network(), data()[0], y)[method], "y|dtype|number", error=BAD_TYPE)


def test_names_of_classes_are_told_how_to_become_indices():
    net = network(output="softmax")
    refused(
        lambda: bp.Trainer(net).fit(data()[0], ["a"] * 10, epochs=1), "dtype <U1", r"np\.unique\(y", error=TypeError
    )
    refused(
        lambda: bp.Trainer(net).fit(data()[0], np.zeros(10), epochs=1, callbacks=5),
        "a function of an Epoch, or",
        error=TypeError,
    )


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (7, 2), (9, 3), (133, 1)])
@pytest.mark.parametrize("kind", ["float32", "float64", ">f4"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_row_of_x_that_is_not_finite(bad, row, column, kind, shuffle):
    """Named, and the network is where the fit began."""
    X, y = data(140)
    X[row, column] = bad
    net = network()
    before = net.get_parameters()
    trainer = bp.Trainer(net, shuffle=shuffle, batch_size=4, optimizer="adam", seed=1)
    refused(lambda: trainer.fit(X.astype(kind), y, epochs=3), place("X", row, column))
    assert_same_bits(net.get_parameters(), before)
    refused(lambda: trainer.step(X.astype(kind), y), place("X", row, column))
    assert_same_bits(net.get_parameters(), before)
    X[row, column] = 0.0
    assert trainer.fit(X, y, epochs=1).stop_reason == "epochs"


@pytest.mark.usefixtures("isa")
def test_a_number_that_overflows_in_float32_is_not_finite():
    X, y = data(30)
    X[12, 3] = 1e300
    net = network(dtype="float32")
    before = net.get_parameters()
    refused(lambda: bp.Trainer(net, seed=1).fit(X, y, epochs=1), place("X", 12, 3))
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_targets_that_are_not_finite(bad, method):
    X, y = data()
    y[7, 2] = bad
    net = network()
    before = net.get_parameters()
    refused(uses(net, X, y)[method], place("y", 7, 2))
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("index", "kind"), [(3, int), (-1, int), (2**40, int), (3.0, float), (-1.0, float), (255, np.uint8)]
)
def test_a_class_index_out_of_range(index, kind, method):
    y = np.zeros(10, kind)
    y[6] = index
    net = classifier()
    before = net.get_parameters()
    refused(uses(net, data()[0], y)[method], str(int(index)), "3|2", "6")
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("index", [0.5, math.nan, math.inf, 1e300])
def test_a_class_index_is_whole(index, method):
    y = np.zeros(10)
    y[6] = index
    refused(uses(classifier(), data()[0], y)[method], "6")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("weight", "word"),
    [
        (np.ones(9), "9"),
        (np.ones((10, 1)), r"\(10, 1\)"),
        (np.r_[np.ones(9), -2.5], "-2.5|negative"),
        (np.r_[np.ones(9), np.nan], "nan|finite"),
        (np.r_[np.ones(9), np.inf], "inf|finite"),
        (np.zeros(10), "0|zero"),
        (2.0, r"\(\)|shape"),
    ],
)
def test_bad_sample_weights(weight, word, method):
    refused(uses(network(), *data(), sample_weight=weight)[method], "sample_weight", word, error=BAD_TYPE)
