"""The article's 2-3-1 network, worked by hand with 50 digits: every z, a, delta, derivative and updated parameter."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

import bp_core as bp

pytestmark = pytest.mark.usefixtures("isa")

RELATIVE = 1e-14
LEARNING_RATE = 0.1
START = {
    "W1": 0.15, "W2": 0.4, "W3": -0.3, "W4": 0.25, "W5": 0.7, "W6": 0.55,
    "W7": 0.45, "W8": 0.6, "W9": 0.35, "b1": 0.2, "b2": -0.1,
}  # fmt: skip
ROWS = (
    {"x1": 0.05, "x2": 0.9, "y": 0.2},
    {"x1": 0.8, "x2": 0.3, "y": 0.1},
    {"x1": 0.45, "x2": 0.7, "y": 0.05},
    {"x1": 0.95, "x2": 0.65, "y": 0.15},
)
PARAMETERS = ("W1", "W2", "W3", "W4", "W5", "W6", "b1", "W7", "W8", "W9", "b2")


def sigmoid(z):
    return 1 / (1 + (-z).exp())


def worked_by_hand(row):
    """Forward propagation, the error, and the chain rule written out for every weight and both biases."""
    with localcontext() as context:
        context.prec = 50
        p = {name: Decimal(value) for name, value in START.items()}
        x1, x2, y = Decimal(row["x1"]), Decimal(row["x2"]), Decimal(row["y"])

        v = {}
        v["z1"] = p["W1"] * x1 + p["W4"] * x2 + p["b1"]
        v["z2"] = p["W2"] * x1 + p["W5"] * x2 + p["b1"]
        v["z3"] = p["W3"] * x1 + p["W6"] * x2 + p["b1"]
        v["a1"], v["a2"], v["a3"] = sigmoid(v["z1"]), sigmoid(v["z2"]), sigmoid(v["z3"])
        v["z4"] = p["W7"] * v["a1"] + p["W8"] * v["a2"] + p["W9"] * v["a3"] + p["b2"]
        v["a4"] = sigmoid(v["z4"])
        v["e_t"] = (y - v["a4"]) ** 2 / 2

        de_da4 = v["a4"] - y
        da4_dz4 = v["a4"] * (1 - v["a4"])
        v["delta4"] = de_da4 * da4_dz4
        v["dW7"] = v["delta4"] * v["a1"]
        v["dW8"] = v["delta4"] * v["a2"]
        v["dW9"] = v["delta4"] * v["a3"]
        v["db2"] = v["delta4"] * 1

        da1_dz1 = v["a1"] * (1 - v["a1"])
        da2_dz2 = v["a2"] * (1 - v["a2"])
        da3_dz3 = v["a3"] * (1 - v["a3"])
        v["delta1"] = v["delta4"] * p["W7"] * da1_dz1
        v["delta2"] = v["delta4"] * p["W8"] * da2_dz2
        v["delta3"] = v["delta4"] * p["W9"] * da3_dz3
        v["dW1"] = v["delta1"] * x1
        v["dW2"] = v["delta2"] * x1
        v["dW3"] = v["delta3"] * x1
        v["dW4"] = v["delta1"] * x2
        v["dW5"] = v["delta2"] * x2
        v["dW6"] = v["delta3"] * x2
        v["db1"] = v["delta1"] + v["delta2"] + v["delta3"]
        return v


def mean(rows, name):
    with localcontext() as context:
        context.prec = 50
        return sum(row[name] for row in rows) / len(rows)


def updated(name, derivative):
    with localcontext() as context:
        context.prec = 50
        return Decimal(START[name]) - Decimal(LEARNING_RATE) * derivative


def article_network():
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", dtype="float64", seed=0)
    net.weights[0][...] = [[START["W1"], START["W2"], START["W3"]], [START["W4"], START["W5"], START["W6"]]]
    net.weights[1][...] = [[START["W7"]], [START["W8"]], [START["W9"]]]
    net.biases[0][...] = START["b1"]
    net.biases[1][...] = START["b2"]
    return net


def data(rows):
    return np.array([[row["x1"], row["x2"]] for row in rows]), np.array([[row["y"]] for row in rows])


def parameters_by_name(weights, biases):
    vector = [*weights[0].ravel(), *biases[0], *weights[1].ravel(), *biases[1]]
    return dict(zip(PARAMETERS, vector, strict=True))


def assert_worked(actual, expected):
    """Relative to 1e-14, the comparison itself with 50 digits."""
    with localcontext() as context:
        context.prec = 50
        error = abs(Decimal(float(actual)) - expected) / abs(expected)
        assert error <= Decimal(RELATIVE), f"{float(actual)!r} is not {expected}: relative error {error:.3}"


def test_the_network_is_the_articles():
    net = article_network()
    assert net.n_parameters == 11
    assert [b.shape for b in net.biases] == [(1,), (1,)]
    assert net.get_parameters().tolist() == [START[name] for name in PARAMETERS]


@pytest.mark.parametrize("row", ROWS)
def test_forward_propagation(row):
    expected = worked_by_hand(row)
    X, _ = data([row])
    passed = article_network().forward(X)
    z = dict(zip(("z1", "z2", "z3", "z4"), [*passed.z[0][0], *passed.z[1][0]], strict=True))
    a = dict(zip(("a1", "a2", "a3", "a4"), [*passed.a[0][0], *passed.a[1][0]], strict=True))
    for name, value in {**z, **a, "a4": passed.output[0, 0]}.items():
        assert_worked(value, expected[name])


@pytest.mark.parametrize("row", ROWS)
def test_every_delta_and_derivative_of_one_row(row):
    expected = worked_by_hand(row)
    gradients = article_network().gradients(*data([row]), loss="half_squared_error")
    assert_worked(gradients.loss, expected["e_t"])
    deltas = [*gradients.deltas[0][0], *gradients.deltas[1][0]]
    for j, delta in enumerate(deltas, start=1):
        assert_worked(delta, expected[f"delta{j}"])
    for name, value in parameters_by_name(gradients.weights, gradients.biases).items():
        assert_worked(value, expected[f"d{name}"])


@pytest.mark.parametrize("row", ROWS)
def test_every_parameter_after_one_update(row):
    expected = worked_by_hand(row)
    net = article_network()
    trainer = bp.Trainer(net, loss="half_squared_error", optimizer=bp.SGD(learning_rate=LEARNING_RATE))
    loss = trainer.step(*data([row]))
    assert_worked(loss, expected["e_t"])
    for name, value in parameters_by_name(net.weights, net.biases).items():
        assert_worked(value, updated(name, expected[f"d{name}"]))


def test_of_a_batch_the_mean_over_its_rows():
    worked = [worked_by_hand(row) for row in ROWS]
    gradients = article_network().gradients(*data(ROWS), loss="half_squared_error")
    assert_worked(gradients.loss, mean(worked, "e_t"))
    for name, value in parameters_by_name(gradients.weights, gradients.biases).items():
        assert_worked(value, mean(worked, f"d{name}"))


@pytest.mark.parametrize("shuffle", [False, True])
def test_one_epoch_of_the_whole_batch_updates_by_the_mean(shuffle):
    worked = [worked_by_hand(row) for row in ROWS]
    net = article_network()
    trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=LEARNING_RATE), batch_size="full", shuffle=shuffle, seed=0)
    history = trainer.fit(*data(ROWS), epochs=1)
    assert_worked(history.loss[0], mean(worked, "e_t"))
    for name, value in parameters_by_name(net.weights, net.biases).items():
        assert_worked(value, updated(name, mean(worked, f"d{name}")))


def test_backpropagation_only_computes():
    net = article_network()
    before = net.get_parameters()
    first = net.gradients(*data(ROWS))
    second = net.gradients(*data(ROWS))
    assert net.get_parameters().tobytes() == before.tobytes()
    assert [g.tolist() for g in first.weights] == [g.tolist() for g in second.weights]


def test_the_automatic_loss_of_the_article_is_half_the_squared_error():
    expected = mean([worked_by_hand(row) for row in ROWS], "e_t")
    assert_worked(article_network().loss(*data(ROWS)), expected)
