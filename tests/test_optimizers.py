"""Optimisers, penalties and clipping: 200 steps against the oracle's formulas; the settings and what they refuse."""

import dataclasses
import math

import numpy as np
import pytest

import bp_core as bp
import golden_bits
import oracle
from support import BATCHES, DTYPES, TOLERANCE, assert_close, make_network, reference, targets, uniform

numeric = pytest.mark.usefixtures("isa")

# Each step gets rows of its own. On one batch RMSprop soon stands on an optimum where gradients are rounding errors of
# either sign, and two right answers part by 1e-2 within 200 steps.
SETTINGS = [
    (bp.SGD(), oracle.SGD()),
    (bp.SGD(learning_rate=0.3), oracle.SGD(0.3)),
    (bp.SGD(learning_rate=0.05, momentum=0.9), oracle.SGD(0.05, 0.9)),
    (bp.SGD(learning_rate=0.05, momentum=0.5, nesterov=True), oracle.SGD(0.05, 0.5, True)),
    (bp.RMSprop(), oracle.RMSprop()),
    (bp.RMSprop(learning_rate=0.003, rho=0.8, epsilon=1e-3), oracle.RMSprop(0.003, 0.8, 1e-3)),
    (bp.Adagrad(), oracle.Adagrad()),
    (bp.Adagrad(learning_rate=0.1, epsilon=1e-2), oracle.Adagrad(0.1, 1e-2)),
    (bp.Adam(), oracle.Adam()),
    (bp.Adam(learning_rate=0.02, beta1=0.7, beta2=0.95, epsilon=1e-3), oracle.Adam(0.02, 0.7, 0.95, 1e-3)),
    (bp.AdamW(), oracle.AdamW()),
    (bp.AdamW(learning_rate=0.02, weight_decay=0.5), oracle.AdamW(0.02, weight_decay=0.5)),
]
PENALTIES = [
    {},
    {"l2": 0.03},
    {"l1": 0.02},
    {"clip_norm": 0.2},
    {"clip_norm": 1e6},
    {"l1": 0.02, "l2": 0.03, "clip_norm": 0.2},
]


def fresh(optimizer):
    """The oracle's optimisers keep state: start from the settings again."""
    state = ("velocity", "square", "total", "m", "v", "t")
    return type(optimizer)(**{name: value for name, value in vars(optimizer).items() if name not in state})


@numeric
@pytest.mark.parametrize("penalties", PENALTIES, ids=lambda penalties: "-".join(penalties) or "plain")
@pytest.mark.parametrize(("optimizer", "formula"), SETTINGS, ids=lambda value: type(value).__name__)
def test_200_steps(optimizer, formula, penalties):
    net = make_network((3, 5, 2), hidden="tanh", dtype="float64")
    weights, biases, hidden, output = reference(net)
    formula = fresh(formula)
    trainer = bp.Trainer(net, loss="half_squared_error", optimizer=optimizer, **penalties)
    for t in range(200):
        X, y = uniform((t, 1), (9, 3)), targets("mse", t, 9, 2)
        loss = trainer.step(X, y)
        expected = oracle.step(
            weights, biases, hidden, output, X.astype(np.longdouble), y, "half_squared_error", formula, **penalties
        )
        assert_close(loss, expected, 1e-10)
    for actual, expected in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        assert_close(actual, expected, 1e-10)


@numeric
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize(("optimizer", "formula"), SETTINGS, ids=lambda value: type(value).__name__)
def test_20_epochs_of_fit(optimizer, formula, bias):
    """The same formulas inside the native loop over batches, with a short last batch."""
    net = make_network((3, 17, 9, 2), hidden="tanh", bias=bias, dtype="float64")
    weights, biases, hidden, output = reference(net)
    formula = fresh(formula)
    X, y = uniform(1, (25, 3)), targets("mse", 2, 25, 2)
    penalties = {"l1": 0.001, "l2": 0.002, "clip_norm": 0.5}
    trainer = bp.Trainer(net, loss="mse", optimizer=optimizer, batch_size=10, shuffle=False, **penalties)
    history = trainer.fit(X, y, epochs=20)
    for epoch in range(20):
        expected = 0
        for start in (0, 10, 20):
            rows = slice(start, start + 10)
            batch = X[rows].astype(np.longdouble)
            loss = oracle.step(weights, biases, hidden, output, batch, y[rows], "mse", formula, **penalties)
            expected += loss * len(batch) / 25
        assert_close(history.loss[epoch], expected, 1e-10)
    for actual, expected in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        assert_close(actual, expected, 1e-10)


