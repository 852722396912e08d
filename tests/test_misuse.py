"""Every mistake is answered with what was given and what was expected, and changes nothing."""

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


# ---- making a network ----


@pytest.mark.parametrize("layer_sizes", [(2, 0, 1), (0, 1), (2, 3, 0), (2, -3, 1)])
def test_a_layer_needs_a_unit(layer_sizes):
    refused(lambda: bp.Network(layer_sizes), str(min(layer_sizes)), "1")


@pytest.mark.parametrize("layer_sizes", [(), (3,)])
def test_a_network_needs_two_sizes(layer_sizes):
    refused(lambda: bp.Network(layer_sizes), "layer_sizes")


@pytest.mark.parametrize("layer_sizes", [(2, 2.5, 1), ("2", "3"), (2, None), 5, None, "23"])
def test_sizes_are_whole_numbers(layer_sizes):
    refused(lambda: bp.Network(layer_sizes), "layer_sizes", error=BAD_TYPE)


@pytest.mark.parametrize("layer_sizes", [(2**40, 2**40), (10**30, 2), (2**32, 2**32, 2**32)])
def test_sizes_whose_product_no_memory_holds(layer_sizes):
    refused(lambda: bp.Network(layer_sizes), error=(ValueError, MemoryError, OverflowError))


@pytest.mark.parametrize(
    ("option", "value", "nearest"),
    [
        ("hidden", "relo", "relu"),
        ("hidden", "ReLU", "relu"),
        ("hidden", "leaky-relu", "leaky_relu"),
        ("hidden", ("tahn",), "tanh"),
        ("output", "sofmax", "softmax"),
        ("output", "sigmod", "sigmoid"),
        ("bias", "layers", "layer"),
        ("bias", "units", "unit"),
        ("init", "he_unifrom", "he_uniform"),
        ("init", "glorot_norm", "glorot_normal"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(option, value, nearest):
    refused(
        lambda: bp.Network((2, 3, 1), **{option: value}),
        repr(value[0] if value == ("tahn",) else value),
        nearest,
    )


@pytest.mark.parametrize("dtype", ["float16", "float23", "int32", np.complex64, object])
def test_there_are_two_dtypes(dtype):
    refused(lambda: bp.Network((2, 1), dtype=dtype), "float32", "float64", error=BAD_TYPE)


def test_softmax_is_for_the_output():
    refused(lambda: bp.Network((2, 3, 1), hidden="softmax"), "softmax", "output")


@pytest.mark.parametrize(("option", "value"), [("hidden", ("relu", "tanh")), ("bias", ("unit", "layer", "unit"))])
def test_one_name_for_each_layer(option, value):
    refused(lambda: bp.Network((2, 3, 1), **{option: value}), option, str(len(value)), str(len(value) - 1))


@pytest.mark.parametrize("value", [3, None, 1.5, ("relu", 3)])
def test_a_name_is_a_string(value):
    refused(lambda: bp.Network((2, 3, 3, 1), hidden=value), "hidden|activation", r"\b3\b|None|1\.5", error=BAD_TYPE)


@pytest.mark.parametrize("seed", [-1, 1.5, "one"])
def test_a_seed_is_a_whole_number(seed):
    refused(lambda: bp.Network((2, 1), seed=seed), "seed", error=BAD_TYPE)
    refused(lambda: bp.Trainer(network(), seed=seed), "seed", error=BAD_TYPE)


def test_unknown_keywords():
    refused(lambda: bp.Network((2, 3, 1), activation="relu"), "activation", error=TypeError)
    refused(lambda: bp.Trainer(network(), learning_rate=0.1), "learning_rate", error=TypeError)
    refused(lambda: bp.Trainer(network()).fit(*data(), epoch=3), "epoch", error=TypeError)
    refused(lambda: bp.Adam(lr=0.1), "lr", error=TypeError)


@pytest.mark.parametrize(
    ("weights", "biases", "words"),
    [
        ([np.ones((2, 3)), np.ones((4, 1))], [np.zeros(3), np.zeros(1)], ("3", "4")),
        ([np.ones((2, 3))], [np.zeros(2)], ("2", "3")),
        ([np.ones((2, 3))], [np.zeros(3), np.zeros(3)], ("1", "2")),
        ([np.ones((2, 3))], [np.zeros((1, 3))], (r"\(1, 3\)",)),
        ([np.ones(3)], [np.zeros(3)], (r"\(3,\)",)),
        ([np.ones((0, 3))], [np.zeros(3)], (r"0",)),
    ],
)
def test_arrays_that_are_no_network(weights, biases, words):
    refused(lambda: bp.Network.from_arrays(weights, biases, hidden="relu", output="identity"), *words)


@pytest.mark.parametrize("size", [44, 46, 0])
def test_a_parameter_vector_of_another_length(size):
    net = network(bias="none")
    assert net.n_parameters == 42
    refused(lambda: net.set_parameters(np.zeros(size)), str(size), "42")


def test_the_weights_are_a_tuple():
    net = network()
    with pytest.raises(TypeError):
        net.weights[0] = np.zeros((4, 6))
    with pytest.raises(AttributeError):
        net.weights = net.weights


# ---- shapes of X and y ----


@pytest.mark.parametrize("shape", [(10, 3), (10, 5), (3,), (5,), (0,), (2, 10, 4), ()])
def test_rows_of_another_width(shape):
    net = network()
    features = str(shape[-1]) if shape else ""
    for use in (net.predict, net, net.forward):
        refused(lambda use=use: use(np.zeros(shape)), features, "4", error=BAD_TYPE)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(10, 3), (10, 5), (2, 10, 4)])
def test_rows_of_another_width_in_training(shape, method):
    refused(uses(network(), np.zeros(shape), np.zeros((10, 3)))[method], str(shape[-1]), "4")


@pytest.mark.parametrize("method", ["step", "fit"])
def test_training_takes_no_single_row(method):
    refused(uses(network(), np.zeros(4), np.zeros(3))[method], r"\(4,\)", r"2-D|\(n, 4\)")


def test_many_numbers_for_one_feature():
    net = make_network((1, 3, 1))
    for call in (lambda: net.predict(np.zeros(7)), *uses(net, np.zeros(7), np.zeros(7)).values()):
        refused(call, "7", r"X\[:, None\]")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(10, 2), (10, 4), (9, 3), (11, 3), (1, 3), (3,), (10,), (30,), (10, 3, 1), (10, 1)])
