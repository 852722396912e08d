"""Explanations: the core's numbers, factors that multiply to the gradient, formulas that say what they mean."""

import json
import math
import re
import shutil
import subprocess
from decimal import Decimal
from html.parser import HTMLParser

import numpy as np
import pytest

import bp_core as bp
import oracle
from article import ROWS, START, article_network, assert_worked, data, worked_by_hand
from support import make_network, targets, uniform

numeric = pytest.mark.usefixtures("isa")

LEARNING_RATE = 0.1
NETWORKS = 50


def explain_article(row):
    X, y = data([row])
    return article_network().explain(X[0], y[0], learning_rate=LEARNING_RATE)


def random_case(number):
    """Network, rows, targets, loss: 50 cases go through every activation, pair of loss and output, and bias mode."""
    loss, output = oracle.PAIRS[number % len(oracle.PAIRS)]
    hidden = [oracle.ACTIVATIONS[number % 10], oracle.ACTIVATIONS[(3 * number + 1) % 10]]
    sizes = [(2, 3, 2, 2), (3, 2, 3, 1), (1, 2, 2, 3), (4, 17, 3, 5)][number % 4]
    sizes = (*sizes[:-1], 2) if loss == "cross_entropy" else sizes
    bias = [("unit", "layer", "none")[(number + l) % 3] for l in range(3)]
    net = make_network(sizes, seed=number, hidden=hidden, output=output, bias=bias, dtype="float64")
    n = 1 + number % 3
    X = uniform((number, 7), (n, sizes[0]), -1.5, 1.5)
    return net, X, targets(loss, number, n, sizes[-1]), loss


# ------------------------------------------------------------------ the article
@numeric
@pytest.mark.parametrize("row", ROWS)
def test_the_article_by_hand(row):
    expected, explanation = worked_by_hand(row), explain_article(row)
    assert_worked(explanation.loss, expected["e_t"])
    for j in range(1, 5):
        unit = explanation.unit(f"z{j}")
        for value, name in ((unit.z, "z"), (unit.a, "a"), (unit.delta, "delta")):
            assert_worked(value, expected[f"{name}{j}"])
    for name, start in START.items():
        parameter = explanation.parameter(name)
        assert_worked(parameter.derivative, expected[f"d{name}"])
        assert_worked(parameter.updated, Decimal(start) - Decimal(LEARNING_RATE) * expected[f"d{name}"])
        assert parameter.check.agrees


def test_the_article_word_for_word():
    explanation = explain_article(ROWS[0])
    assert str(explanation.parameter("W1")).splitlines()[1:3] == [
        "  dE/dW1 = dE/da4 * da4/dz4 * dz4/da1 * da1/dz1 * dz1/dW1",
        "         = (a4 - y) * a4 (1 - a4) * W7 * a1 (1 - a1) * x1",
    ]
    assert [factor.name for factor in explanation.parameter("W8").rows[0][0].factors] == [
        "dE/da4",
        "da4/dz4",
        "dz4/dW8",
    ]
    shared = explanation.parameter("b1")
    assert (shared.source, shared.target, len(shared.rows[0])) == ("1", "z1, z2, z3", 3)
    assert "  z1 = W1 x1 + W4 x2 + b1 = 0.15*0.05 + 0.25*0.9 + 0.2 = 0.4325\n" in str(explanation)
    assert "  a1 = sigmoid(z1) = sigmoid(0.4325) = 0.60647\n" in str(explanation)
    assert "E = 1/2 (y - a4)^2 = 1/2 (0.2 - " in str(explanation)
    for name in START:
        assert f"\n{name}  " in str(explanation)


