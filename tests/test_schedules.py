"""Schedules of the step, against formulas in longdouble, values by hand and torch; skipping ahead changes no bit."""

import math
import warnings

import numpy as np
import pytest

import bp_core as bp
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

pytestmark = pytest.mark.usefixtures("isa")

PI = 4 * np.arctan(np.longdouble(1))
T = np.arange(500, dtype=np.longdouble)
ALL = [
    Constant(),
    StepDecay(every=30, factor=0.3),
    Exponential(factor=0.97),
    InverseScaling(power=0.6),
    Cosine(steps=400, minimum=0.05),
    Cosine(steps=60, restarts=True),
    Cosine(steps=7, minimum=0.1, restarts=True, growth=2),
    OneCycle(steps=450),
    WarmUp(40, then=Cosine(steps=300), start=0.1),
    WarmUp(5, then=lambda t: 1 / (1 + t)),
]


def half_cosine(x):
    return (1 + np.cos(PI * x)) / 2


def one_cycle(t, steps, warm_up, start, end):
    top, last = warm_up * steps - 1, steps - 1
    rising = 1 + (start - 1) * half_cosine(t / top)
    falling = end + (1 - end) * half_cosine((np.minimum(t, last) - top) / (last - top))
    return np.where(t < top, rising, falling)


def with_restarts(t, steps, growth):
    """Where in which way down each step lies, by walking there."""
    done, length, found = 0, steps, []
    for _ in t:
        found.append(done / np.longdouble(length))
        done += 1
        if done == length:
            done, length = 0, length * growth
    return half_cosine(np.array(found))


