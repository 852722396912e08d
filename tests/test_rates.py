"""Schedules in a trainer: every step gets its rate, in fits and in single steps, on any number of threads."""

import pickle
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import bp_core as bp
from bp_core import _rates
from bp_core.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
    WarmUp,
)
from support import assert_same_bits, uniform

N, BATCH, EPOCHS = 37, 8, 10  # 5 steps an epoch, the last of 5 rows
X, Y = uniform(1, (N, 3)), uniform(2, (N, 2))
SCHEDULES = {
    "constant": Constant(),
    "step": StepDecay(every=7, factor=0.5),
    "exponential": Exponential(factor=0.9),
    "inverse": InverseScaling(),
    "cosine": Cosine(steps=40, minimum=0.1),
    "restarts": Cosine(steps=3, restarts=True, growth=2),
    "one cycle": OneCycle(steps=45),
    "warm-up": WarmUp(12, then=Exponential(factor=0.95)),
    "function": lambda t: 1 / (1 + t),
    "zero": lambda t: 0.0 if t % 3 else 1.0,
}
OPTIMIZERS = (bp.SGD(0.1), bp.SGD(0.1, momentum=0.9), bp.RMSprop(), bp.Adam(0.01), bp.AdamW(0.01, weight_decay=0.5))


def trainer_of(schedule=None, optimizer="sgd", sizes=(3, 5, 2), dtype="float32", **settings):
    net = bp.Network(sizes, hidden="tanh", dtype=dtype, seed=1)
    settings = {"batch_size": BATCH, "shuffle": False, "seed": 2, **settings}
    return bp.Trainer(net, optimizer=optimizer, schedule=schedule, **settings)


def factor(schedule, t):
    return 1.0 if schedule is None else schedule(t)


def walk(schedule, optimizer, steps, **settings):
    """Step after step, each by an optimizer with the rate that the schedule gives it."""
    trainer = trainer_of(None, optimizer, **settings)
    step, losses = trainer._step, []
    for t in range(steps):
        rate = optimizer.learning_rate * factor(schedule, t)
        rows = slice(BATCH * (t % 5), BATCH * (t % 5 + 1))
        if rate:
            trainer.optimizer = replace(optimizer, learning_rate=rate)
        else:  # no optimizer has a rate of 0
            trainer._rates.ahead = lambda *_: np.zeros(1)
        losses.append(step(trainer._intake.data(X[rows], Y[rows])))
        trainer.schedule = None
    return trainer, losses


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_fit_is_a_walk_at_the_rates_of_the_schedule(name, optimizer):
    schedule = SCHEDULES[name]
    walked, losses = walk(schedule, optimizer, 50)
    fitted = trainer_of(schedule, optimizer)
    history = fitted.fit(X, Y, epochs=EPOCHS)
    assert_same_bits(fitted.network.get_parameters(), walked.network.get_parameters())
    assert history.learning_rate == [optimizer.learning_rate * factor(schedule, 5 * epoch + 4) for epoch in range(10)]
    sizes = np.tile([8, 8, 8, 8, 5], 10)
    np.testing.assert_allclose(history.loss, (np.array(losses) * sizes).reshape(10, 5).sum(axis=1) / N, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(3, 5, 2), (3, 40, 2)])
@pytest.mark.parametrize("name", SCHEDULES)
def test_single_steps_too(name, sizes):
    schedule, optimizer = SCHEDULES[name], bp.SGD(0.1, momentum=0.9)
    walked, losses = walk(schedule, optimizer, 50, sizes=sizes)
    stepped = trainer_of(schedule, optimizer, sizes=sizes)
    rows = [slice(BATCH * i, BATCH * (i + 1)) for i in range(5)]
    x, y = X.astype(np.float32), Y.astype(np.float32)
    assert [stepped.step(x[rows[t % 5]], y[rows[t % 5]]) for t in range(50)] == losses
    assert_same_bits(stepped.network.get_parameters(), walked.network.get_parameters())


def test_single_steps_of_one_size_go_the_short_way_and_look_ahead(monkeypatch):
    monkeypatch.setattr(_rates, "LEAST", 8)
    trainer, walked = trainer_of(Cosine(steps=30)), trainer_of(lambda t: Cosine(steps=30)(t))
    x, y = X[:8].astype(np.float32), Y[:8].astype(np.float32)
    longer = []
    monkeypatch.setattr(trainer, "_step", lambda data: longer.append(True) or bp.Trainer._step(trainer, data))
    for _ in range(24):
        assert trainer.step(x, y) == walked.step(x, y)
    assert len(longer) == 3
    assert_same_bits(trainer.network.get_parameters(), walked.network.get_parameters())


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", ["cosine", "warm-up", "function"])
def test_threads_and_calls_of_any_length_change_nothing(name, threads, monkeypatch):
    whole = trainer_of(SCHEDULES[name], "adam", sizes=(3, 40, 2), n_threads=1, shuffle=True)
    history = whole.fit(X, Y, epochs=EPOCHS)
    monkeypatch.setattr(_rates, "MOST", 7)
    monkeypatch.setattr(_rates, "LEAST", 3)
    cut = trainer_of(SCHEDULES[name], "adam", sizes=(3, 40, 2), n_threads=threads, shuffle=True)
    seen = []
    other = cut.fit(X, Y, epochs=EPOCHS, callbacks=[lambda epoch: seen.append(epoch.learning_rate)])
    assert_same_bits(whole.network.get_parameters(), cut.network.get_parameters())
    assert history.learning_rate == other.learning_rate == seen
    assert history.loss == other.loss