# ------------------------------------------------------------- the core's numbers
@numeric
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_shown_has_the_bits_of_the_core(dtype):
    net = make_network(
        (3, 5, 4, 2), hidden=["gelu", "tanh"], output="softmax", bias=["unit", "layer", "unit"], dtype=dtype
    )
    X, y = uniform(1, (3, 3)), np.array([1, 0, 1])
    explanation = net.explain(X, y, learning_rate=0.25)
    gradients, stepped = net.gradients(X, y), net.copy()
    bp.Trainer(stepped, optimizer=bp.SGD(learning_rate=0.25)).step(X, y)
    assert explanation.loss == gradients.loss == net.loss(X, y)
    assert (explanation.inputs == gradients.inputs).all()
    shown = list(explanation.parameters(None))
    weights = [value for W in gradients.weights for value in W.ravel()]
    biases = [value for b in gradients.biases for value in b]
    assert [p.derivative for p in shown] == [*weights, *biases]
    moved = [value for part in (*stepped.weights, *stepped.biases) for value in part.ravel()]
    assert [p.updated for p in shown] == moved
    for s in range(3):
        passed, alone = net.forward(X[s]), net.gradients(X[s], y[s])
        for j in range(2):
            unit = explanation.unit(f"a{10 + j}", row=s)
            assert (unit.z, unit.a, unit.delta) == (passed.z[2][j], passed.a[2][j], alone.deltas[2][j])


@numeric
@pytest.mark.parametrize("number", range(NETWORKS))
def test_the_factors_multiply_to_the_gradient(number):
    net, X, y, loss = random_case(number)
    explanation, gradients = net.explain(X, y, loss=loss), net.gradients(X, y, loss=loss)
    for parameter in explanation.parameters(None):
        mean = math.fsum(parameter.row_values) / len(X)
        kind, l = re.match(r"(\w+)\[(\d+)\]", parameter.place).groups()
        largest = np.abs(getattr(gradients, kind)[int(l)]).max()
        added = max(abs(product.value) for products in parameter.rows for product in products)
        assert abs(mean - parameter.derivative) <= 1e-12 * max(largest, added), parameter
        assert parameter.check.agrees in (True, None), parameter
        for products in parameter.rows:
            for factor in (factor for product in products for factor in product.factors if factor.paths):
                assert factor.value == pytest.approx(math.fsum(path.value for path in factor.paths), rel=1e-13)


def test_every_check_agrees_where_there_is_one():
    checked = [p.check.agrees for n in range(NETWORKS) for p in random_explanation(n).parameters(None)]
    assert checked.count(True) > 0.9 * len(checked)
    assert False not in checked


def random_explanation(number):
    net, X, y, loss = random_case(number)
    return net.explain(X, y, loss=loss)


def test_a_wrong_derivative_would_be_seen():
    """The core's own number is what is compared: moved a little, it no longer agrees."""
    explanation = explain_article(ROWS[0])
    explanation._checker._gradients.weights[0][0, 0] += 1e-5
    parameter = explanation.parameter("W1")
    assert parameter.check.agrees is False
    assert "THEY DO NOT AGREE" in str(parameter)


def test_what_float32_loses_is_not_called_equal():
    """1e8 + 1 - 1e8 is 0 in float32; the difference, in float64, is 1."""
    net = bp.Network.from_arrays([np.array([[1e8], [1], [-1e8]], "f4")], None, hidden=(), output="identity")
    parameter = net.explain(np.ones(3, "f4"), [0.0]).parameter("W1")
    assert (parameter.derivative, parameter.check.agrees) == (0.0, False)
    assert parameter.check.difference == pytest.approx(1.0, rel=1e-6)


def test_numbers_beyond_all_are_named():
    W = np.ones((1, 1), "f4")
    deep = bp.Network.from_arrays([1e30 * W, W], None, hidden="sigmoid", output="identity")
    with pytest.raises(ValueError, match="z1 is inf in float32; expected finite numbers"):
        str(deep.explain([1e20], [0.0]))
    flat = bp.Network.from_arrays([1e15 * W], None, hidden=(), output="identity")
    with pytest.raises(ValueError, match="dE/dW1 is inf in float32; expected finite numbers"):
        flat.explain([1e20], [0.0])


