"""The digits that travel with the package: whole, unchanged, small."""

from __future__ import annotations

import zlib
from importlib.resources import files

import numpy as np
import pytest

from bp_core.data import load_digits


def test_shapes_and_types():
    X, y = load_digits()
    assert X.shape == (1797, 64)
    assert y.shape == (1797,)
    assert X.dtype == y.dtype == np.uint8


def test_values_are_those_of_the_uci_test_set():
    X, y = load_digits()
    assert X.min() == 0
    assert X.max() == 16
    # Examples per digit, as the data set's own documentation counts them in optdigits.tes.
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert zlib.crc32(X.tobytes()) == 0xF3A2533C
    assert zlib.crc32(y.tobytes()) == 0xF86FC929


def test_equal_to_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    X, y = load_digits()
    assert np.array_equal(X, theirs.data)
    assert np.array_equal(y, theirs.target)


def test_every_call_returns_its_own_arrays():
    X, y = load_digits()
    X[:] = 0
    y[:] = 0
    X_again, y_again = load_digits()
    assert X_again.any()
    assert y_again.any()


def test_file_is_small_and_says_where_it_comes_from():
    folder = files("bp_core.data")
    assert len((folder / "digits.npz").read_bytes()) < 100_000
    text = (folder / "digits.md").read_text(encoding="utf-8")
    for word in ("Alpaydin", "Kaynak", "UCI", "CC BY 4.0", "10.24432/C50P49"):
        assert word in text