RULE = ReduceOnPlateau(factor=0.5, patience=1, min_delta=0.2, cooldown=1)


@pytest.mark.parametrize("validation_data", [None, (X[:9], Y[:9])], ids=["training", "validation"])
@pytest.mark.parametrize("schedule", [*SCHEDULES.values(), RULE, bp.schedules.Adaptive(tol=0.2, patience=1)], ids=repr)
def test_two_fits_are_one(schedule, validation_data):
    fit = partial(bp.Trainer.fit, X=X, y=Y, validation_data=validation_data)
    whole, parts = (trainer_of(schedule, bp.Adam(0.01), shuffle=True) for _ in range(2))
    history = fit(whole, epochs=9)
    first, parts = fit(parts, epochs=4), pickle_unless_function(parts)
    second = fit(parts, epochs=5)
    assert first.learning_rate + second.learning_rate == history.learning_rate
    assert_same_bits(whole.network.get_parameters(), parts.network.get_parameters())
    if schedule not in (SCHEDULES["constant"],):
        assert len(set(history.learning_rate)) > 1


def pickle_unless_function(trainer):
    """Gone through a pickle where that can be."""
    return (
        trainer
        if callable(trainer.schedule) and "lambda" in repr(trainer.schedule)
        else pickle.loads(pickle.dumps(trainer))
    )


@pytest.mark.parametrize("schedule", [Cosine(steps=40), RULE], ids=repr)
def test_the_dictionary_of_the_state_holds_it(schedule):
    whole, first, second = (trainer_of(schedule, bp.Adam(0.01), shuffle=True) for _ in range(3))
    whole.fit(X, Y, epochs=9)
    first.fit(X, Y, epochs=5)
    second.network.set_parameters(first.network.get_parameters())
    second._state.from_dict(first._state.to_dict())
    second.fit(X, Y, epochs=4)
    assert_same_bits(whole.network.get_parameters(), second.network.get_parameters())
    assert whole.history.learning_rate[5:] == second.history.learning_rate


def test_a_schedule_may_be_replaced_in_a_callback():
    def change(epoch):
        if epoch.index == 1:
            epoch.trainer.schedule = StepDecay(every=5, factor=0.5)
        if epoch.index == 3:
            epoch.trainer.optimizer = bp.SGD(learning_rate=8.0)
        if epoch.index == 4:
            epoch.trainer.schedule = None

    trainer = trainer_of(lambda t: t / 100, bp.SGD(learning_rate=1.0))
    history = trainer.fit(X, Y, epochs=6, callbacks=[change])
    assert history.learning_rate == [0.04, 0.09, 0.25, 0.125, 0.5, 8.0]  # the steps are counted on: 0.5^2, 0.5^3, ...
    assert trainer.schedule is None


def test_the_steps_of_all_fits_and_of_single_steps_are_counted():
    trainer = trainer_of(lambda t: t, bp.SGD(learning_rate=1e-3))
    trainer.fit(X, Y, epochs=1)
    trainer.step(X, Y)
    assert trainer.fit(X, Y, epochs=2).learning_rate == [1e-3 * 10, 1e-3 * 15]


def test_a_function_is_asked_for_no_step_that_is_not_taken():
    rates, asked = [0.1] * 21, []
    trainer = trainer_of(lambda t: asked.append(t) or rates[t])
    trainer.fit(X, Y, epochs=2)
    trainer.step(X, Y)
    trainer.fit(X, Y, epochs=4, callbacks=[lambda epoch: epoch.index == 3])
    assert asked == list(range(21))


def test_a_target_and_patience_end_a_fit_as_ever():
    trainer = trainer_of(Cosine(steps=5))
    history = trainer.fit(X, Y, epochs=50, patience=3)
    assert history.stop_reason == "patience"
    assert len(history) == 5  # after the first epoch the rate is 0: the loss of the second stays
    assert trainer_of(Cosine(steps=50)).fit(X, Y, epochs=50, target_loss=history.loss[0]).stop_reason == "target_loss"


