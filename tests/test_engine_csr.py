"""The engines' own checks of a sparse X: damaged parts raise or are a status, and none is read beyond its end."""

import threading
import time

import numpy as np
import pytest

from bp_core import _engine_f32, _engine_f64
from bp_core._targets import Data
from engine_calls import BAD, SIZES, SPOILT, Call, N
from support import assert_same_bits, csr_of, some_rows, uniform

BAD_X, BAD_ENTRIES = 4, 8
PARTS = ("data", "indices", "indptr")
EXTREMES = (-1, 2**31 - 1, -(2**31), 2**32, 2**62, -(2**63), 2**63 - 1)

pytestmark = pytest.mark.parametrize("engine", [_engine_f32, _engine_f64], ids=["f32", "f64"])


class Sparse:
    """Calls of train, evaluate with gradients, and predict that work; a part of X may be replaced."""

    def __init__(self, engine, threads=1, index=np.int64, n_in=SIZES[0]):
        csr = csr_of(some_rows(N, n_in, 0.6) + np.eye(N, n_in))
        self.parts = {
            "data": csr.data.astype(engine.DTYPE),
            "indices": csr.indices.astype(index),
            "indptr": csr.indptr.astype(index),
            "shape": csr.shape,
        }
        self.call = Call(engine, threads=threads)

    def calls(self):
        call, engine, X = self.call, self.call.engine, tuple(self.parts.values())
        layers = [np.zeros((N, units), engine.DTYPE) for units in SIZES[1:]]
        inputs, gradient = np.zeros((N, SIZES[0]), engine.DTYPE), np.zeros_like(call.parameters)
        wanted, out = (None, None, layers, inputs, gradient), np.zeros((N, SIZES[-1]), engine.DTYPE)
        data = Data(X, call.y)
        return {
            "train": lambda: call.with_(X=X)(),
            "evaluate": lambda: engine.evaluate(call.plan, call.parameters, data, call.objective, wanted)[::2],
            "predict": lambda: engine.predict(call.plan, call.parameters, X, out, call.threads),
        }


CALLS = ("train", "evaluate", "predict")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_the_calls_themselves_work(engine, index, threads):
    for name, use in Sparse(engine, threads, index).calls().items():
        assert use() == (0, 0), name


@pytest.mark.parametrize("how", [how for how in SPOILT if how not in ("read-only", "int32")])
@pytest.mark.parametrize("part", ["indices", "indptr"])
@pytest.mark.parametrize("name", CALLS)
def test_integers_that_do_not_fit(engine, name, part, how):
    call = Sparse(engine)
    call.parts[part] = SPOILT[how](call.parts[part])
    with pytest.raises(BAD):
        call.calls()[name]()


@pytest.mark.parametrize("how", ["short", "empty", "bytes", "a list", "a number", "objects"])
@pytest.mark.parametrize("name", CALLS)
def test_numbers_that_do_not_fit(engine, name, how):
    call = Sparse(engine)
    call.parts["data"] = SPOILT[how](call.parts["data"])
    with pytest.raises(BAD):
        call.calls()[name]()


@pytest.mark.parametrize("how", ["float16", "int32", "uint64", "the other dtype", "the other byte order", "backwards"])
@pytest.mark.parametrize("name", CALLS)
def test_numbers_of_every_kind(engine, name, how):
    call = Sparse(engine)
    call.parts["data"] = SPOILT[how](call.parts["data"])
    assert call.calls()[name]() == (0, 0)


def test_integers_that_are_not_aligned(engine):
    call = Sparse(engine)
    room = np.zeros(call.parts["indptr"].nbytes + 1, np.uint8)
    call.parts["indptr"] = room[1:].view(np.int64)
    with pytest.raises(BAD):
        call.calls()["train"]()


@pytest.mark.parametrize(
    "shape", [(N, 3), (N, 5), (N - 1, 4), (N + 1, 4), (-1, 4), (0, 4), (2**62, 4), (N,), (N, 4, 1), None, (N, 2**64)]
)
@pytest.mark.parametrize("name", CALLS)
def test_another_shape(engine, name, shape):
    call = Sparse(engine)
    call.parts["shape"] = shape
    with pytest.raises((*BAD, OverflowError)):
        call.calls()[name]()


