"""The engines' own checks of a plan and of training: what the Python face never passes is refused too.

Most of it cannot be reached through Network and Trainer. Each call here would read or write beyond an array if the
engine trusted it.
"""

import numpy as np
import pytest

from bp_core import _dispatch, _engine_f32, _engine_f64, losses
from bp_core._recipe import ADAGRAD, ADAM, ADAMW, MOMENTUM, NESTEROV, RMSPROP
from bp_core._targets import Data
from bp_core.losses import Objective
from engine_calls import BAD, NOTHING, SIZES, SPOILT, Call, N, plan_of, words
from support import assert_same_bits

BAD_X, BAD_ORDER = 4, 7
POSITION = 2

pytestmark = pytest.mark.parametrize("engine", [_engine_f32, _engine_f64], ids=["f32", "f64"])


def changed(place, value):
    """The plan with one of its numbers changed: 0 layers, 1 to 3 sizes, 4 and 5 activations, 6 and 7 bias modes."""
    numbers = words(plan_of())
    numbers[place] = value
    return numbers.tobytes()


BAD_PLANS = {
    "empty": b"",
    "a part of a number": b"\2",
    "only the layers": words(plan_of())[:1].tobytes(),
    "one number less": plan_of()[:-8],
    "one number more": plan_of() + bytes(8),
    "half": plan_of()[: len(plan_of()) // 16 * 8],
    **{f"{n} layers": changed(0, n) for n in (0, 1, 3, -1, 2**62, 2**63 - 1, -(2**63))},
    **{f"size {n}": changed(2, n) for n in (0, -1, -(2**63), 2**63 - 1, 2**30 + 1)},
    "no inputs": changed(1, 0),
    "no outputs": changed(3, 0),
    "a product that wraps to 0": plan_of((2**32, 2**32)),
    "a product that wraps to a few": plan_of((2**33 + 1, 2**31 + 1)),
    "a product beyond memory": plan_of((2**30, 2**30)),
    "a sum beyond memory": plan_of((2**22, 2**22, 2**22)),
    **{f"activation {n}": changed(5, n) for n in (-1, 12, 2**31, 2**32, 2**63 - 1)},
    **{f"bias mode {n}": changed(6, n) for n in (-1, 3, 2**32 + 1)},
}


def call_of_each(engine, plan):
    """Every function that takes a plan, with arrays for a small network."""
    room = np.zeros(10_000, engine.DTYPE)
    X, y = np.zeros((N, SIZES[0]), engine.DTYPE), np.zeros((N, SIZES[-1]), engine.DTYPE)
    return {
        "layout": lambda: engine.layout(plan),
        "all_finite": lambda: engine.all_finite(plan, room),
        "training_workspace": lambda: engine.training_workspace(plan, N, 8, 0, False, False, 1),
        "predict": lambda: engine.predict(plan, room, X, np.zeros((N, SIZES[-1]), engine.DTYPE), 1),
        "predict_plain": lambda: engine.predict_plain(plan, room.data, X[0], None),
        "evaluate": lambda: engine.evaluate(plan, room, Data(X, y), Objective(0), NOTHING),
        "normal_equations_shape": lambda: engine.normal_equations_shape(plan),
        "normal_equations": lambda: engine.normal_equations(
            plan, room, Data(X, y), Objective(0), (0.0, False), room.copy()
        ),
        "loss_behind": lambda: engine.loss_behind(
            plan, room, room.copy(), room.copy(), Data(X, y), Objective(0), (0.0, False)
        ),
        "jacobian": lambda: engine.jacobian(plan, room, X, np.zeros((N, SIZES[-1], SIZES[0]), engine.DTYPE)),
        "train": lambda: Call(engine).with_(plan=plan)(),
    }


CALLS = (
    "layout", "all_finite", "training_workspace", "predict", "predict_plain", "evaluate", "normal_equations_shape",
    "normal_equations", "loss_behind", "jacobian", "train",
)  # fmt: skip


def test_the_call_itself_works(engine):
    """What the tests below spoil is right to begin with."""
    call = Call(engine)
    assert call() == (0, 0)
    assert list(call.counters) == [6, 2, 0]
    assert (call.losses > 0).all()
    for name, use in call_of_each(engine, plan_of()).items():
        assert use() is not None, name


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", BAD_PLANS)
def test_a_damaged_plan(engine, kind, name):
    with pytest.raises(ValueError, match=r"plan|units|activation|bias mode|parameters"):
        call_of_each(engine, BAD_PLANS[kind])[name]()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("plan", [None, "plan", 3, bytearray(plan_of()), memoryview(plan_of())], ids=repr)
def test_a_plan_is_bytes(engine, plan, name):
    with pytest.raises(TypeError):
        call_of_each(engine, plan)[name]()


BUFFERS = ("parameters", "workspace", "m", "v", "counters", "running", "order", "losses", "seconds")


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("name", BUFFERS)
def test_a_buffer_that_does_not_fit(engine, name, how):
    call = Call(engine)
    counters, parameters, before = call.counters, call.parameters, call.parameters.copy()
    with pytest.raises(BAD):
        call.with_(**{name: SPOILT[how](getattr(call, name))})()
    assert list(counters) == [0, 0, 0]
    assert_same_bits(parameters, before)


@pytest.mark.parametrize("name", ["parameters", "workspace", "counters", "running", "order", "losses", "seconds"])
def test_a_buffer_that_is_missing(engine, name):
    with pytest.raises(BAD):
        Call(engine).with_(**{name: None})()


@pytest.mark.parametrize(
    ("optimizer", "missing"),
    [
        (MOMENTUM, "m"),
        (NESTEROV, "m"),
        (ADAM, "m"),
        (ADAMW, "m"),
        (RMSPROP, "v"),
        (ADAGRAD, "v"),
        (ADAM, "v"),
        (ADAMW, "v"),
    ],
)
def test_an_optimizer_without_its_state(engine, optimizer, missing):
    with pytest.raises(ValueError, match=r"first state|second state"):
        Call(engine, optimizer).with_(**{missing: None})()


@pytest.mark.parametrize("code", [-1, 9, 2**31 - 1])
def test_an_unknown_optimizer(engine, code):
    with pytest.raises(ValueError, match=rf"optimizer, number {code}"):
        Call(engine, code)()


@pytest.mark.parametrize("code", [-1, losses.GIVEN_SOFTMAX + 1, 2**31 - 1])
def test_an_unknown_loss(engine, code):
    with pytest.raises(ValueError, match=rf"loss, number {code}"):
        Call(engine).with_(objective=Objective(code))()
    with pytest.raises(ValueError, match=rf"loss, number {code}"):
        engine.evaluate(
            plan_of(), Call(engine).parameters, Data(Call(engine).X, Call(engine).y), Objective(code), NOTHING
        )


@pytest.mark.parametrize(
    ("loss", "output"),
    [("cross_entropy", "sigmoid"), ("mse", "softmax"), ("binary_cross_entropy", "tanh"), ("poisson", "relu")],
)
def test_a_loss_that_does_not_fit_the_output(engine, loss, output):
    """Without the check a kernel would be told of a derivative that does not exist."""
    call = Call(engine).with_(plan=plan_of(output=output), objective=Objective(losses.CODES[loss]))
    with pytest.raises(ValueError, match="does not fit"):
        call()
    with pytest.raises(ValueError, match="does not fit"):
        engine.evaluate(call.plan, call.parameters, Data(call.X, call.y), call.objective, NOTHING)


# ---- the data ----


SHAPES = {
    "X": [(N, 3), (N, 5), (N,), (4, N), (0, 4), (N, 4, 1), ()],
    "y": [(N, 2), (N, 4), (N - 1, 3), (N + 1, 3), (N,), (0, 3), (N, 3, 1)],
    "classes": [(N - 1,), (0,), (1,)],
    "weights": [(N - 1,), (0,), (1,)],
}


def softmax_call(engine):
    """A call with class indices."""
    loss = losses.CODES["cross_entropy"]
    call = Call(engine).with_(plan=plan_of(output="softmax"), objective=Objective(loss))
    workspace = np.zeros(call.needed(call.batch_size, loss=loss), engine.DTYPE)
    return call.with_(y=None, classes=np.arange(N) % 3, workspace=workspace)


@pytest.mark.parametrize(("name", "shape"), [(name, shape) for name, shapes in SHAPES.items() for shape in shapes])
def test_data_of_another_shape(engine, name, shape):
    call = softmax_call(engine) if name == "classes" else Call(engine)
    kind = {"classes": np.int64, "weights": np.float64}.get(name, engine.DTYPE)
    call.with_(**{name: np.zeros(shape, kind)})
    with pytest.raises(BAD):
        call()
    with pytest.raises(BAD):
        engine.evaluate(
            call.plan, call.parameters, Data(call.X, call.y, call.classes, call.weights), call.objective, NOTHING
        )


@pytest.mark.parametrize("kind", ["c8", "c16", "O", "U3", "S8", "V8", "f4,f4"])
@pytest.mark.parametrize("name", ["X", "y"])
def test_data_that_are_no_real_numbers(engine, name, kind):
    call = Call(engine)
    with pytest.raises(BAD):
        call.with_(**{name: np.zeros(getattr(call, name).shape, kind)})()


@pytest.mark.parametrize("kind", ["M8[s]", "m8[s]"])
def test_dates_open_no_buffer(engine, kind):
    with pytest.raises(BAD):
        Call(engine).with_(X=np.zeros((N, 4), kind))()


@pytest.mark.parametrize("kind", ["int32", "uint64", "float64", ">i8"])
def test_class_indices_of_another_kind(engine, kind):
    with pytest.raises(BAD):
        softmax_call(engine).with_(classes=(np.arange(N) % 3).astype(kind))()


@pytest.mark.parametrize("index", [-1, 3, 2**31, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("row", [0, 7, N - 1])
def test_a_class_index_out_of_range_is_a_status(engine, row, index):
    """The last door: no target beside the row of targets."""
    call = softmax_call(engine).with_(random=None)
    call.classes[row] = index
    assert call() == (6, row)
    data = Data(call.X, classes=call.classes)
    status, _, bad_row = engine.evaluate(call.plan, call.parameters, data, call.objective, NOTHING)
    assert (status, bad_row) == (6, row)


def test_neither_targets_nor_classes(engine):
    with pytest.raises(BAD):
        Call(engine).with_(y=None)()


# ---- the derivatives by the inputs ----


def jacobian(engine, shape=(N, SIZES[-1], SIZES[0]), **changes):
    """A jacobian call that works, with some of its arguments replaced."""
    call = Call(engine)
    given = {"parameters": call.parameters, "X": call.X, "out": np.zeros(shape, engine.DTYPE), **changes}
    return engine.jacobian(call.plan, given["parameters"], given["X"], given["out"])


def test_the_jacobian_itself_works(engine):
    out = np.zeros((N, SIZES[-1], SIZES[0]), engine.DTYPE)
    assert jacobian(engine, out=out) == (0, 0)
    assert out.all()


@pytest.mark.parametrize("shape", [(N - 1, 3, 4), (N, 2, 4), (N, 3, 3), (N, 3), (0,), (N * 12 - 1,)], ids=str)
def test_a_jacobian_without_room(engine, shape):
    with pytest.raises(ValueError, match="expected 20 rows of 12"):
        jacobian(engine, shape)


@pytest.mark.parametrize("how", SPOILT)
def test_a_jacobian_into_what_does_not_fit(engine, how):
    with pytest.raises(BAD):
        jacobian(engine, out=SPOILT[how](np.zeros(N * 12, engine.DTYPE)))


@pytest.mark.parametrize("how", [how for how in SPOILT if how != "read-only"])
def test_a_jacobian_of_parameters_that_do_not_fit(engine, how):
    with pytest.raises(BAD):
        jacobian(engine, parameters=SPOILT[how](Call(engine).parameters))


@pytest.mark.parametrize("shape", SHAPES["X"], ids=str)
def test_a_jacobian_at_rows_of_another_shape(engine, shape):
    """(0, 4) holds no row, so there is nothing to write."""
    X = np.zeros(shape, engine.DTYPE)
    if shape == (0, 4):
        assert jacobian(engine, X=X, shape=(0, 3, 4)) == (0, 0)
        return
    with pytest.raises(BAD):
        jacobian(engine, X=X, shape=(1000, 3, 4))


@pytest.mark.parametrize("kind", ["c8", "O", "U3", "V8", "f4,f4", "M8[s]"])
def test_a_jacobian_at_no_real_numbers(engine, kind):
    with pytest.raises(BAD):
        jacobian(engine, X=np.zeros((N, 4), kind))


@pytest.mark.parametrize("row", [0, 7, N - 1])
def test_a_jacobian_at_a_row_that_is_not_finite_is_a_status(engine, row):
    X = Call(engine).X
    X[row, 2] = np.nan
    assert jacobian(engine, X=X) == (BAD_X, row)


# ---- where in the epoch ----


@pytest.mark.parametrize("position", [-1, N, N + 1, 2**62, -(2**63), 2**63 - 1])
def test_a_position_outside_the_rows(engine, position):
    call = Call(engine)
    call.counters[POSITION] = position
    with pytest.raises(ValueError, match=str(position)):
        call()


@pytest.mark.parametrize("row", [-1, N, 2**40, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
def test_an_order_that_leaves_the_data(engine, clip_norm, row):
    """In the middle of an epoch the order is the caller's: a row that is not there ends the call."""
    call = Call(engine, clip_norm=clip_norm)
    call.counters[POSITION] = 8
    call.order[13] = row
    before = call.parameters.copy()
    status, _ = call()
    assert status == BAD_ORDER
    assert call.counters[POSITION] == 8
    assert_same_bits(call.parameters, before)


def test_an_order_that_is_used_up_is_drawn_anew(engine):
    """At the start of an epoch nothing is read of what the order held."""
    call = Call(engine).with_(order=np.full(N, 2**62))
    assert call()[0] == 0
    assert sorted(call.order) == list(range(N))


@pytest.mark.parametrize("epochs", [0, -1, 3, 2**62])
def test_no_epochs_or_more_than_there_is_room_for(engine, epochs):
    with pytest.raises(ValueError, match=r"losses|epochs"):
        Call(engine).with_(epochs=epochs)()


@pytest.mark.parametrize("batch_size", [0, -1, -(2**63)])
def test_a_batch_without_rows(engine, batch_size):
    with pytest.raises(ValueError, match="batches"):
        Call(engine).with_(batch_size=batch_size)()


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [2**64, 1.5, "2", None])
def test_counts_are_integers(engine, value, name):
    with pytest.raises((TypeError, OverflowError)):
        Call(engine).with_(**{name: value})()


@pytest.mark.parametrize("batch_size", [9, N, 2**62])
def test_a_workspace_for_smaller_batches(engine, batch_size):
    """It was measured for 8 rows: what a larger batch needs is checked anew."""
    call = Call(engine)
    call.workspace = call.workspace[: call.needed(1)].copy()
    with pytest.raises(ValueError, match="workspace"):
        call.with_(batch_size=batch_size)()


def test_a_workspace_one_number_short_where_the_gradient_is_whole(engine):
    call = Call(engine, clip_norm=1.0)
    assert call()[0] == 0
    call = Call(engine, clip_norm=1.0)
    with pytest.raises(ValueError, match="workspace"):
        call.with_(workspace=call.workspace[:-1])()


@pytest.mark.parametrize(
    "random", ["a capsule", 3, object(), _dispatch.slots["f32"]], ids=["str", "int", "object", "slot"]
)
def test_a_generator_is_a_capsule_of_one(engine, random):
    with pytest.raises(BAD):
        Call(engine).with_(random=random)()


@pytest.mark.parametrize("tuple_", [(), (1,), None])
@pytest.mark.parametrize("which", range(2, 7))
def test_tuples_of_another_length(engine, which, tuple_):
    call = Call(engine)
    arguments = [
        call.plan, call.parameters, call.recipe, (call.m, call.v, None, call.counters, call.running),
        Data(call.X, call.y), call.objective,
        (2, 8, -np.inf, np.inf, call.order, False, call.losses, call.seconds, None, 1, call.rates, False),
        call.workspace,
    ]  # fmt: skip
    arguments[which] = tuple_
    with pytest.raises(BAD):
        engine.train(*arguments)


@pytest.mark.parametrize("threads", [-1, 0, 65, 2**62])
def test_numbers_of_threads_out_of_range(engine, threads):
    with pytest.raises(ValueError, match="threads; expected 1 to 64"):
        Call(engine).with_(threads=threads)()


def test_a_workspace_for_fewer_threads(engine):
    assert Call(engine, threads=3)()[0] == 0
    with pytest.raises(ValueError, match="workspace"):
        Call(engine).with_(threads=3)()


@pytest.mark.parametrize("extra", range(1, 8))
def test_a_plan_of_no_whole_number_of_words(engine, extra):
    with pytest.raises(ValueError, match="no whole number of words"):
        engine.layout(plan_of() + b"\0" * extra)


@pytest.mark.parametrize(("n", "batch_size"), [(0, 1), (-1, 8), (20, 0), (20, -8)])
def test_a_workspace_for_no_rows(engine, n, batch_size):
    with pytest.raises(ValueError, match="expected at least 1 of each"):
        engine.training_workspace(plan_of(), n, batch_size, 0, False, False, 1)
