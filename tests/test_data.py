"""Every numeric array is taken as it is, row by row: with the bits of the converted array."""

import numpy as np
import pytest

import bp_core as bp
from support import DTYPES, assert_same_bits, make_network, uniform

pytestmark = pytest.mark.usefixtures("isa")

N, N_IN = 45, 5
KINDS = (
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "float16", "float32", "float64", "longdouble", ">i2", ">u4", ">i8", ">f2", ">f4", ">f8",
)  # fmt: skip


def values(kind, n=N, n_in=N_IN):
    """Numbers that use what the kind has: both signs where there are any, fractions where there are any."""
    kind = np.dtype(kind)
    if kind.kind == "b":
        return uniform(1, (n, n_in)) > 0
    if kind.kind == "f":
        return uniform(1, (n, n_in), -2, 2).astype(kind)
    return np.floor(uniform(1, (n, n_in), -100 if kind.kind == "i" else 0, 100)).astype(kind)


def plain(X, dtype):
    """The converted, contiguous copy."""
    return np.array(X.astype(dtype), dtype=dtype, order="C")


def same_results(X, dtype, y=None):
    """predict, gradients, step and fit from X and from its converted copy."""
    y = uniform(2, (len(X), 2), 1.0, 2.0) if y is None else y
    results = []
    for rows in (X, plain(X, dtype)):
        net = make_network((N_IN, 6, 2), scale=0.05, hidden="tanh", dtype=dtype)
        gradients = net.gradients(rows, y)
        arrays = [net.predict(rows), net.predict(rows[3]), *gradients.weights, gradients.inputs, net.loss(rows, y)]
        trainer = bp.Trainer(net, batch_size=8, seed=1, optimizer="adam")
        arrays.append(trainer.step(rows, y))
        arrays += trainer.fit(rows, y, epochs=2, validation_data=(rows, y)).validation_loss
        results.append([*arrays, net.get_parameters()])
    for actual, expected in zip(*results, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_numeric_dtype(kind, dtype):
    same_results(values(kind), dtype)


def fortran(X):
    return np.asfortranarray(X)


def every_other_row(X):
    return np.repeat(X, 2, axis=0)[::2]


def every_other_column(X):
    return np.repeat(X, 2, axis=1)[:, ::2]


def backwards(X):
    return X[::-1, ::-1].copy()[::-1, ::-1]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def one_byte_off(X):
    buffer = np.zeros(X.nbytes + 1, np.uint8)
    view = buffer[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    return view


def a_field_of_a_record(X):
    record = np.zeros(len(X), dtype=[("pad", "u1"), ("x", X.dtype, (X.shape[1],))])
    record["x"] = X
    return record["x"]


LAYOUTS = (fortran, every_other_row, every_other_column, backwards, read_only, one_byte_off, a_field_of_a_record)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout, kind, dtype):
    X = layout(values(kind))
    assert np.array_equal(X, values(kind))
    before = X.copy()
    same_results(X, dtype)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_that_are_one_row_again_and_again(dtype):
    same_results(np.broadcast_to(values("float64")[0], (N, N_IN)), dtype)


@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_memory_maps(kind, tmp_path):
    X = values(kind)
    X.tofile(tmp_path / "X")
    same_results(np.memmap(tmp_path / "X", dtype=kind, mode="r", shape=X.shape), "float32")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["int64", "uint8", "float16", "float32", ">f8"])
def test_targets_of_every_kind(kind, layout):
    y = layout(np.floor(uniform(3, (N, 2), 0, 5)).astype(kind))
    results = []
    for given in (y, np.array(y, dtype="float64", order="C")):
        net = make_network((N_IN, 6, 2), hidden="tanh")
        bp.Trainer(net, batch_size=8, seed=1).fit(values("float32"), given, epochs=2, sample_weight=np.arange(N) + 1)
        results.append(net.get_parameters())
    assert_same_bits(results[0], results[1])


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "bool"])
def test_class_indices_of_every_kind(kind):
    classes = np.arange(N) % 3
    results = []
    for given in (classes.astype(kind), classes):
        net = make_network((N_IN, 6, 3), hidden="tanh", output="softmax")
        history = bp.Trainer(net, batch_size=8, seed=1).fit(values("float32"), given, epochs=2)
        results.append([*history.loss, net.loss(values("float32"), given), net.get_parameters()])
    for actual, expected in zip(*results, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lists(dtype):
    X = values("float64")
    net = make_network((N_IN, 6, 2), hidden="tanh", dtype=dtype)
    assert_same_bits(net.predict(X.tolist()), net.predict(X))
    assert_same_bits(net.predict(X[0].tolist()), net.predict(X[0]))
    assert net.loss(X.tolist(), X[:, :2].tolist()) == net.loss(X, X[:, :2])


@pytest.mark.parametrize("dtype", DTYPES)
def test_pandas(dtype):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y, weight = values("float64"), uniform(3, N), uniform(4, N, 0.5, 1.0)
    frame = pandas.DataFrame(X, columns=list("abcde"), index=np.arange(N) * 3 + 7)
    frame["a"] = np.floor(frame["a"]).astype("int16")  # columns of mixed dtypes
    X = frame.to_numpy()
    results = []
    for rows, goal, w in ((frame, pandas.Series(y, index=frame.index), pandas.Series(weight)), (X, y, weight)):
        net = make_network((N_IN, 6, 1), hidden="tanh", dtype=dtype)
        history = bp.Trainer(net, batch_size=8, seed=1).fit(rows, goal, epochs=2, sample_weight=w)
        results.append([*history.loss, net.predict(rows), net.loss(rows, goal), net.get_parameters()])
    for actual, expected in zip(*results, strict=True):
        assert_same_bits(actual, expected)
        assert type(actual) is not pandas.DataFrame


def test_any_object_that_gives_an_array():
    class Table:
        def __array__(self, dtype=None, copy=None):
            return values("float64")

    net = make_network((N_IN, 6, 2))
    assert_same_bits(net.predict(Table()), net.predict(values("float64")))