def test_the_update_belongs_to_the_same_parameters(monkeypatch):
    """Another thread may train the network: value, derivative and update are of one moment all the same."""
    net, copy = article_network(), bp.Network.copy

    def copy_and_train(self):
        found = copy(self)
        net.weights[0][...] += 1.0
        return found

    monkeypatch.setattr(bp.Network, "copy", copy_and_train)
    parameter = net.explain([0.05, 0.9], [0.2]).parameter("W1")
    assert parameter.value == 0.15
    assert parameter.updated == pytest.approx(0.15 - 0.1 * parameter.derivative, rel=1e-14)


def test_at_a_kink_there_is_no_difference():
    net = bp.Network.from_arrays([[[1.0]], [[1.0]]], None, hidden="relu", output="identity")
    parameter = net.explain([0.0], [1.0]).parameter("W1")
    assert (parameter.check.difference, parameter.check.agrees) == (None, None)
    assert "central difference: none, as the row lies within 1e-4 of a kink" in str(parameter)


def test_of_a_batch_the_rows_at_no_kink_are_checked():
    net = bp.Network((2, 3, 1), hidden="relu", output="sigmoid", dtype="float64", seed=0)
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    parameter = net.explain(X, y).parameter("W1")
    check = parameter.check
    assert (check.n_rows, check.n_checked, check.agrees) == (4, 3, True)
    assert check.derivative == net.gradients(X[1:], y[1:]).weights[0][0, 0]
    assert "over 3 of 4 rows" in str(parameter)
    assert "(1 row lies within 1e-4 of a kink)" in str(parameter)


def test_a_long_batch_is_checked_over_some_rows():
    net = make_network((2, 3, 1), hidden="tanh", dtype="float64")
    X = uniform(1, (1000, 2))
    check = net.explain(X, X[:, 0]).parameter("W1").check
    assert (check.n_checked, check.agrees) == (128, True)


# -------------------------------------------------------------------- formulas
FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "exp": math.exp,
    "cosh": math.cosh,
    "log": math.log,
    "max": max,
    "abs": abs,
    "Phi": lambda z: (1 + math.erf(z / math.sqrt(2))) / 2,
    "phi": lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    "sign": lambda r: math.copysign(1, r) if r else 0,
    "clip": lambda r, low, high: max(low, min(high, r)),
    "huber": lambda r: r * r / 2 if abs(r) <= 1 else abs(r) - 0.5,
    "quantile": lambda r: max(0.5 * r, -0.5 * r),
}


def evaluated(formula, values):
    """A formula as Python reads it, with two things side by side multiplied."""
    formula = re.sub(r" as .*", "", formula).replace("^", "**")
    formula = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", formula)
    return eval(formula, {"__builtins__": {}}, {**FUNCTIONS, **values})


def named_values(explanation):
    """Every name of the first row and its value."""
    row = explanation.to_dict()["rows"][0]
    values = {part["name"]: part["value"] for part in (*row["inputs"], *row["targets"])}
    for number in range(1, sum(explanation.network.layer_sizes[1:]) + 1):
        unit = explanation.unit(f"z{number}")
        values |= {unit.z_name: unit.z, unit.a_name: unit.a}
    return values | {p.name: p.value for p in explanation.parameters(None)}


@numeric
@pytest.mark.parametrize("number", range(NETWORKS))
def test_every_formula_gives_its_value(number):
    explanation = random_explanation(number)
    values = named_values(explanation)
    unit = explanation.unit("z1")
    if unit.activation != "softmax":
        assert evaluated(unit.formula, values) == pytest.approx(unit.a, rel=1e-12, abs=1e-14)
    for parameter in explanation.parameters(None):
        for product in parameter.rows[0]:
            for factor in product.factors:
                steps = [step for path in factor.paths for step in path.factors] or [factor]
                for step in steps:
                    if not step.formula.startswith("dE/") and "smaller ones" not in step.formula:
                        assert evaluated(step.formula, values) == pytest.approx(step.value, rel=1e-11, abs=1e-13), step


