"""Sparse rows as users have them: every format and dtype, what is wrong with them, and the object left as it is."""

import numpy as np
import pytest

import bp_core as bp
from bp_core import _csr
from support import DTYPES, Standin, assert_equal, csr_of, make_network, refused, run_python, some_rows, uniform


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("make", ["array", "matrix"])
def test_every_format(kind, make):
    sparse = pytest.importorskip("scipy.sparse")
    net, X = make_network((70, 21, 2)), some_rows(12, 70)
    given = getattr(sparse, f"{kind}_{make}")(X)
    assert_equal(net.predict(given), net.predict(X))


@pytest.mark.parametrize(
    "kind", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", ">f8", ">i4"]
)
def test_every_dtype_of_numbers(kind):
    X = np.where(some_rows(30, 70) != 0, np.arange(70) + 1, 0).astype(kind)
    given = csr_of(X)
    assert given.data.dtype == X.dtype
    for dtype in DTYPES:
        net = make_network((70, 21, 2), dtype=dtype)
        assert_equal(net.predict(given), net.predict(X))
        assert_equal(net.gradients(given, uniform(1, (30, 2))).loss, net.gradients(X, uniform(1, (30, 2))).loss)


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "i4", "i8", "u4", "u8", ">i4", ">i8"])
def test_every_dtype_of_indices(kind):
    net, X = make_network((70, 21, 2)), some_rows(9, 70)
    csr = csr_of(X)
    given = Standin(csr.data, csr.indices.astype(kind), csr.indptr.astype(kind), X.shape)
    assert_equal(net.predict(given), net.predict(X))


def test_strides_and_unused_room_at_the_end():
    net, X = make_network((70, 21, 2), dtype="float64"), some_rows(9, 70)
    csr = csr_of(X)
    data, indices = np.repeat(np.append(csr.data, np.nan), 2)[::2], np.repeat(np.append(csr.indices, -5), 2)[::2]
    given = Standin(data, indices, np.repeat(csr.indptr, 2)[::2], X.shape)
    assert_equal(net.predict(given), net.predict(X))
    assert np.isfinite(bp.Trainer(net).step(given, np.zeros((9, 2))))


class Other:
    """Sparse in a format of its own, which becomes CSR."""

    def __init__(self, csr):
        self._csr = csr

    def tocsr(self):
        return self._csr


def test_a_stand_in_is_recognised_by_its_parts():
    net = make_network((4, 3, 1), dtype="float64")
    given = Standin([1.0, 2.0, 3.0], [0, 3, 1], [0, 2, 2, 3], (3, 4))
    dense = np.array([[1.0, 0, 0, 2.0], [0, 0, 0, 0], [0, 3.0, 0, 0]])
    for X in (given, Other(given)):
        assert_equal(net.predict(X), net.predict(dense))
        assert bp.Trainer(net.copy()).step(X, [1, 2, 3]) == bp.Trainer(net.copy()).step(dense, [1, 2, 3])


@pytest.mark.parametrize("dtype", ["float64", "int8", "bool"])
def test_unsorted_columns_and_double_entries(dtype):
    """Numbers of one place are added, as toarray does; the caller's object keeps its order."""
    indices, indptr = np.array([9, 2, 2, 0, 5, 5, 5, 1]), np.array([0, 4, 4, 8])
    data = np.array([1, 100, 100, 3, 1, 2, 4, 1]).astype(dtype)
    X = pytest.importorskip("scipy.sparse").csr_array((data, indices, indptr), shape=(3, 10))
    before = [part.copy() for part in (X.data, X.indices, X.indptr)]
    net = make_network((10, 3, 1), dtype="float64")
    assert_equal(net.predict(X), net.predict(X.toarray()))
    net.gradients(X, [1, 2, 3])
    bp.Trainer(net).fit(X, [1, 2, 3], epochs=2)
    for part, kept in zip((X.data, X.indices, X.indptr), before, strict=True):
        np.testing.assert_array_equal(part, kept)


def test_an_order_found_out_in_the_next_block(monkeypatch):
    """Columns are looked at block by block: a fall, or the end of a row, may lie between two blocks."""
    net, X = make_network((10, 3, 1)), some_rows(40, 10, 0.9)
    for block in (1, 2, 3, 7):
        monkeypatch.setattr(_csr, "BLOCK", block)
        csr = csr_of(X)
        assert np.shares_memory(_csr.take_apart(csr).indices, csr.indices)
        for row in (1, 20, 39):
            turned = csr_of(X)
            here = slice(turned.indptr[row], turned.indptr[row + 1])
            turned.indices[here], turned.data[here] = turned.indices[here][::-1].copy(), turned.data[here][::-1].copy()
            assert_equal(net.predict(turned), net.predict(X))


def test_no_rows_and_nothing_stored():
    net = make_network((10, 3, 1))
    assert net.predict(csr_of(np.zeros((0, 10)))).shape == (0, 1)
    assert net.forward(csr_of(np.zeros((0, 10)))).output.shape == (0, 1)
    refused(lambda: bp.Trainer(net).fit(csr_of(np.zeros((0, 10))), np.zeros(0), epochs=1), r"\(0, 10\)", "no rows")
    nothing = csr_of(np.zeros((5, 10)))
    assert_equal(net.predict(nothing), net.predict(np.zeros((5, 10))))
    before = net.weights[0].copy()
    bp.Trainer(net, optimizer="sgd").step(nothing, np.ones(5))
    assert_equal(net.weights[0], before)


