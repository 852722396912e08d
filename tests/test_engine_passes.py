"""The engines' own checks of predict, evaluate and the elementary functions: sizes, kinds of numbers, alignment."""

import numpy as np
import pytest

from bp_core import _engine_f32, _engine_f64
from bp_core._targets import Data
from engine_calls import BAD, NOTHING, SIZES, SPOILT, Call, N
from support import assert_same_bits

pytestmark = pytest.mark.parametrize("engine", [_engine_f32, _engine_f64], ids=["f32", "f64"])


@pytest.mark.parametrize("shape", [(N - 1, 3), (N, 2), (0, 3), (59,)], ids=str)
def test_predict_without_room(engine, shape):
    call = Call(engine)
    with pytest.raises(BAD):
        engine.predict(call.plan, call.parameters, call.X, np.zeros(shape, engine.DTYPE), 1)


@pytest.mark.parametrize("how", SPOILT)
def test_predict_into_what_does_not_fit(engine, how):
    call = Call(engine)
    out = np.zeros(N * 3, engine.DTYPE)
    with pytest.raises(BAD):
        engine.predict(call.plan, call.parameters, call.X, SPOILT[how](out), 1)


@pytest.mark.parametrize("how", [how for how in SPOILT if how != "read-only"])
@pytest.mark.parametrize("name", ["predict", "predict_plain", "evaluate", "all_finite"])
def test_parameters_that_do_not_fit(engine, name, how):
    call = Call(engine)
    parameters = SPOILT[how](call.parameters)
    calls = {
        "predict": lambda: engine.predict(call.plan, parameters, call.X, np.zeros((N, 3), engine.DTYPE), 1),
        "predict_plain": lambda: engine.predict_plain(call.plan, parameters, call.X[0], None),
        "evaluate": lambda: engine.evaluate(call.plan, parameters, Data(call.X, call.y), call.objective, NOTHING),
        "all_finite": lambda: engine.all_finite(call.plan, parameters),
    }
    with pytest.raises(BAD):
        calls[name]()


@pytest.mark.parametrize("shape", [(N, 3), (N, 5), (4, N), (), (N, 4, 1), (0, 5)])
def test_predict_rows_of_another_width(engine, shape):
    call = Call(engine)
    with pytest.raises(BAD):
        engine.predict(call.plan, call.parameters, np.zeros(shape, engine.DTYPE), np.zeros((N, 3), engine.DTYPE), 1)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(3), np.zeros(5), np.zeros((1, 5)), np.zeros((0, 4)), np.zeros((1, 1, 4)), np.zeros(()),
        np.zeros(8)[::2], np.zeros(4)[::-1],
        np.zeros(4, ">f4"), np.zeros(4, ">f8"), np.zeros(4, "i4"), np.zeros(4, "f2"), np.zeros(4, "c8"),
        np.zeros(4, "M8[s]"), np.zeros(4, object), b"1234", bytearray(16), [0.0] * 4, None, "four", 3.0,
    ],
    ids=repr,
)  # fmt: skip
def test_one_row_that_is_not_plain_takes_the_longer_path(engine, x):
    """None: nothing was computed. An array of the engine's own dtype must not be among them."""
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        x = x.astype(engine.DTYPE) if x.strides == (8,) * x.ndim or x.ndim != 1 else x
    call = Call(engine)
    assert engine.predict_plain(call.plan, call.parameters, x, None) is None


def results(engine):
    """Arrays for all that evaluate can write."""
    size = engine.layout(Call(engine).plan)[0]
    per_layer = [[np.zeros((N, units), engine.DTYPE) for units in SIZES[1:]] for _ in range(3)]
    return [*per_layer, np.zeros((N, SIZES[0]), engine.DTYPE), np.zeros(size, engine.DTYPE)]


def evaluate(engine, wanted):
    call = Call(engine)
    return engine.evaluate(call.plan, call.parameters, Data(call.X, call.y), call.objective, tuple(wanted))


def test_evaluate_itself_works(engine):
    wanted = results(engine)
    assert evaluate(engine, wanted)[0] == 0
    assert all(array.any() for array in (*wanted[1], wanted[2][1], wanted[4]))


@pytest.mark.parametrize("which", range(3), ids=["z", "a", "delta"])
@pytest.mark.parametrize("layers", [0, 1])
def test_evaluate_with_arrays_for_fewer_layers(engine, which, layers):
    for kind in (list, tuple):
        wanted = results(engine)
        wanted[which] = kind(wanted[which][:layers])
        with pytest.raises(IndexError):
            evaluate(engine, wanted)


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("which", range(5), ids=["z", "a", "delta", "inputs", "gradient"])
def test_evaluate_into_what_does_not_fit(engine, which, how):
    wanted = results(engine)
    if which < 3:
        wanted[which][1] = SPOILT[how](wanted[which][1].ravel())
    else:
        wanted[which] = SPOILT[how](wanted[which].ravel())
    with pytest.raises(BAD):
        evaluate(engine, wanted)


def test_evaluate_a_gradient_without_room_for_the_inputs(engine):
    """They are not computed then; the gradient is the same."""
    wanted, other = results(engine), results(engine)
    wanted[3] = None
    assert evaluate(engine, wanted) == evaluate(engine, other)
    assert_same_bits(wanted[4], other[4])
    assert other[4].any()


def test_evaluate_a_gradient_without_targets(engine):
    call = Call(engine)
    with pytest.raises(ValueError, match="targets"):
        engine.evaluate(call.plan, call.parameters, Data(call.X, None), call.objective, tuple(results(engine)))


@pytest.mark.parametrize("tuple_", [(), (1,), None])
@pytest.mark.parametrize("which", range(2, 5))
def test_evaluate_with_tuples_of_another_length(engine, which, tuple_):
    call = Call(engine)
    arguments = [call.plan, call.parameters, Data(call.X, call.y), call.objective, NOTHING]
    arguments[which] = tuple_
    with pytest.raises((*BAD, IndexError)):
        engine.evaluate(*arguments)


# ---- the elementary functions ----


@pytest.mark.parametrize("how", [how for how in SPOILT if how != "read-only"])
def test_elementary_of_what_does_not_fit(engine, how):
    x = np.ones(10, engine.DTYPE)
    spoilt = SPOILT[how](x)
    if how not in ("short", "empty"):  # fewer numbers in than there is room for are well
        with pytest.raises(BAD):
            engine.elementary("exp", spoilt, np.zeros(10, engine.DTYPE))
    with pytest.raises(BAD):
        engine.elementary("exp", x, spoilt)


def test_elementary_of_another_name(engine):
    with pytest.raises(ValueError, match=r"."):
        engine.elementary("sin", np.ones(3, engine.DTYPE), np.ones(3, engine.DTYPE))


# ---- alignment ----


def one_byte_off(array):
    room = np.zeros(array.nbytes + 1, np.uint8)
    view = room[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


@pytest.mark.parametrize("name", ["X", "y"])
def test_data_that_are_not_aligned(engine, name):
    """Same bits as aligned ones; every read of them is of bytes."""
    plain, shifted = Call(engine), Call(engine)
    shifted.with_(**{name: one_byte_off(getattr(plain, name))})
    assert plain() == shifted() == (0, 0)
    assert_same_bits(shifted.parameters, plain.parameters)
    out = [np.zeros((N, 3), engine.DTYPE) for _ in range(2)]
    for call, rows in zip((plain, shifted), out, strict=True):
        engine.predict(call.plan, call.parameters, call.X, rows, 1)
    assert_same_bits(out[1], out[0])