def test_targets_of_another_shape(shape, method):
    refused(uses(network(), np.zeros((10, 4)), np.zeros(shape))[method], *(str(size) for size in shape), r"\(10, 3\)")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(9,), (9, 1), (10, 2), (1, 10), (1,)])
def test_targets_of_one_output(shape, method):
    """(n,) and (n, 1) are the same there; nothing else is, and nothing broadcasts."""
    net = make_network((4, 3, 1))
    refused(uses(net, np.zeros((10, 4)), np.zeros(shape))[method], *(str(size) for size in shape), "10")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(10, 1), (9,), (10, 2)])
def test_class_indices_of_another_shape(shape, method):
    refused(uses(classifier(), np.zeros((10, 4)), np.zeros(shape))[method], *(str(size) for size in shape), "10")


@pytest.mark.parametrize("method", METHODS)
def test_no_rows(method):
    refused(uses(network(), np.zeros((0, 4)), np.zeros((0, 3)))[method], "0|empty|no rows")


def test_predicting_no_rows_gives_no_rows():
    assert network().predict(np.zeros((0, 4))).shape == (0, 3)


@pytest.mark.parametrize(
    "out", [np.zeros((9, 3), "f4"), np.zeros((10, 4), "f4"), np.zeros(30, "f4"), np.zeros((10, 3), "f8")]
)
def test_out_of_another_kind(out):
    refused(lambda: network().predict(data()[0], out=out), "out", error=BAD_TYPE)


def test_out_that_cannot_be_written():
    out = np.zeros((10, 3), "f4")
    out.flags.writeable = False
    refused(lambda: network().predict(data()[0], out=out), "out|read-only", error=BAD_TYPE)
    refused(lambda: network().predict(data()[0], out=[0.0] * 30), "out", error=BAD_TYPE)


# ---- training ----


