"""Names that users give, one for each thing: how they are read."""

import numpy as np
import pytest

from bp_core._names import read_input_names, read_names
from support import refused


@pytest.mark.parametrize("given", [["a", "1"], ("a", 1), np.array(["a", "1"]), iter("a1"), {"a": 0, "1": 0}], ids=repr)
def test_any_sequence_will_do(given):
    assert read_names("class_names", given, 2) == ("a", "1")


def test_no_names():
    assert read_names("class_names", None, 2) is None


@pytest.mark.parametrize("given", ["ab", b"ab", 3, {"a", "b"}, np.array(3)], ids=repr)
def test_what_is_no_sequence(given):
    refused(lambda: read_names("x", given, 2), "^x is .*; expected a sequence of 2 names$", error=TypeError)
    refused(lambda: read_names("x", given), "^x is .*; expected a sequence of names$", error=TypeError)


@pytest.mark.parametrize(
    "given, n, words",
    [
        ([], 1, "^x has 0 names; expected 1 name$"),
        (["a"], 2, "^x has 1 name; expected 2 names$"),
        (["a", "b", "a"], 3, "^x has 'a' twice; expected names that differ$"),
        ([1, "1"], 2, "^x has '1' twice"),
    ],
)
def test_names_that_do_not_fit(given, n, words):
    refused(lambda: read_names("x", given, n), words)


def test_names_of_the_inputs():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"height": [1.0], "weight": [2.0]})
    assert read_input_names(None, [[1.0, 2.0]], 2) == ("x1", "x2")
    assert read_input_names(None, frame, 2) == read_input_names(None, frame.iloc[0], 2) == ("height", "weight")
    assert read_input_names(["a", "b"], frame, 2) == ("a", "b")
    twice = pandas.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    refused(lambda: read_input_names(None, twice, 2), "^the header of X has 'a' twice")
