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
    (bp.NAdam(), oracle.NAdam()),
    (bp.NAdam(0.02, beta1=0.7, beta2=0.95, epsilon=1e-3, momentum_decay=0.1), oracle.NAdam(0.02, 0.7, 0.95, 1e-3, 0.1)),
    (bp.Rprop(), oracle.Rprop()),
    (bp.Rprop(0.3, decrease=0.4, increase=1.5, smallest=0.02, largest=0.1), oracle.Rprop(0.3, 0.4, 1.5, 0.02, 0.1)),
]
EVERY = (bp.SGD, bp.RMSprop, bp.Adagrad, bp.Adam, bp.AdamW, bp.NAdam, bp.Rprop)
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


def torch_parameters(torch, net):
    arrays = [array for pair in zip(net.weights, net.biases, strict=True) for array in pair]
    return [torch.tensor(array.copy(), requires_grad=True) for array in arrays]


# All on the same rows is Rprop's own case; NAdam would soon stand where gradients are rounding errors.
@numeric
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (bp.NAdam(), {}),
        (bp.NAdam(0.02, beta1=0.8, beta2=0.9, epsilon=1e-4, momentum_decay=0.3),
         {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-4, "momentum_decay": 0.3}),
        (bp.Rprop(), {}),
        (bp.Rprop(0.1, decrease=0.3, increase=1.4, smallest=1e-3, largest=0.2),
         {"lr": 0.1, "etas": (0.3, 1.4), "step_sizes": (1e-3, 0.2)}),
    ],
    ids=repr,
)  # fmt: skip
def test_200_steps_of_torch(optimizer, options, full):
    """Each step on rows of its own, or all on the same rows; the losses before it and what the parameters become."""
    torch = pytest.importorskip("torch")
    if full and isinstance(optimizer, bp.NAdam):
        pytest.skip("stands on an optimum")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # torch keeps NAdam's product of momenta in the default dtype
    try:
        net = make_network((3, 5, 2), hidden="tanh", dtype="float64")
        parameters = torch_parameters(torch, net)
        theirs = getattr(torch.optim, type(optimizer).__name__)(parameters, **options)
        trainer = bp.Trainer(net, loss="mse", optimizer=optimizer)
        for t in range(200):
            X, y = uniform((0 if full else t, 1), (9, 3)), targets("mse", 0 if full else t, 9, 2)
            W, b, W_out, b_out = parameters
            a = torch.tanh(torch.tensor(X) @ W + b) @ W_out + b_out
            loss = ((a - torch.tensor(y)) ** 2).mean()
            theirs.zero_grad()
            loss.backward()
            theirs.step()
            assert_close(trainer.step(X, y), loss.item(), 1e-10)
        actual = [array for pair in zip(net.weights, net.biases, strict=True) for array in pair]
        for ours, tensor in zip(actual, parameters, strict=True):
            assert_close(ours, tensor.detach().numpy(), 1e-10)
    finally:
        torch.set_default_dtype(before)


@numeric
@pytest.mark.parametrize("dtype", DTYPES)
def test_rprop_by_hand(dtype):
    """One weight on (w - 1)^2 / 2 from 0: steps of 0.5, 0.6, then across the minimum, a turn, and half a step back."""
    net = bp.Network.from_arrays([np.zeros((1, 1), dtype)], None, hidden=(), output="identity")
    trainer = bp.Trainer(net, optimizer=bp.Rprop(learning_rate=0.5))
    path = []
    for _ in range(5):
        trainer.step([[1.0]], [[1.0]])
        path.append(float(net.weights[0][0, 0]))
    assert path == pytest.approx([0.5, 1.1, 1.1, 0.8, 0.8], rel=1e-6)
    assert path[1] == path[2]
    assert trainer._state.to_dict()["v"].max() == pytest.approx(0.15, rel=1e-6)


@numeric
def test_rprop_begins_where_a_gradient_begins():
    """A parameter without a gradient has no step yet; with tiny gradients, whose product is 0, signs still count."""
    net = make_network((2, 2), dtype="float32")
    trainer = bp.Trainer(net, loss="half_squared_error", optimizer=bp.Rprop(learning_rate=0.25))
    before = net.weights[0].copy()
    for _ in range(3):
        a = net.predict([[1e-30, 0.0]])
        trainer.step([[1e-30, 0.0]], a + 1.0)
    assert_close(np.abs(net.weights[0] - before), [[0.25 + 0.3 + 0.36] * 2, [0.0, 0.0]], 1e-6)
    sizes = trainer._state.to_dict()["v"]
    assert sorted(sizes[sizes > 0].tolist()) == pytest.approx([0.36] * 4, rel=1e-6)


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
@pytest.mark.parametrize(
    ("optimizer", "clip_norm"), [("adam", None), ("adam", 0.1), ("sgd", None), ("rprop", None), ("nadam", 0.1)]
)
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
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam", "rprop"])
def test_a_string_means_the_defaults(optimizer):
    cls = next(cls for cls in EVERY if cls.__name__.lower() == optimizer)
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
        (
            bp.NAdam,
            {"learning_rate": 0.002, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "momentum_decay": 0.004},
        ),
        (
            bp.Rprop,
            {"learning_rate": 0.01, "decrease": 0.5, "increase": 1.2, "smallest": 1e-6, "largest": 50.0},
        ),
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


RATES = [(cls, "learning_rate", value) for cls in EVERY for value in (-0.25, math.nan, math.inf)]
REFUSED = [
    *RATES,
    *(
        (cls, "epsilon", value)
        for cls in (bp.RMSprop, bp.Adagrad, bp.Adam, bp.AdamW, bp.NAdam)
        for value in (0.0, -1e-8, math.nan)
    ),
    *((bp.SGD, "momentum", value) for value in (-0.1, 1.0, 1.5, math.nan)),
    *((bp.RMSprop, "rho", value) for value in (-0.1, 1.0, 1.5, math.nan)),
    *(
        (cls, name, value)
        for cls in (bp.Adam, bp.AdamW, bp.NAdam)
        for name in ("beta1", "beta2")
        for value in (-0.1, 1.0, math.nan)
    ),
    *((bp.AdamW, "weight_decay", value) for value in (-0.1, math.nan)),
    *((bp.NAdam, "momentum_decay", value) for value in (-0.1, math.nan, math.inf)),
    *((bp.Rprop, "decrease", value) for value in (0.0, 1.0, math.nan)),
    *((bp.Rprop, "increase", value) for value in (1.0, 0.5, math.inf)),
    *((bp.Rprop, name, value) for name in ("smallest", "largest") for value in (0.0, -1.0, math.nan, math.inf)),
    (bp.Rprop, "smallest", 51.0),
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
@pytest.mark.parametrize("name", ["momentum", "nesterov", "rmsprop", "adam", "adamw", "nadam"])
def test_no_moment_stays_below_the_normal_range(name, dtype):
    """A unit that gets no more gradient: its moments shrink to 0, not to numbers a CPU is slow with."""
    net = make_network((3, 4, 1), hidden="relu", dtype=dtype)
    optimizer = {
        **golden_bits.OPTIMISERS,
        "adam": bp.Adam(beta2=0.9),
        "adamw": bp.AdamW(beta2=0.9),
        "nadam": bp.NAdam(beta2=0.9),
    }[name]
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