@pytest.mark.parametrize("loss, output", oracle.PAIRS)
@pytest.mark.parametrize("m", [1, 2, 3])
def test_the_error_filled_in_gives_the_loss(loss, output, m):
    if loss == "cross_entropy" and m == 1:
        pytest.skip("a softmax of one unit is always 1")
    net = make_network((2, m), output=output, dtype="float64")
    x, y = uniform(3, 2), targets(loss, 4, 1, m)[0] + (loss == "poisson")
    explanation = net.explain(x, y, loss=loss)
    line = next(line for line in str(explanation).splitlines() if line.startswith("  E = "))
    _, by_name, filled, value = line.strip().split(" = ")
    assert evaluated(by_name.replace("1/", "1.0/"), named_values(explanation)) == pytest.approx(
        explanation.loss, rel=1e-9
    )
    assert evaluated(filled, {}) == pytest.approx(explanation.loss, rel=1e-4, abs=1e-6)
    assert float(value) == pytest.approx(explanation.loss, rel=1e-5)


@pytest.mark.parametrize(
    ("hidden", "z", "expected"),
    [
        ("leaky_relu", -0.5, "a1 = 0.01 z1 = 0.01 (-0.5) = -0.005"),
        ("leaky_relu", 0.5, "a1 = z1 = 0.5"),
        ("relu", -0.5, "a1 = max(0, z1) = max(0, -0.5) = 0"),
        ("softsign", -1.0, "a1 = z1 / (1 + abs(z1)) = (-1) / (1 + abs(-1)) = -0.5"),
        ("softplus", 0.0, "a1 = log(1 + exp(z1)) = log(1 + exp(0)) = 0.693147"),
    ],
)
def test_negative_numbers_stand_in_brackets(hidden, z, expected):
    net = bp.Network.from_arrays([[[z]], [[1.0]]], None, hidden=hidden, output="identity")
    explanation = net.explain([1.0], [-0.25])
    assert f"  {expected}\n" in str(explanation)
    a = explanation.unit("a2").a
    shown = f"({a:.6g})" if a < 0 else f"{a:.6g}"
    assert f"E = 1/2 (y - a2)^2 = 1/2 (-0.25 - {shown})^2 = " in str(explanation)


def test_a_softmax_names_its_units():
    explanation = make_network((2, 2), output="softmax").explain([0.0, 0.0], 1)
    assert explanation.unit("a1").formula == "exp(z1) / (exp(z1) + exp(z2))"
    assert make_network((2, 9), output="softmax").explain([0.0, 0.0], 1).unit("a2").formula == (
        "exp(z2) / (exp(z1) + ... + exp(z9))"
    )


def test_a_saturated_output_is_not_filled_in():
    net = bp.Network.from_arrays([[[1000.0]]], None, hidden=(), output="sigmoid")
    text = str(net.explain([1.0], [0.0], loss="binary_cross_entropy"))
    assert "= 1000, computed from z, as an a is 0 or 1" in text
    assert "log(0)" not in text


@pytest.mark.parametrize(("z", "y", "because"), [(0.5, 0.0, "a y is 0"), (-1000.0, 3.0, "an a is 0")])
def test_a_deviance_without_a_logarithm_is_not_filled_in(z, y, because):
    net = bp.Network.from_arrays([[[z]]], None, hidden=(), output="exp")
    explanation = net.explain([1.0], [y], loss="poisson")
    shown = f"E = y log(y / a1) - y + a1 = {explanation.loss:.6g}, computed from z, as {because}"
    assert shown in str(explanation)


