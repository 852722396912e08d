"""What a native call is told about its steps: rates, orders, sizes of rows, scikit-learn's conventions."""

import numpy as np
import pytest

import bp_core as bp
from bp_core import losses
from bp_core._state import NO_LIMIT
from bp_core._targets import Data
from oracle import activation, derivative
from support import assert_same_bits, uniform

N, BATCH, SIZES = 50, 8, (3, 5, 2)
X, Y = uniform(1, (N, 3)), uniform(2, (N, 2))


def trainer_of(optimizer="sgd", dtype="float64", sizes=SIZES, **settings):
    net = bp.Network(sizes, hidden="tanh", dtype=dtype, seed=1)
    return bp.Trainer(net, optimizer=optimizer, seed=2, **settings)


def call(trainer, data, *, epochs=1, order=False, rates=(0.1,), batch_size=BATCH, threads=1, objective=None, **recipe):
    """One native call; returns the losses of its epochs, and asserts that it ended well."""
    trainer._state.begin_fit(data.X.shape[0])
    found, seconds = np.zeros(epochs), np.zeros(epochs)
    status, _ = trainer._state.train(
        trainer._recipe()._replace(**recipe), data, objective or trainer._engine_objective(), batch_size, order,
        (epochs, -NO_LIMIT, NO_LIMIT), threads, found, seconds, np.array(rates), len(rates) > 1,
    )  # fmt: skip
    assert status in (0, 1)
    return found


@pytest.mark.parametrize("sizes", [(3, 5, 2), (3, 40, 2)])
@pytest.mark.parametrize("optimizer", ["sgd", bp.SGD(momentum=0.9), "adam", "adamw"])
def test_every_step_has_its_own_rate(isa, optimizer, sizes):
    whole, single = trainer_of(optimizer, "float32", sizes), trainer_of(optimizer, "float32", sizes)
    rates = np.linspace(0.1, 0.01, 7)
    call(whole, Data(X, Y), epochs=1, rates=rates)
    assert whole._state.counters.tolist() == [7, 1, 0]
    for t, rate in enumerate(rates):
        single.optimizer = type(single.optimizer)(**{**vars(single.optimizer), "learning_rate": rate})
        single.step(X[BATCH * t : BATCH * (t + 1)], Y[BATCH * t : BATCH * (t + 1)])
    assert_same_bits(whole.network.get_parameters(), single.network.get_parameters())


def test_a_call_ends_with_its_last_rate():
    trainer = trainer_of()
    call(trainer, Data(X, Y), epochs=3, rates=[0.1] * 9)
    assert trainer._state.counters.tolist() == [9, 1, 2 * BATCH]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [BATCH, N])
def test_a_given_order(isa, threads, batch_size):
    order = np.random.default_rng(5).permutation(N)
    given, moved = trainer_of("adam"), trainer_of("adam")
    losses_ = call(given, Data(X, Y), epochs=3, order=order, batch_size=batch_size, threads=threads)
    assert_same_bits(losses_, call(moved, Data(X[order], Y[order]), epochs=3, batch_size=batch_size))
    assert_same_bits(given.network.get_parameters(), moved.network.get_parameters())


@pytest.mark.parametrize("bad", [-1, N, 2**40])
def test_an_order_that_leaves_the_data(bad):
    order = np.arange(N)
    order[20] = bad
    trainer = trainer_of()
    trainer._state.begin_fit(N)
    status, _ = trainer._state.train(
        trainer._recipe(), Data(X, Y), trainer._engine_objective(), BATCH, order, (1, -NO_LIMIT, NO_LIMIT), 1,
        np.zeros(1), np.zeros(1), np.array([0.1]),
    )  # fmt: skip
    assert status == 7


def reference_step(W, b, x, y, w, alpha):
    """Loss and gradients in scikit-learn's convention: everything over the sum of weights, worked in longdouble."""
    W, b = [v.astype(np.longdouble) for v in W], [v.astype(np.longdouble) for v in b]
    z0 = x @ W[0] + b[0]
    a0 = activation("tanh", z0)
    out = a0 @ W[1] + b[1]
    total = w.sum()
    value = (w[:, None] * (out - y) ** 2).sum() / (2 * total * y.shape[1])
    value += alpha * sum((v**2).sum() for v in W) / (2 * total)
    delta = w[:, None] * (out - y) / total
    below = derivative("tanh", z0) * (delta @ W[1].T)
    grads = x.T @ below + alpha * W[0] / total, a0.T @ delta + alpha * W[1] / total
    return value, grads, (below.sum(axis=0), delta.sum(axis=0))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("weighted", [True, False])