@numeric
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 48, 63, 64, 65, 67, 130])
def test_one_step_at_every_width(width, dtype):
    """A gradient descent step of 1 moves each parameter by its gradient, whatever the tiles of the parameter phase."""
    for n in BATCHES:
        net = make_network((width, width, 3), seed=width, scale=0.3, hidden="tanh", output="sigmoid", dtype=dtype)
        weights, biases, hidden, output = reference(net, np.float64)
        X = uniform(1, (n, width)).astype(dtype)
        y = uniform(2, (n, 3), 1.5, 2.0).astype(dtype)
        bp.Trainer(net, loss="half_squared_error", optimizer=bp.SGD(learning_rate=1.0)).step(X, y)
        oracle.step(weights, biases, hidden, output, X.astype("f8"), y, "half_squared_error", oracle.SGD(1.0))
        for actual, expected in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
            assert_close(actual, expected, TOLERANCE[dtype])


@numeric
@pytest.mark.parametrize(("optimizer", "formula"), [(bp.SGD(0.1), oracle.SGD(0.1)), (bp.Adam(), oracle.Adam())])
@pytest.mark.parametrize("layer_sizes", [(20, 130, 140, 3), (5, 370, 370)])
def test_epochs_of_large_layers(layer_sizes, optimizer, formula):
    """Layers that go back from W itself, and, the second, parameters of more than 1 MB, which are asked for."""
    net = make_network(layer_sizes, scale=0.1, hidden="tanh", dtype="float64")
    weights, biases, hidden, output = reference(net)
    formula = fresh(formula)
    X, y = uniform(1, (65, layer_sizes[0])), uniform(2, (65, layer_sizes[-1]))
    bp.Trainer(net, loss="mse", optimizer=optimizer, batch_size=32, shuffle=False).fit(X, y, epochs=2)
    for first in (0, 32, 64, 0, 32, 64):
        batch = slice(first, first + 32)
        oracle.step(weights, biases, hidden, output, X[batch].astype(np.longdouble), y[batch], "mse", formula)
    for actual, expected in zip([*net.weights, *net.biases], [*weights, *biases], strict=True):
        assert_close(actual, expected, 1e-9)


@numeric
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer_sizes", [(3, 16, 33, 5), (40, 33, 20, 40), (130, 8, 1), (17, 129, 2, 300)])
def test_sgd_without_a_written_gradient_has_the_same_bits(layer_sizes, dtype):
    """Plain SGD changes W as its gradient is summed; a limit on the norm that is never reached writes it down first."""
    for n in (1, 2, 31, 128, 129):
        X, y = uniform(1, (n, layer_sizes[0])), uniform(2, (n, layer_sizes[-1]))
        parameters = []
        for clip_norm in (None, 1e30):
            net = make_network(layer_sizes, scale=0.3, hidden="tanh", dtype=dtype)
            trainer = bp.Trainer(net, optimizer="sgd", batch_size="full", clip_norm=clip_norm, shuffle=False)
            trainer.fit(X, y, epochs=3)
            parameters.append(net.get_parameters().tobytes())
        assert parameters[0] == parameters[1], n


@numeric
@pytest.mark.parametrize(("optimizer", "clip_norm"), [("adam", None), ("adam", 0.1), ("sgd", None)])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer_sizes", [(2, 33, 9), (40, 33, 20, 40), (520, 8, 1), (7, 65, 17, 2, 11), (2, 3, 1)])
@pytest.mark.parametrize("hidden", ["gelu", "sigmoid"])
def test_padding_stays_zero(hidden, layer_sizes, dtype, n_threads, optimizer, clip_norm):
    """A layer narrower than the one before it: what that one left in a shared room is no gradient."""
    net = make_network(layer_sizes, scale=0.3, hidden=hidden, dtype=dtype)
    marked = net.copy()
    for view in (*marked.weights, *marked.biases):
        view[...] = 1
    X, y = uniform(1, (600, layer_sizes[0])), uniform(2, (600, layer_sizes[-1]))
    for batch_size in (1, 64, "full"):
        trainer = bp.Trainer(net, optimizer=optimizer, batch_size=batch_size, clip_norm=clip_norm, n_threads=n_threads)
        trainer.fit(X, y, epochs=1)
        assert not net._parameters[marked._parameters == 0].any()
        for moments in trainer._state._arrays.values():
            assert not moments[marked._parameters == 0].any()


