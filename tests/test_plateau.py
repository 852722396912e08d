"""The rules that look at the loss between epochs: against torch's and scikit-learn's on the same series of losses."""

import math

import numpy as np
import pytest

import bp_core as bp
from bp_core._schedule import FACTOR, fresh_state
from bp_core.schedules import Adaptive, ReduceOnPlateau
from support import uniform

INF = math.inf


def factors(rule, losses, learning_rate=1.0):
    """The factor after each loss, and the loss that stopped the training."""
    state, found = fresh_state(), []
    for loss in losses:
        reason = rule._look(loss, learning_rate * state[FACTOR], state)
        found.append(float(state[FACTOR]))
        if reason:
            return found, reason
    return found, None


def noisy_losses(seed, n=400):
    """A loss that falls, stalls and jitters."""
    falling = np.repeat(np.exp(-np.arange(n // 20) / 8), 20)
    return (falling * (1 + 0.02 * uniform(seed, n))).tolist()


RULES = [
    ReduceOnPlateau(),
    ReduceOnPlateau(factor=0.5, patience=3, min_delta=0.0),
    ReduceOnPlateau(factor=0.5, patience=0, min_delta=0.01, cooldown=4),
    ReduceOnPlateau(factor=0.7, patience=2, min_delta=0.05, relative=True, cooldown=1),
    ReduceOnPlateau(factor=0.25, patience=2, min_delta=1e-3, smallest=0.01),
]


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("seed", [1, 2])
def test_reduces_where_torch_does(rule, seed):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=rule.factor, patience=rule.patience, threshold=rule.min_delta, cooldown=rule.cooldown,
        threshold_mode="rel" if rule.relative else "abs", min_lr=rule.smallest, eps=0.0,
    )  # fmt: skip
    losses, want = noisy_losses(seed), []
    for loss in losses:
        theirs.step(loss)
        want.append(optimizer.param_groups[0]["lr"])
    assert len(set(want)) > 3
    assert factors(rule, losses) == (want, None)


def test_reduce_on_plateau_by_hand():
    rule = ReduceOnPlateau(factor=0.5, patience=1, min_delta=0.1, cooldown=2, smallest=0.2)
    losses = [5.0, 4.0, 3.95, 3.91, 4, 4, 4, 4, 3.0, 3.0, 3.0, 4, 4, 4, 4]
    #         best best 1     2: /2  rest   1  2: /2   rest   best ...
    want = [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2]
    assert factors(rule, losses) == (want, None)


def test_a_loss_that_is_none_is_no_gain():
    assert factors(ReduceOnPlateau(factor=0.5, patience=1), [math.nan, INF, INF])[0] == [1, 0.5, 0.5]
    assert factors(Adaptive(patience=1, divisor=2.0), [1.0, math.nan, math.nan, 0.5])[0] == [1, 1, 0.5, 0.5]


@pytest.mark.parametrize(
    ("rule", "rate"),
    [(Adaptive(), 0.1), (Adaptive(tol=0.05, patience=2), 0.001), (Adaptive(tol=0.0, patience=0), 2e-6)],
    ids=repr,
)
@pytest.mark.parametrize("seed", [1, 2])
def test_divides_and_stops_where_scikit_learn_does(rule, rate, seed):
    pytest.importorskip("sklearn")
    from sklearn.neural_network import MLPRegressor
    from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

    theirs = MLPRegressor(tol=rule.tol, n_iter_no_change=rule.patience)
    optimizer = SGDOptimizer([], learning_rate_init=rate, lr_schedule="adaptive")
    theirs.loss_curve_, theirs.best_loss_, theirs._no_improvement_count = [], np.inf, 0
    rates, reason = [], None
    for loss in noisy_losses(seed):
        theirs.loss_curve_.append(loss)
        theirs._update_no_improvement_count(False, None, None, None)
        if theirs._no_improvement_count > theirs.n_iter_no_change:
            reason = "smallest_rate" if optimizer.trigger_stopping("", False) else None
            theirs._no_improvement_count = 0
        rates.append(optimizer.learning_rate)
        if reason:
            break
    got, stopped = factors(rule, noisy_losses(seed), rate)
    assert stopped == reason
    np.testing.assert_allclose(rate * np.array(got), rates, rtol=1e-14)


def test_adaptive_by_hand():
    rule = Adaptive(tol=0.1, patience=1, divisor=2.0, smallest_rate=0.3)
    losses = [4, 3, 2.95, 2.8, 2.75, 2.75, 2.75, 2.75, 1.0]
    #         -  -  1     -    1     2: /2 1     2: stop
    assert factors(rule, losses, 0.6) == ([1, 1, 1, 1, 1, 0.5, 0.5, 0.5], "smallest_rate")


# ----------------------------------------------------------------------- in a trainer

X, Y = uniform(1, (30, 3)), uniform(2, (30, 2))


def trainer_of(rule, rate=0.5):
    net = bp.Network((3, 5, 2), hidden="tanh", seed=1)
    return bp.Trainer(net, optimizer=bp.SGD(rate), schedule=rule, batch_size=8, seed=2)


@pytest.mark.parametrize("validated", [False, True])
def test_the_watched_loss_decides_and_the_next_epoch_follows(validated):
    rule = ReduceOnPlateau(factor=0.5, patience=1, min_delta=0.02)
    trainer = trainer_of(rule)
    history = trainer.fit(X, Y, epochs=20, validation_data=(X[:7], -Y[:7]) if validated else None)
    watched = history.validation_loss if validated else history.loss
    after, _ = factors(rule, watched)
    assert len(set(after)) > 3
    assert history.learning_rate == [0.5, *(0.5 * f for f in after[:-1])]
    trainer.step(X, Y)
    assert trainer._state._step_rate[0] == 0.5 * after[-1]
    other = trainer_of(ReduceOnPlateau(factor=0.5, patience=5))
    other.fit(X, Y, epochs=1)
    assert history.loss[0] == other.history.loss[0]


def test_single_steps_after_a_fit_have_its_rate():
    trainer, x, y = trainer_of(ReduceOnPlateau(factor=0.5, patience=0, min_delta=9.0)), X.astype("f4"), Y.astype("f4")
    trainer.step(x, y)  # prepares the shorter way
    trainer.fit(X, Y, epochs=3)  # halved after the second epoch and the third
    before, gradient = trainer.network.get_parameters(), trainer.network.gradients(x, y)
    trainer.step(x, y)
    moved = (before - trainer.network.get_parameters())[:15].reshape(3, 5)
    np.testing.assert_allclose(moved, 0.125 * gradient.weights[0], rtol=1e-3, atol=1e-7)


def test_adaptive_stops():
    history = trainer_of(Adaptive(tol=9.0, patience=0, smallest_rate=0.02)).fit(X, Y, epochs=99)
    assert history.stop_reason == "smallest_rate"
    np.testing.assert_allclose(history.learning_rate, [0.5, 0.5, 0.1, 0.02], rtol=1e-15)


def test_the_picture_says_why_it_stopped():
    plt = pytest.importorskip("matplotlib.pyplot")
    axes = trainer_of(Adaptive(tol=9.0, patience=0, smallest_rate=9.0)).fit(X, Y, epochs=9).plot()
    assert "smallest learning rate" in axes.get_title(loc="left")
    plt.close(axes.figure)


def test_what_stops_first_names_the_reason():
    trainer = trainer_of(Adaptive(tol=9.0, patience=2, smallest_rate=9.0))
    assert trainer.fit(X, Y, epochs=99, patience=2, min_delta=9.0).stop_reason == "patience"


def test_the_rule_sees_an_epoch_that_ends_a_fit_for_another_reason():
    rule = ReduceOnPlateau(factor=0.5, patience=0, min_delta=9.0)
    whole, parts = trainer_of(rule), trainer_of(rule)
    rates = whole.fit(X, Y, epochs=6).learning_rate
    found = []
    for settings in ({"target_loss": 9.0}, {"callbacks": [lambda epoch: True]}, {"patience": 1, "min_delta": 9.0}):
        found += parts.fit(X, Y, epochs=9, **settings).learning_rate
    assert found == rates[: len(found)]
    assert len(found) == 4


def test_a_rule_of_another_kind_starts_afresh():
    trainer = trainer_of(ReduceOnPlateau(factor=0.5, patience=0, min_delta=9.0))
    trainer.fit(X, Y, epochs=3)
    trainer.schedule = ReduceOnPlateau(factor=0.1, patience=50)
    assert trainer.fit(X, Y, epochs=2).learning_rate == [0.125, 0.125]
    trainer.schedule = Adaptive()
    assert trainer.fit(X, Y, epochs=1).learning_rate == [0.5]


def test_replacing_the_optimizer_keeps_the_factor():
    def change(epoch):
        epoch.trainer.optimizer = bp.SGD(0.8)

    trainer = trainer_of(ReduceOnPlateau(factor=0.5, patience=0, min_delta=9.0))
    assert trainer.fit(X, Y, epochs=4, callbacks=[change]).learning_rate == [0.5, 0.8, 0.4, 0.2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ReduceOnPlateau(factor=1.0), "factor is 1.0; expected a number above 0 and below 1"),
        (lambda: ReduceOnPlateau(patience=-1), "patience is -1; expected a whole number from 0 up"),
        (lambda: ReduceOnPlateau(min_delta=-0.1), "min_delta is -0.1; expected a number from 0 up"),
        (lambda: ReduceOnPlateau(min_delta=1.0, relative=True), "min_delta is 1.0; expected a share of the best loss"),
        (lambda: ReduceOnPlateau(cooldown=1.5), "cooldown is 1.5; expected a whole number from 0 up"),
        (lambda: ReduceOnPlateau(smallest=2), "smallest is 2; expected a number from 0 to 1"),
        (lambda: Adaptive(tol=-1), "tol is -1; expected a number from 0 up"),
        (lambda: Adaptive(patience=0.5), "patience is 0.5; expected a whole number from 0 up"),
        (lambda: Adaptive(divisor=1.0), "divisor is 1.0; expected a number above 1"),
        (lambda: Adaptive(smallest_rate=math.nan), "smallest_rate is nan; expected a number from 0 up"),
    ],
)
def test_settings_outside_their_range(make, words):
    with pytest.raises(ValueError) as caught:
        make()
    assert words in str(caught.value)