@pytest.mark.parametrize("parts", [(), (1,), (None,) * 4, (1, 2, 3, (N, 4)), (np.zeros(3),) * 5], ids=repr)
def test_a_tuple_of_something_else(engine, parts):
    with pytest.raises(BAD):
        Call(engine).with_(X=parts)()
    with pytest.raises(BAD):
        engine.predict(Call(engine).plan, Call(engine).parameters, parts, np.zeros((N, 3), engine.DTYPE), 1)
    with pytest.raises(BAD):
        engine.jacobian(Call(engine).plan, Call(engine).parameters, parts, np.zeros((N, 3, 4), engine.DTYPE))


@pytest.mark.parametrize("value", EXTREMES)
@pytest.mark.parametrize("part", ["indices", "indptr"])
@pytest.mark.parametrize("name", CALLS)
def test_a_number_out_of_range_is_a_status(engine, name, part, value):
    for index in (np.int32, np.int64):
        if np.iinfo(index).min <= value <= np.iinfo(index).max:
            call = Sparse(engine, 2, index)
            before = call.call.parameters.copy()
            call.call.random = None
            call.parts[part][9] = value
            status, row = call.calls()[name]()
            assert status == BAD_ENTRIES
            assert 0 <= row < N
            if name != "train":
                assert_same_bits(call.call.parameters, before)


@pytest.mark.parametrize("name", CALLS)
def test_columns_that_do_not_ascend_are_a_status(engine, name):
    call = Sparse(engine)
    row = int(np.argmax(np.diff(call.parts["indptr"]) > 1))
    start = call.parts["indptr"][row]
    call.parts["indices"][start + 1] = call.parts["indices"][start]
    call.call.random = None
    assert call.calls()[name]() == (BAD_ENTRIES, row)


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_a_number_that_is_not_finite_is_a_status(engine, name):
    call = Sparse(engine)
    call.call.random = None
    call.parts["data"][call.parts["indptr"][7]] = np.inf
    assert call.calls()[name]() == (BAD_X, 7)


def test_hundreds_of_damaged_matrices(engine):
    """Several numbers changed at once, near and far: a status or an error, and never a crash."""
    draws = iter(np.random.PCG64(5).random_raw(10_000).tolist())
    values = (*EXTREMES, 0, 1, 2, 3, 4, 5, 20, 40)
    for trial in range(120):
        call = Sparse(engine, 1 + trial % 3, (np.int32, np.int64)[trial % 2])
        for _ in range(1 + trial % 4):
            array = call.parts[("indices", "indptr")[next(draws) % 2]]
            value = values[next(draws) % len(values)]
            if np.iinfo(array.dtype).min <= value <= np.iinfo(array.dtype).max:
                array[next(draws) % len(array)] = value
        for use in call.calls().values():
            assert use()[0] in (0, BAD_X, BAD_ENTRIES)


def test_parts_that_another_thread_writes_to(engine):
    """Ends of rows and columns change all the time, to anything: a status at worst."""
    call = Sparse(engine, threads=2, n_in=SIZES[0])
    whole = {name: call.parts[name].copy() for name in ("indices", "indptr")}
    over = threading.Event()

    def scribble():
        words = (uniform(1, 4096, -4, 60)).astype(np.int64)
        while not over.is_set():
            for name, array in whole.items():
                call.parts[name][...] = np.resize(words, array.shape)
                call.parts[name][...] = array

    writer = threading.Thread(target=scribble)
    writer.start()
    seen, until = set(), time.monotonic() + 0.4
    try:
        while time.monotonic() < until:
            call.call.counters[:] = 0
            seen |= {use()[0] for use in call.calls().values()}
    finally:
        over.set()
        writer.join()
    assert seen <= {0, BAD_X, BAD_ENTRIES}