def test_penalties_and_weights_shared_by_the_batch(isa, threads, weighted):
    trainer, alpha = trainer_of(), 0.3
    weights = np.random.default_rng(3).uniform(0.1, 2, N) if weighted else None
    objective = losses.Objective(losses.CODES["half_squared_error"], value_outputs=2.0)
    net = trainer.network.copy()
    data = Data(X, Y, weights=weights, sizes=weights)
    found = call(trainer, data, objective=objective, threads=threads, l2=alpha, shares_penalty=True)
    W, b, total = [v.copy() for v in net.weights], [v.copy() for v in net.biases], 0.0
    for first in range(0, N, BATCH):
        part = slice(first, first + BATCH)
        w = np.ones(len(X[part])) if weights is None else weights[part]
        value, grad_W, grad_b = reference_step(W, b, X[part], Y[part], w, alpha)
        total += value * len(w)
        W = [v - 0.1 * g for v, g in zip(W, grad_W, strict=True)]
        b = [v - 0.1 * g for v, g in zip(b, grad_b, strict=True)]
    assert found[0] == pytest.approx(float(total / N), rel=1e-13)
    for ours, theirs in zip(trainer.network.weights, W, strict=True):
        np.testing.assert_allclose(ours, theirs.astype(float), rtol=1e-12, atol=1e-14)
    for ours, theirs in zip(trainer.network.biases, b, strict=True):
        np.testing.assert_allclose(ours, theirs.astype(float), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("nesterov", [True, False])
def test_a_velocity_that_holds_the_rates(isa, nesterov):
    trainer = trainer_of(bp.SGD(momentum=0.9, nesterov=nesterov), batch_size=N)
    net, rates = trainer.network.copy(), [0.1, 0.1, 0.02, 0.05]
    for rate in rates:
        call(trainer, Data(X, Y), rates=[rate], batch_size=N, velocity=True)
    p = net.get_parameters()
    v = np.zeros_like(p)
    for rate in rates:
        net.set_parameters(p)
        found = net.gradients(X, Y)
        g = np.concatenate([a.ravel() for pair in zip(found.weights, found.biases, strict=True) for a in pair])
        v = 0.9 * v - rate * g
        p = p + (0.9 * v - rate * g if nesterov else v)
    np.testing.assert_allclose(trainer.network.get_parameters(), p, rtol=1e-13, atol=1e-15)


def test_an_epsilon_beside_the_raw_root(isa):
    trainer = trainer_of(bp.Adam(epsilon=1e-3), batch_size=N)
    net = trainer.network.copy()
    call(trainer, Data(X, Y), epochs=5, batch_size=N, raw_epsilon=True)
    p = net.get_parameters()
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in range(1, 6):
        net.set_parameters(p)
        found = net.gradients(X, Y)
        g = np.concatenate([a.ravel() for pair in zip(found.weights, found.biases, strict=True) for a in pair])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        p = p - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-3)
    np.testing.assert_allclose(trainer.network.get_parameters(), p, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 7), (3, 40, 17)])
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_a_loss_whose_derivatives_are_given(isa, output, sizes):
    """The derivatives of a built-in loss by the outputs, worked here, give its own step."""
    given, own = (bp.Trainer(bp.Network(sizes, hidden="tanh", output=output, dtype="float64", seed=1)) for _ in "ab")
    a, n = given.network.predict(X), sizes[-1]
    if output == "softmax":
        y = np.eye(n)[np.arange(N) % n]
        derivatives, code = -y / a, losses.GIVEN_SOFTMAX
    else:
        y = uniform(3, (N, n))
        derivatives, code = a - y, losses.GIVEN
    found = call(given, Data(X, derivatives), objective=losses.Objective(code), batch_size=N, rates=[0.01])
    own.step(X, y)
    assert found[0] == pytest.approx((derivatives * a).sum() / N, rel=1e-13)
    np.testing.assert_allclose(given.network.get_parameters(), own.network.get_parameters(), rtol=1e-12, atol=1e-15)


def test_an_order_is_shuffled_as_an_epoch_is(isa):
    trainer, other = trainer_of(), trainer_of()
    call(trainer, Data(X, Y), epochs=1, order=True)
    other._state.begin_fit(N)
    order = other._state.shuffled()
    assert sorted(order) == list(range(N))
    np.testing.assert_array_equal(order, trainer._state.to_dict()["order"])
    assert trainer._state.to_dict()["random_state"] == other._state.to_dict()["random_state"]


@pytest.mark.parametrize("order", [np.zeros(3), np.zeros(3, np.int32), np.zeros(6, np.int64)[::2], "order", None])
def test_what_cannot_be_shuffled(order):
    words = np.random.PCG64(1)
    with pytest.raises((TypeError, ValueError, BufferError)):
        trainer_of().network._engine.shuffle(order, words.capsule)
    with pytest.raises((TypeError, ValueError)):
        trainer_of().network._engine.shuffle(np.zeros(3, np.int64), words)


def test_an_epoch_without_any_target():
    """Refused above; the engine divides by nothing all the same."""
    trainer = trainer_of()
    before = trainer.network.get_parameters()
    data = Data(X, np.full_like(Y, np.nan), sizes=np.zeros(N), missing=True)
    assert call(trainer, data)[0] == 0
    assert_same_bits(trainer.network.get_parameters(), before)