def test_out_and_its_overlap():
    net, X = make_network((10, 3, 1), dtype="float64"), csr_of(some_rows(5, 10, 0.9))
    out = np.empty((5, 1))
    assert net.predict(X, out=out) is out
    assert_equal(out, net.predict(X))
    refused(lambda: net.predict(X, out=X.data[:5, None]), "out overlaps X")


# ---- what is wrong ----


def broken(**parts):
    """A stand-in of 3 rows and 4 columns with some of its parts replaced."""
    whole = {"data": [1.0, 2.0, 3.0], "indices": [0, 3, 1], "indptr": [0, 2, 2, 3], "shape": (3, 4), **parts}
    return Standin(*(value if name == "shape" else np.asarray(value) for name, value in whole.items()))


BROKEN = {
    "columns beyond": ({"indices": [0, 4, 1]}, r"row 0 of X has a number in column 4; expected columns 0 to 3"),
    "a negative column": ({"indices": [0, 3, -1]}, r"row 2 of X has a number in column -1"),
    "indptr from 1": ({"indptr": [1, 2, 2, 3]}, r"indptr of X goes from 1 to 3; expected 0 to 3"),
    "a negative indptr": ({"indptr": [0, -2, 2, 3]}, r"indptr of X falls from 0 to -2 at row 0"),
    "a falling indptr": ({"indptr": [0, 2, 1, 3]}, r"indptr of X falls from 2 to 1 at row 1"),
    "indptr beyond": ({"indptr": [0, 2, 2, 4]}, r"indptr of X goes from 0 to 4"),
    "a short indptr": ({"indptr": [0, 2, 3]}, r"indptr of X has shape \(3,\); expected \(4,\) for 3 rows"),
    "fewer numbers": ({"data": [1.0, 2.0]}, r"data of shape \(2,\) and indices of shape \(3,\)"),
    "other features": ({"shape": (3, 5)}, r"x has 5 features per row; this network takes 4"),
    "one dimension": ({"shape": (4,)}, r"shape \(4,\); expected two dimensions"),
}
BROKEN_KINDS = {
    "complex": ({"data": [1j, 2, 3]}, r"X has dtype complex128; expected real numbers"),
    "objects": ({"data": np.array([1, 2, "x"], object)}, r"X has dtype object"),
    "indices of floats": ({"indices": [0.0, 3.0, 1.0]}, r"indices of X have dtype float64"),
    "indptr of objects": ({"indptr": np.array([0, 2, 2, 3], object)}, r"indptr of X have dtype object"),
}


@pytest.mark.parametrize("kind", [*BROKEN, *BROKEN_KINDS])
def test_what_does_not_fit_is_named(kind):
    net = make_network((4, 3, 1))
    parts, words = {**BROKEN, **BROKEN_KINDS}[kind]
    error = TypeError if kind in BROKEN_KINDS else ValueError
    y, X = [1, 2, 3], broken(**parts)
    for call in (
        lambda: net.predict(X),
        lambda: net.forward(X),
        lambda: net.loss(X, y),
        lambda: net.gradients(X, y),
        lambda: bp.Trainer(net).step(X, y),
        lambda: bp.Trainer(net).fit(X, y, epochs=1),
        lambda: bp.Trainer(net).fit(broken(), y, epochs=1, validation_data=(X, y)),
    ):
        refused(call, words, error=error)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_number_that_is_not_finite_is_named(value):
    net = make_network((4, 3, 1), dtype="float32")
    X, y, before = broken(data=[1.0, 2.0, value]), [1, 2, 3], net.get_parameters()
    for call in (
        lambda: net.loss(X, y),
        lambda: net.gradients(X, y),
        lambda: bp.Trainer(net).step(X, y),
        lambda: bp.Trainer(net, batch_size=1).fit(X, y, epochs=1),
        lambda: bp.Trainer(net).fit(broken(), y, epochs=1, validation_data=(X, y)),
    ):
        refused(call, r"X\[2, 1\] is " + str(value).replace("+", r"\+"))
    assert_equal(net.get_parameters(), before)


def test_a_nan_is_predicted_as_nan():
    net = make_network((4, 3, 1), dtype="float64", hidden="tanh")
    found = net.predict(broken(data=[1.0, np.nan, 3.0]))
    assert np.isnan(found[0]).all()
    assert_equal(found[1:], net.predict(broken())[1:])
    assert np.isnan(net.forward(broken(data=[1.0, np.nan, 3.0])).output[0]).all()


def test_what_takes_no_sparse_rows_says_so():
    net = make_network((4, 3, 1))
    X = csr_of(some_rows(3, 4, 0.9))
    for call in (
        lambda: net.jacobian(X),
        lambda: net.explain(X, [1, 2, 3]),
        lambda: net.check_gradients(X, [1, 2, 3]),
        lambda: bp.sweep_learning_rates(net, X, [1, 2, 3]),
    ):
        refused(call, r"sparse \(Standin\)", "toarray", error=TypeError)
    refused(lambda: net.loss(X, X), r"y is sparse", error=TypeError)


def test_scipy_is_not_imported():
    code = "import sys, bp_core as bp; bp.Network((2, 1)).predict([[1.0, 2.0]]); print('scipy' in sys.modules)"
    assert run_python(code).stdout.strip() == "False"
