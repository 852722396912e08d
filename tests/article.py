"""The article's 2-3-1 network, worked by hand with 50 digits: every z, a, delta and derivative."""

from decimal import Decimal, localcontext

import numpy as np

import bp_core as bp

RELATIVE = 1e-14
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


def article_network():
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", dtype="float64", seed=0)
    net.weights[0][...] = [[START["W1"], START["W2"], START["W3"]], [START["W4"], START["W5"], START["W6"]]]
    net.weights[1][...] = [[START["W7"]], [START["W8"]], [START["W9"]]]
    net.biases[0][...] = START["b1"]
    net.biases[1][...] = START["b2"]
    return net


def data(rows):
    return np.array([[row["x1"], row["x2"]] for row in rows]), np.array([[row["y"]] for row in rows])


def assert_worked(actual, expected):
    """Relative to 1e-14, the comparison itself with 50 digits."""
    with localcontext() as context:
        context.prec = 50
        error = abs(Decimal(float(actual)) - expected) / abs(expected)
        assert error <= Decimal(RELATIVE), f"{float(actual)!r} is not {expected}: relative error {error:.3}"