FORMULAS = [
    (Constant(), np.ones(500)),
    (StepDecay(every=30, factor=0.3), np.longdouble(0.3) ** (T // 30)),
    (Exponential(factor=0.97), np.longdouble(0.97) ** T),
    (Exponential(factor=1.01), np.longdouble(1.01) ** T),
    (InverseScaling(power=0.6), (T + 1) ** -np.longdouble(0.6)),
    (Cosine(steps=400, minimum=0.05), 0.05 + 0.95 * half_cosine(np.minimum(T, 400) / 400)),
    (Cosine(steps=60, restarts=True), with_restarts(T, 60, 1)),
    (Cosine(steps=7, restarts=True, growth=2), with_restarts(T, 7, 2)),
    (OneCycle(steps=450), one_cycle(T, 450, 0.3, 0.04, 4e-6)),
    (OneCycle(steps=499, warm_up=0.25, start=0.5, end=0.01), one_cycle(T, 499, 0.25, 0.5, 0.01)),
]


@pytest.mark.parametrize(("schedule", "want"), FORMULAS, ids=lambda value: repr(value)[:40])
def test_formula(schedule, want):
    got = schedule.factors(0, 500)
    assert got.dtype == np.float64 and got.shape == (500,)
    # the longdouble of these constants is that of a decimal rounded to float64, as the schedule's own is
    np.testing.assert_allclose(got, want.astype(np.float64), rtol=1e-12, atol=1e-18)


BY_HAND = [
    (StepDecay(every=2), [1, 1, 0.1, 0.1, 0.1 * 0.1]),
    (Exponential(factor=0.5), [1, 0.5, 0.25, 0.125]),
    (InverseScaling(power=1.0), [1, 0.5, 1 / 3, 0.25]),
    (Cosine(steps=2), [1, 0.5, 0, 0]),
    (Cosine(steps=3, minimum=0.2), [1, 0.8, 0.4, 0.2, 0.2]),  # cos(pi / 3) = 1/2
    (Cosine(steps=2, restarts=True), [1, 0.5, 1, 0.5, 1]),
    (Cosine(steps=1, restarts=True, growth=3), [1, 1, 0.75, 0.25, 1]),
    (OneCycle(steps=10, warm_up=0.3, start=0.1, end=0.0), [0.1, 0.55, 1.0]),
    (OneCycle(steps=3, warm_up=0.0, end=0.2), [1, 0.6, 0.2, 0.2]),
    (OneCycle(steps=4, warm_up=0.75, start=0.0, end=0.5), [0, 0.5, 1, 0.5, 0.5]),
    (WarmUp(4), [0, 0.25, 0.5, 0.75, 1, 1]),
    (WarmUp(2, then=StepDecay(every=1, factor=0.5), start=0.5), [0.5, 0.75, 1, 0.5, 0.25]),
    (WarmUp(2, then=lambda t: 10.0 + t), [0, 0.5, 10, 11, 12]),
]


@pytest.mark.parametrize(("schedule", "want"), BY_HAND, ids=lambda value: repr(value)[:40])
def test_by_hand(schedule, want):
    np.testing.assert_allclose(schedule.factors(0, len(want)), want, rtol=1e-14, atol=1e-17)


def test_ends_are_exact():
    assert Cosine(steps=17, minimum=0.3).factors(0, 18)[[0, 17]].tolist() == [1.0, 0.3]
    assert OneCycle(steps=20, warm_up=0.5, start=0.3, end=0.01).factors(0, 21)[[0, 9, 19, 20]].tolist() == [
        0.3, 1.0, 0.01, 0.01,
    ]  # fmt: skip
    assert StepDecay(every=1).factors(0, 3).tolist() == [1.0, 0.1, 0.1 * 0.1]
    assert Exponential(factor=0.9)(0) == InverseScaling()(0) == 1.0


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_skipping_gives_the_bits_of_walking(schedule):
    walked = schedule.factors(0, 300)
    assert [schedule(t) for t in range(300)] == walked.tolist()
    for first, count in ((37, 1), (1, 50), (29, 4), (39, 3), (120, 180), (299, 1)):
        np.testing.assert_array_equal(schedule.factors(first, count), walked[first : first + count])
    assert schedule.factors(5, 0).shape == (0,)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_far_ahead(schedule):
    far = schedule.factors(10**12, 4)
    assert np.isfinite(far).all()
    assert (far >= 0).all()


# ------------------------------------------------------------------- against torch


def torch_rates(make, count=500):
    """The rates that a scheduler of torch gives to so many steps, for a learning rate of 1."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own deprecations
        scheduler = make(torch.optim.lr_scheduler, optimizer)
        for _ in range(count):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


TORCH = {
    "lambda": (InverseScaling(), lambda s, o: s.LambdaLR(o, lambda t: 1 / math.sqrt(t + 1)), 500),
    "step": (StepDecay(every=30, factor=0.5), lambda s, o: s.StepLR(o, 30, gamma=0.5), 500),
    "exponential": (Exponential(factor=0.98), lambda s, o: s.ExponentialLR(o, 0.98), 500),
    "cosine": (Cosine(steps=500, minimum=0.1), lambda s, o: s.CosineAnnealingLR(o, 500, eta_min=0.1), 500),
    "restarts": (Cosine(steps=80, restarts=True), lambda s, o: s.CosineAnnealingWarmRestarts(o, 80), 500),
    "growing restarts": (
        Cosine(steps=20, minimum=0.1, restarts=True, growth=2),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 20, T_mult=2, eta_min=0.1),
        500,
    ),
    "one cycle": (
        OneCycle(steps=500),
        lambda s, o: s.OneCycleLR(o, max_lr=1.0, total_steps=500, cycle_momentum=False),
        499,
    ),
    "warm-up": (
        WarmUp(50, then=Exponential(factor=0.98), start=0.25),
        lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.25, total_iters=50), s.ExponentialLR(o, 0.98)], [50]),
        500,
    ),
}


@pytest.mark.parametrize("name", TORCH)
def test_rates_of_torch(name):
    schedule, make, count = TORCH[name]
    # torch adds 1 and a cosine near -1, and so loses digits of what is left near the foot of a cosine
    np.testing.assert_allclose(schedule.factors(0, count), torch_rates(make, count), rtol=1e-12, atol=1e-15)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: StepDecay(every=0), "every is 0; expected a whole number from 1 to 9007199254740992"),
        (lambda: StepDecay(every=2, factor=0.0), "factor is 0.0; expected a positive number"),
        (lambda: Exponential(factor=-1), "factor is -1; expected a positive number"),
        (lambda: InverseScaling(power=-0.5), "power is -0.5; expected a number from 0 up"),
        (lambda: Cosine(steps=2.5), "steps is 2.5; expected a whole number"),
        (lambda: Cosine(steps=3, minimum=1.5), "minimum is 1.5; expected a number from 0 to 1"),
        (lambda: Cosine(steps=3, growth=2), "growth=2 needs restarts=True"),
        (lambda: Cosine(steps=3, restarts=True, growth=1.5), "growth is 1.5; expected a whole number from 1 up"),
        (lambda: OneCycle(steps=1), "steps is 1; expected a whole number from 2"),
        (lambda: OneCycle(steps=9, warm_up=1.0), "warm_up is 1.0; expected a number from 0 up to, not including, 1"),
        (lambda: OneCycle(steps=9, start=2), "start is 2; expected a number from 0 to 1"),
        (lambda: OneCycle(steps=9, end=math.nan), "end is nan; expected a number from 0 to 1"),
        (lambda: WarmUp(0), "steps is 0; expected a whole number"),
        (lambda: WarmUp(3, start=math.inf), "start is inf; expected a number from 0 up"),
        (lambda: Cosine(steps=3).factors(-1, 2), "first is -1; expected a whole number from 0 up"),
        (lambda: Cosine(steps=3).factors(1, 2.0), "count is 2.0; expected a whole number from 0 up"),
        (lambda: Cosine(steps=3)(-3), "step is -3; expected a whole number from 0 up"),
    ],
)
def test_settings_outside_their_range(make, words):
    with pytest.raises(ValueError) as caught:
        make()
    assert words in str(caught.value)


@pytest.mark.parametrize("then", [3, "cosine", Cosine, ReduceOnPlateau()])
def test_what_follows_a_ramp_is_a_schedule(then):
    with pytest.raises(
        TypeError, match=r"then is .*; expected one like bp.schedules.Cosine\(steps=1000\), or a function"
    ):
        WarmUp(3, then=then)


def test_restarts_is_true_or_false():
    with pytest.raises(TypeError, match="restarts is 1; expected True or False"):
        Cosine(steps=3, restarts=1)


def test_schedules_are_values():
    assert Cosine(steps=3) == Cosine(3) != Cosine(4)
    assert len({Constant(), Constant(), WarmUp(3), WarmUp(3)}) == 2
    with pytest.raises(AttributeError):
        Cosine(steps=3).steps = 4


def test_public_names():
    for name in bp.schedules.__all__:
        assert getattr(bp.schedules, name).__doc__