def test_a_rate_of_zero_changes_nothing():
    trainer = trainer_of(lambda t: 0, bp.SGD(0.1, momentum=0.9))
    before = trainer.network.get_parameters()
    trainer.fit(X, Y, epochs=2)
    trainer.step(X, Y)
    assert_same_bits(trainer.network.get_parameters(), before)


# ------------------------------------------------------------------------- errors


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: WarmUp(2, then=f)], ids=["alone", "after a ramp"])
def test_a_factor_that_is_none(bad, wrap):
    trainer = trainer_of(wrap(lambda t: bad if t == 7 else 1.0))
    with pytest.raises(ValueError, match=rf"the schedule gives {bad} for step 7; expected a finite number from 0 up"):
        trainer.fit(X, Y, epochs=2)


def test_a_factor_that_is_no_number():
    with pytest.raises(TypeError, match="the schedule gives 'high' for step 0; expected a number"):
        trainer_of(lambda t: "high").step(X, Y)


@pytest.mark.parametrize("schedule", ["cosine", 0.5, Cosine, np.zeros(3)], ids=str)
def test_what_is_no_schedule(schedule):
    with pytest.raises(TypeError, match=r"schedule is .*; expected one like bp.schedules.Cosine\(steps=1000\), or a"):
        trainer_of(schedule)


@pytest.mark.parametrize(("dtype", "steps"), [("float32", 41), ("float64", 309)])
def test_a_rate_that_the_dtype_cannot_hold_is_an_error_once_it_is_due(dtype, steps):
    trainer = trainer_of(StepDecay(every=1, factor=10.0), dtype=dtype, sizes=(3, 2))
    trainer.network.set_parameters(np.zeros(8))
    with pytest.raises(ValueError, match=rf"the learning rate of step {steps} is 0.01 times .*that {dtype} can hold"):
        for _ in range(400):
            trainer.step(np.zeros((2, 3)), np.zeros((2, 2)))
    assert trainer._state.to_dict()["step"] == steps


def test_divergence_names_the_rate_of_the_step():
    trainer = trainer_of(lambda t: 1.0 if t < 12 else 1e30, bp.SGD(0.1), sizes=(3, 2))
    with pytest.raises(bp.DivergenceError, match=r"in epoch 2 at learning rate 1e[+]29") as caught:
        trainer.fit(X, Y, epochs=5)
    assert caught.value.learning_rate == 0.1 * 1e30
    trainer = trainer_of(Exponential(factor=0.5), bp.SGD(1e30), sizes=(3, 2))
    with pytest.raises(bp.DivergenceError, match=r"at learning rate 2.5e[+]29"):
        for _ in range(3):
            trainer.step(X, Y)


def test_a_rate_in_bad_data_goes_back():
    trainer = trainer_of(RULE)
    bad = X.copy()
    bad[30, 1] = np.nan
    trainer.fit(X, Y, epochs=5)
    before = trainer._state.to_dict()
    with pytest.raises(ValueError, match=r"X\[30, 1\] is nan"):
        trainer.fit(bad, Y, epochs=5)
    assert trainer._state.to_dict()["rule"].tolist() == before["rule"].tolist()
    assert trainer._state.to_dict()["step"] == before["step"]


# --------------------------------------------------------------- what is built on it


def test_sweeps_and_range_tests_go_on_without_a_schedule():
    net = bp.Network((3, 5, 2), hidden="tanh", seed=1)
    assert bp.sweep_learning_rates(net, X, Y, (0.01, 0.1), epochs=3).epochs == 3
    assert len(bp.find_learning_rate(net, X, Y, steps=20).losses) == 20


@pytest.mark.parametrize("first", [11, 5, 10**18, 2**63 - 1])
def test_the_engine_takes_no_rate_outside_the_array(first):
    """After 10 steps there is none among five rates from step 11 or from step 5 on."""
    trainer, x, y = trainer_of(), X[:8].astype(np.float32), Y[:8].astype(np.float32)
    for _ in range(10):
        trainer.step(x, y)
    rates = np.full(5, 0.1)
    how = trainer._recipe(), trainer._engine_objective(), 8, 1
    assert trainer.network._engine.step(trainer._state.prepare_step(*how, rates, first), x, y) is None
    assert trainer._state.to_dict()["step"] == 10
    for inside in (6, 10, -1):
        prepared = trainer._state.prepare_step(*how, rates, inside)
        trainer._state.counters[0] = 10
        assert trainer.network._engine.step(prepared, x, y) > 0


def test_threads_that_take_turns_at_a_trainer_take_every_rate_once():
    trainer, x, y = trainer_of(Cosine(steps=400)), X[:8].astype(np.float32), Y[:8].astype(np.float32)
    alone = trainer_of(Cosine(steps=400))
    turns = threading.Lock()

    def work():
        for _ in range(100):
            with turns:
                trainer.step(x, y)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(400):
        alone.step(x, y)
    assert_same_bits(trainer.network.get_parameters(), alone.network.get_parameters())