@numeric
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad", "adam", "adamw"])
def test_a_string_means_the_defaults(optimizer):
    cls = {"sgd": bp.SGD, "rmsprop": bp.RMSprop, "adagrad": bp.Adagrad, "adam": bp.Adam, "adamw": bp.AdamW}[optimizer]
    results = []
    for given in (optimizer, cls()):
        net = make_network((3, 4, 2), hidden="tanh")
        trainer = bp.Trainer(net, optimizer=given, seed=1)
        trainer.fit(uniform(1, (40, 3)), uniform(2, (40, 2)), epochs=3)
        assert trainer.optimizer == cls()
        results.append(net.get_parameters().tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("cls", "defaults"),
    [
        (bp.SGD, {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}),
        (bp.RMSprop, {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8}),
        (bp.Adagrad, {"learning_rate": 0.01, "epsilon": 1e-10}),
        (bp.Adam, {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
        (bp.AdamW, {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01}),
    ],
)
def test_frozen_dataclasses_and_their_defaults(cls, defaults):
    optimizer = cls()
    assert dataclasses.asdict(optimizer) == defaults
    assert optimizer == cls(**defaults)
    assert hash(optimizer) == hash(cls(**defaults))
    assert dataclasses.replace(optimizer, learning_rate=0.5).learning_rate == 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.learning_rate = 0.5


RATES = [
    (cls, "learning_rate", value)
    for cls in (bp.SGD, bp.RMSprop, bp.Adagrad, bp.Adam, bp.AdamW)
    for value in (-0.25, math.nan, math.inf)
]
REFUSED = [
    *RATES,
    *(
        (cls, "epsilon", value)
        for cls in (bp.RMSprop, bp.Adagrad, bp.Adam, bp.AdamW)
        for value in (0.0, -1e-8, math.nan)
    ),
    *((bp.SGD, "momentum", value) for value in (-0.1, 1.0, 1.5, math.nan)),
    *((bp.RMSprop, "rho", value) for value in (-0.1, 1.0, 1.5, math.nan)),
    *(
        (cls, name, value)
        for cls in (bp.Adam, bp.AdamW)
        for name in ("beta1", "beta2")
        for value in (-0.1, 1.0, math.nan)
    ),
    *((bp.AdamW, "weight_decay", value) for value in (-0.1, math.nan)),
]


@pytest.mark.parametrize(("cls", "name", "value"), REFUSED)
def test_a_bad_value_is_refused_by_name(cls, name, value):
    with pytest.raises(ValueError, match=name) as caught:
        cls(**{name: value})
    assert repr(value) in str(caught.value)


def test_nesterov_needs_momentum():
    with pytest.raises(ValueError, match="momentum"):
        bp.SGD(nesterov=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("l2", -1.5), ("l2", math.nan), ("l1", -1.5), ("l1", math.nan), ("clip_norm", -1.5), ("clip_norm", 0.0)],
)
def test_a_bad_penalty_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name) as caught:
        bp.Trainer(make_network((2, 1)), **{name: value})
    assert repr(value) in str(caught.value)


def test_one_optimizer_serves_two_trainers():
    """Optimisers are settings without state."""
    optimizer = bp.Adam(learning_rate=0.05)
    nets = [make_network((3, 4, 2), hidden="tanh") for _ in range(2)]
    trainers = [bp.Trainer(net, optimizer=optimizer, shuffle=False) for net in nets]
    X, y = uniform(1, (20, 3)), uniform(2, (20, 2))
    trainers[0].fit(X, y, epochs=5)
    trainers[1].fit(X, y, epochs=5)
    assert nets[0].get_parameters().tobytes() == nets[1].get_parameters().tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_no_moment_stays_below_the_normal_range(name, dtype):
    """A unit that gets no more gradient: its moments shrink to 0, not to numbers a CPU is slow with."""
    net = make_network((3, 4, 1), hidden="relu", dtype=dtype)
    optimizer = {**golden_bits.OPTIMISERS, "adam": bp.Adam(beta2=0.9), "adamw": bp.AdamW(beta2=0.9)}[name]
    trainer = bp.Trainer(net, optimizer=optimizer)
    X, y = uniform(1, (8, 3)), uniform(2, (8, 1))
    trainer.step(X, y)
    net.biases[0][...] = -1e3  # no unit is active from here on
    for _ in range(60):
        trainer.fit(X, y, epochs=200)
    state = trainer._state.to_dict()
    for moment in (state[key] for key in ("m", "v") if key in state):
        tiny = np.abs(moment) < np.finfo(dtype).tiny
        assert (moment[tiny] == 0).all()
        assert (moment == 0).sum() >= 16