@pytest.mark.parametrize(
    ("y", "formula", "value"),
    [(3.0, "-0.9 as a1 < y", -0.9), (1.0, "(1 - 0.9) as a1 > y", 0.1), (2.0, "0 as a1 = y", 0.0)],
)
def test_a_quantile_tells_its_side(y, formula, value):
    net = bp.Network.from_arrays([[[2.0]]], None, hidden=(), output="identity")
    explanation = net.explain([1.0], [y], loss=bp.Quantile(level=0.9))
    (product,) = explanation.parameter("W1").rows[0]
    assert product.factors[0].formula == formula
    assert product.factors[0].value == pytest.approx(value)
    assert evaluated(formula, {}) == pytest.approx(value)
    assert "quantile(r) = max(0.9 r, (0.9 - 1) r)" in str(explanation)
    assert explanation.loss_parameter == 0.9
    assert r"\operatorname{quantile}" in explanation.to_latex()


def test_the_way_back_holds_every_delta():
    """What a chain rule of many paths refers to is there to be looked up."""
    net = make_network((2, 5, 5, 2), hidden="tanh", dtype="float64")
    explanation = net.explain(uniform(1, 2), uniform(2, 2))
    text, deltas = str(explanation), net.gradients(uniform(1, 2), uniform(2, 2)).deltas
    back = text[text.index("Backward pass") : text.index("\nW1  ")]
    for number, delta in enumerate([value for layer in deltas for value in layer], start=1):
        assert re.search(rf"  dE/dz{number} = (.*\n)*? +{re.escape(f'= {delta:.6g}')}\n", back + "\n")
    deep = make_network((2, 5, 5, 5, 2), hidden="tanh", dtype="float64").explain(uniform(1, 2), uniform(2, 2))
    assert "is the sum over the 5 units above, 50 paths" in str(deep.parameter("W1"))


# ----------------------------------------------------------------------- paths
@numeric
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_a_path_has_the_derivative_of_the_core(output):
    net = make_network((2, 3, 2, 2), hidden=["tanh", "softplus"], output=output, dtype="float64")
    x = uniform(5, 2)
    explanation, jacobian = net.explain(x, [0.0, 1.0]), net.jacobian(x)
    for j, k in np.ndindex(2, 2):
        path = explanation.path(f"x{k + 1}", f"a{6 + j}")
        assert path.value == pytest.approx(jacobian[j, k], rel=1e-13)
        assert path.n_paths == len(path.paths) == (12 if output == "softmax" else 6)
        assert math.fsum(product.value for product in path.paths) == pytest.approx(jacobian[j, k], rel=1e-12)


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "identity"])
def test_paths_through_every_unit_make_the_whole(output):
    net = make_network((2, 3, 2, 2), hidden=["tanh", "silu"], output=output, dtype="float64")
    explanation = net.explain(uniform(5, 2), [0.0, 1.0])
    whole = explanation.path("x1", "E")
    parts = [explanation.path("x1", f"a{j}", "E").value for j in (1, 2, 3)]
    assert whole.value == pytest.approx(explanation.inputs[0], rel=1e-12)
    assert math.fsum(parts) == pytest.approx(whole.value, rel=1e-12)
    assert explanation.path("x1", "z2", "a4", "E").n_paths == 2
    assert explanation.path("z2", "a2").paths[0].factors[0].name == "da2/dz2"


def test_a_path_through_a_unit_is_called_so():
    explanation = explain_article(ROWS[0])
    assert str(explanation.path("x1", "a1", "E")).startswith("dE/dx1 through a1 = ")
    assert str(explanation.path("x1", "E")).startswith(f"dE/dx1 = {explanation.inputs[0]:.6g}, over 3 paths")
    assert "2 paths" in repr(make_network((2, 2, 1)).explain([1.0, 2.0], [1.0]).path("x1", "E"))


