"""Names of units and parameters, there and back, for every place of some networks."""

import itertools

import numpy as np
import pytest

from bp_core._unit_names import Parameter, Unit, UnitNames

SIZES = [(2, 3, 1), (1, 1), (4, 2, 5, 3)]
MODES = ("unit", "layer", "none")


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_every_name_leads_back_to_its_place(sizes, mode):
    names = UnitNames(sizes, (mode,) * (len(sizes) - 1))
    weights = [(l, k, j) for l, shape in enumerate(itertools.pairwise(sizes)) for k, j in np.ndindex(shape)]
    assert [names.weight(*place) for place in weights] == [f"W{i}" for i in range(1, len(weights) + 1)]
    assert [names.parameter(names.weight(*place)) for place in weights] == [Parameter(*place) for place in weights]
    units = [(l, j) for l, n in enumerate(sizes[1:]) for j in range(n)]
    assert [names.z(*place) for place in units] == [f"z{i}" for i in range(1, len(units) + 1)]
    assert [names.unit(names.a(*place)) for place in units] == [Unit(*place) for place in units]
    assert [names.unit(f"x{k + 1}") for k in range(sizes[0])] == [Unit(-1, k) for k in range(sizes[0])]


def test_biases_are_numbered_on_through_the_layers():
    names = UnitNames((2, 3, 2, 4, 1), ("unit", "none", "layer", "unit"))
    assert [names.bias(0, j) for j in range(3)] == ["b1", "b2", "b3"]
    assert names.bias(1, 0) is None
    assert {names.bias(2, j) for j in range(4)} == {"b4"}
    assert names.bias(3, 0) == "b5"
    assert names.parameter("b2") == Parameter(0, None, 1)
    assert names.parameter("b4") == Parameter(2, None, None)
    assert names.parameter("b5") == Parameter(3, None, 0)


def test_the_articles_names():
    names = UnitNames((2, 3, 1), ("layer", "layer"))
    assert [names.source(0, 1), names.weight(0, 1, 1), names.z(0, 1)] == ["x2", "W5", "z2"]
    assert [names.source(1, 2), names.weight(1, 2, 0), names.z(1, 0)] == ["a3", "W9", "z4"]
    assert (names.y(0), UnitNames((2, 2), ("unit",)).y(1)) == ("y", "y2")


@pytest.mark.parametrize(
    "name, message",
    [
        ("W10", "there is no W10; this network has W1 to W9"),
        ("b3", "there is no b3; this network has b1 to b2"),
        ("W0", "'W0' is no name here"),
        ("W01", "'W01' is no name here"),
        ("w1", "'w1' is no name here; expected a parameter such as W1 or b1"),
        ("W" + "9" * 19, "is no name here"),
        (None, "None is no name here"),
    ],
)
def test_what_is_no_name(name, message):
    with pytest.raises(ValueError, match=message):
        UnitNames((2, 3, 1), ("layer", "layer")).parameter(name)


def test_a_network_without_biases_has_none():
    with pytest.raises(ValueError, match="there is no b1; this network has no b"):
        UnitNames((1, 1), ("none",)).parameter("b1")
    with pytest.raises(ValueError, match="there is no x2; this network has x1 only"):
        UnitNames((1, 1), ("none",)).unit("x2")


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_all_parameters_in_order(sizes, mode):
    """As many as there are; each leads back from its name; kind and place are those of the arrays."""
    names = UnitNames(sizes, (mode,) * (len(sizes) - 1))
    found = list(names.parameters())
    n_weights = sum(n * m for n, m in itertools.pairwise(sizes))
    n_biases = {"unit": sum(sizes[1:]), "layer": len(sizes) - 1, "none": 0}[mode]
    assert [names.name(p) for p in found] == [f"W{i + 1}" for i in range(n_weights)] + [
        f"b{i + 1}" for i in range(n_biases)
    ]
    assert [names.parameter(names.name(p)) for p in found] == found
    assert [p.kind for p in found] == ["weights"] * n_weights + ["biases"] * n_biases


def test_where_a_parameter_leads():
    names = UnitNames((2, 3, 1), ("layer", "unit"))
    assert names.ends(names.parameter("W5")) == ("x2", ["z2"])
    assert names.ends(names.parameter("b1")) == ("1", ["z1", "z2", "z3"])
    assert names.ends(names.parameter("b2")) == ("1", ["z4"])
    assert (names.parameter("W5").place, names.parameter("b1").place) == ((1, 1), (0,))