@pytest.mark.parametrize(
    ("option", "value", "nearest"),
    [
        ("loss", "mes", "mse"),
        ("loss", "crossentropy", "cross_entropy"),
        ("optimizer", "adm", "adam"),
        ("batch_size", "ful", "full"),
    ],
)
def test_an_unknown_name_in_training_gets_the_nearest_one(option, value, nearest):
    refused(lambda: bp.Trainer(network(), **{option: value}), repr(value), nearest)


@pytest.mark.parametrize(
    ("option", "value"),
    [("batch_size", 0), ("batch_size", -3), ("batch_size", 2.5), ("n_threads", 0), ("n_threads", -2)],
)
def test_bad_options_of_a_trainer(option, value):
    refused(lambda: bp.Trainer(network(), **{option: value}), option, str(value), error=BAD_TYPE)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5, math.nan, "0.5", True])
def test_bad_levels(level):
    refused(lambda: bp.Quantile(level=level), "level", repr(level), "between 0 and 1")


def test_numbers_of_losses_that_the_dtype_does_not_hold():
    net = make_network((3, 2), dtype="float32")
    for loss, name in ((bp.Quantile(level=1 - 1e-12), "level"), (bp.Quantile(level=1e-60), "level")):
        refused(lambda loss=loss: bp.Trainer(net, loss=loss), name, "float32 can only hold")
    refused(lambda: bp.Trainer(net, loss=bp.Huber(threshold=1e-60)), "threshold", "float32 can only hold")
    refused(lambda: bp.Trainer(net, optimizer=bp.Rprop(smallest=1e-60)), "smallest", "float32 can only hold")


@pytest.mark.parametrize("method", METHODS)
def test_counts_below_0(method):
    net = make_network((3, 2), output="exp")
    X, y = np.zeros((4, 3)), np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.0], [3.0, 3.0]])
    options = {"loss": "poisson"} if method in ("loss", "gradients") else {}
    trainer = bp.Trainer(net, loss="poisson")
    call = {
        "step": lambda: trainer.step(X, y),
        "fit": lambda: trainer.fit(X, y, epochs=1),
    }.get(method, lambda: getattr(net, method)(X, y, **options))
    refused(call, r"y\[1, 1\] is -1; poisson takes targets from 0 up")


@pytest.mark.parametrize("threshold", [0.0, -1.5, math.nan, math.inf])
def test_bad_thresholds(threshold):
    refused(lambda: bp.Huber(threshold=threshold), "threshold", repr(threshold))


@pytest.mark.parametrize("optimizer", [0.1, None, bp.Adam, {"learning_rate": 0.1}])
def test_what_is_no_optimizer(optimizer):
    refused(lambda: bp.Trainer(network(), optimizer=optimizer), "optimizer", error=BAD_TYPE)


@pytest.mark.parametrize("net", [None, (2, 3, 1), "relu"])
def test_what_is_no_network(net):
    refused(lambda: bp.Trainer(net), "[Nn]etwork", error=BAD_TYPE)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("epochs", -1),
        ("epochs", 2.5),
        ("epochs", "3"),
        ("patience", 0),
        ("patience", 1.5),
        ("min_delta", -1.5),
        ("min_delta", math.nan),
        ("max_seconds", -1.5),
        ("max_seconds", math.nan),
        ("target_loss", math.nan),
        ("callbacks", [3]),
    ],
)
def test_bad_options_of_fit(option, value):
    trainer = bp.Trainer(network())
    refused(lambda: trainer.fit(*data(), **{"epochs": 1, option: value}), option[:8], error=BAD_TYPE)


VALIDATION = [
    (data()[0],),
    (*data(), np.ones(10), 1),
    data()[0],
    5,
    (uniform(1, (10, 5)), uniform(2, (10, 3))),
    (uniform(1, (10, 4)), uniform(2, (9, 3))),
    (np.zeros((0, 4)), np.zeros((0, 3))),
    (*data(), np.ones(9)),
    (data()[0], np.full((10, 3), np.nan)),
]


@pytest.mark.parametrize("validation_data", VALIDATION, ids=range(len(VALIDATION)))
def test_bad_validation_data(validation_data):
    net = network()
    before = net.get_parameters()
    trainer = bp.Trainer(net)
    refused(lambda: trainer.fit(*data(), epochs=2, validation_data=validation_data), "validation", error=BAD_TYPE)
    assert_same_bits(net.get_parameters(), before)