def test_a_path_of_a_batch_belongs_to_a_row():
    explanation = article_network().explain(*data(ROWS))
    for s, row in enumerate(ROWS):
        alone = explain_article(row)
        assert explanation.path("x1", "E", row=s).value == alone.path("x1", "E").value
        assert explanation.parameter("W7").row_values[s] == alone.parameter("W7").row_values[0]


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda e: e.parameter("W10"), "there is no W10; this network has W1 to W9"),
        (lambda e: e.parameter("b3"), "there is no b3; this network has b1 to b2"),
        (lambda e: e.parameter("W007"), "'W007' is no name here"),
        (lambda e: e.parameter("weights"), "'weights' is no name here; expected a parameter such as W1 or b1"),
        (lambda e: e.parameter(7), "7 is no name here"),
        (lambda e: e.unit("a5"), "there is no a5; this network has a1 to a4"),
        (lambda e: e.unit("x1"), "x1 is an input"),
        (lambda e: e.path("x1"), "path takes two units or more"),
        (lambda e: e.path("a4", "x1"), "no path leads from a4 to x1"),
        (lambda e: e.path("a1", "a2"), "no path leads from a1 to a2"),
        (lambda e: e.path("z1", "a2"), "no path leads from z1 to a2"),
        (lambda e: e.path("x3", "a1"), "there is no x3; this network has x1 to x2"),
        (lambda e: e.path("x1", "a1", row=1), "row is 1; this explanation has rows 0 to 0"),
    ],
)
def test_what_there_is_not(ask, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ask(explain_article(ROWS[0]))


def test_an_error_computed_from_z_is_reached_from_z():
    net = make_network((2, 2), output="softmax")
    with pytest.raises(ValueError, match="ask for the path from z1 to E"):
        net.explain([1.0, 2.0], 1).path("a1", "E")


@pytest.mark.parametrize("most", [0, -1, True, 2.5, "3"])
def test_how_many_parameters_must_be_a_number(most):
    with pytest.raises(ValueError, match=f"max_parameters is {most!r}; expected a whole number from 1 up, or None"):
        explain_article(ROWS[0]).to_text(max_parameters=most)


def test_a_row_is_a_whole_number():
    with pytest.raises(TypeError, match=r"row is 0\.5; expected a whole number"):
        explain_article(ROWS[0]).path("x1", "E", row=0.5)


def test_bad_input_is_named():
    net = article_network()
    with pytest.raises(ValueError, match="x has 3 features; this network takes 2"):
        net.explain([1.0, 2.0, 3.0], [1.0])
    with pytest.raises(ValueError, match="learning_rate is -1; expected a positive number"):
        net.explain([1.0, 2.0], [1.0], learning_rate=-1)
    with pytest.raises(ValueError, match="loss cross_entropy needs output softmax"):
        net.explain([1.0, 2.0], [1.0], loss="cross_entropy")


# ----------------------------------------------------------------------- forms
def test_the_network_is_not_changed_and_not_followed():
    net = article_network()
    before = net.get_parameters()
    X, y = data(ROWS)
    explanation = net.explain(X, y)
    text = str(explanation)
    assert net.get_parameters().tobytes() == before.tobytes()
    net.weights[0][...] = 9
    X[...] = 9
    assert str(explanation) == text


def test_a_large_network_says_what_it_leaves_out():
    net = make_network((100, 30, 10), output="softmax", scale=0.2)
    explanation = net.explain(uniform(1, (20, 100)), np.arange(20) % 10)
    text = explanation.to_text(max_parameters=5)
    assert "the 5 parameters with the largest derivatives are shown, 3,335 are not" in text
    assert "the first 8 rows are shown, 12 are not" in text
    assert "at most 16 units of a layer are shown" in text
    assert "and 14 more units in this layer" in text
    gradients = net.gradients(uniform(1, (20, 100)), np.arange(20) % 10)
    largest = max(np.abs(part).max() for part in (*gradients.weights, *gradients.biases))
    assert max(abs(p.derivative) for p in explanation.parameters(5)) == largest
    assert len(list(explanation.parameters(5))) == 5
    assert explanation.parameter("W3300").place == "weights[1][29, 9]"
    shown = explanation.parameter("W1").rows[0][0].factors[0]
    assert len(shown.paths) == 10
    assert explanation.path("x1", "E").n_paths == 300
    assert "too many to spell out" in str(explanation.path("x1", "E"))


def test_a_bias_shared_by_many_units_is_shortened():
    net = make_network((2, 40, 1), hidden="tanh", bias="layer", dtype="float64")
    parameter = net.explain([1.0, 2.0], [1.0]).parameter("b1")
    assert (parameter.target, len(parameter.rows[0])) == ("z1 to z40", 16)
    assert parameter.rows[0][-1].factors[0].name == "25 smaller ones"
    assert parameter.row_values[0] == pytest.approx(parameter.derivative, rel=1e-12)


def test_the_dictionary_is_json():
    found = json.loads(json.dumps(article_network().explain(*data(ROWS)).to_dict(), allow_nan=False))
    assert [p["name"] for p in found["parameters"]] == [*(f"W{i}" for i in range(1, 10)), "b1", "b2"]
    assert [p["from"] + p["to"] for p in found["parameters"][6:9]] == ["a1z4", "a2z4", "a3z4"]
    assert len(found["rows"]) == 4
    assert found["loss"]["value"] == article_network().loss(*data(ROWS))
    assert found["left_out"] == []


class Balance(HTMLParser):
    """Every tag that is opened is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("number", [0, 7, 23, 41])
def test_html_is_well_formed(number):
    explanation = random_explanation(number)
    for page in (explanation._repr_html_(), explanation.parameter("W1")._repr_html_()):
        parser = Balance()
        parser.feed(page)
        assert parser.open == []
        assert "<i>W</i><sub>1</sub>" in page
        assert "&part;E/&part;<i>W</i><sub>1</sub>" in page


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    for number in (0, 7, 23, 41, 43):
        path = tmp_path / f"case{number}.tex"
        path.write_text(random_explanation(number).to_latex(document=True))
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout
        assert path.with_suffix(".pdf").stat().st_size > 10_000


@pytest.mark.parametrize("number", range(0, NETWORKS, 5))
def test_no_words_in_latex_mathematics(number):
    """What is neither \\text{...}, an operator, a command nor a title is no word: its letters would run together."""
    latex = random_explanation(number).to_latex()
    mathematics = "".join(re.findall(r"\\begin{align\*}(.*?)\\end{align\*}", latex, re.DOTALL))
    bare = re.sub(r"\\(text|operatorname){[^{}]*}|\\[A-Za-z]+", " ", mathematics)
    assert re.findall(r"[A-Za-z]{2,}", bare) == []


def test_latex_says_the_chain_rule():
    latex = explain_article(ROWS[0]).parameter("W7").to_latex()
    assert r"\frac{\partial E}{\partial W_{7}} &= \frac{\partial E}{\partial a_{4}} \cdot" in latex
    assert r"W_{7} &\leftarrow W_{7} - \eta \cdot \frac{\partial E}{\partial W_{7}}" in latex


def test_names_of_the_user_stand_beside_ours():
    net = make_network((2, 3, 2), output="softmax")
    explanation = net.explain([0.5, 1.0], 1, input_names=["age", "income_in_k"], output_names=["no", "yes"])
    assert "  x1 = 0.5, age\n  x2 = 1, income_in_k\n" in str(explanation)
    assert "  y1 = 0, no\n  y2 = 1, yes\n" in str(explanation)
    assert [part["label"] for part in explanation.to_dict()["rows"][0]["inputs"]] == ["age", "income_in_k"]
    assert r"\text{, income\_in\_k}" in explanation.to_latex()
    with pytest.raises(ValueError, match="input_names has 1 name; expected 2 names"):
        net.explain([0.5, 1.0], 1, input_names=["age"])


def test_a_data_frame_names_its_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [0.5], "income": [1.0]})
    assert "x2 = 1, income" in str(make_network((2, 3, 1)).explain(frame, [1.0]))
