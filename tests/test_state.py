"""The whole state of a Trainer is one dictionary: what goes on from it goes on with the same bits."""

import io
import json

import numpy as np
import pytest

import bp_core as bp
from bp_core._state import NO_LIMIT, POSITION, TrainerState
from bp_core._targets import Data
from support import DTYPES, assert_same_bits, make_network, uniform

pytestmark = pytest.mark.usefixtures("isa")

N, BATCH = 50, 8
OPTIMIZERS = {
    "sgd": bp.SGD(learning_rate=0.1),
    "momentum": bp.SGD(learning_rate=0.1, momentum=0.9),
    "nesterov": bp.SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
    "rmsprop": bp.RMSprop(),
    "adagrad": bp.Adagrad(),
    "adam": bp.Adam(),
    "adamw": bp.AdamW(weight_decay=0.1),
    "nadam": bp.NAdam(),
    "rprop": bp.Rprop(learning_rate=0.001),
}
EXTRAS = {
    "plain": {},
    "clipped": {"clip_norm": 0.1},
    "penalties": {"l1": 0.01, "l2": 0.02},
    "in order": {"shuffle": False},
}

each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def trainer_of(optimizer, dtype="float32", *, seed=3, batch_size=BATCH, **options):
    net = make_network((4, 9, 6, 3), hidden="tanh", output="sigmoid", bias=("unit", "layer", "none"), dtype=dtype)
    return bp.Trainer(net, optimizer=OPTIMIZERS[optimizer], batch_size=batch_size, seed=seed, **options)


def data(dtype="float32", n=N):
    return uniform(1, (n, 4)).astype(dtype), uniform(2, (n, 3), 0.0, 1.0).astype(dtype)


def written_and_read(state):
    """The dictionary after its arrays went through NumPy's files and the rest through JSON."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in state.items() if isinstance(value, np.ndarray)})
    buffer.seek(0)
    text = json.dumps({name: value for name, value in state.items() if not isinstance(value, np.ndarray)})
    with np.load(buffer, allow_pickle=False) as arrays:
        return {**dict(arrays), **json.loads(text)}


def resumed(trainer, optimizer, dtype="float32", **options):
    """A new trainer of a new network that goes on where `trainer` is; its own seed must not matter."""
    fresh = trainer_of(optimizer, dtype, seed=999, **options)
    fresh.network.set_parameters(trainer.network.get_parameters())
    fresh._state.from_dict(written_and_read(trainer._state.to_dict()))
    return fresh


def assert_same_state(actual, expected):
    assert_same_bits(actual.network.get_parameters(), expected.network.get_parameters())
    actual, expected = actual._state.to_dict(), expected._state.to_dict()
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            assert_same_bits(actual[name], value)
        else:
            assert actual[name] == value, name


@each_dtype
@each_optimizer
@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("batch_size", [1, BATCH, "full"])
def test_training_goes_on_with_the_same_bits(optimizer, dtype, extra, batch_size):
    options = {"batch_size": batch_size, **EXTRAS[extra]}
    whole, first = (trainer_of(optimizer, dtype, **options) for _ in range(2))
    of_five = whole.fit(*data(dtype), epochs=5)
    first.fit(*data(dtype), epochs=2)
    second = resumed(first, optimizer, dtype, **options)
    of_three = second.fit(*data(dtype), epochs=3)
    assert_same_state(second, whole)
    assert list(of_three.loss) == list(of_five.loss)[2:]
    assert list(of_three.index) == list(of_five.index)[2:]


@each_optimizer
def test_steps_go_on_with_the_same_bits(optimizer):
    whole, first = trainer_of(optimizer), trainer_of(optimizer)
    X, y = data()
    losses = [whole.step(X[t : t + 7], y[t : t + 7]) for t in range(20)]
    for t in range(11):
        assert first.step(X[t : t + 7], y[t : t + 7]) == losses[t]
    second = resumed(first, optimizer)
    for t in range(11, 20):
        assert second.step(X[t : t + 7], y[t : t + 7]) == losses[t]
    assert_same_state(second, whole)


def run(trainer, epochs, budget, dtype="float32"):
    """One native call: so many epochs, or as many steps as the budget of seconds allows, at least one."""
    X, y = data(dtype)
    losses, seconds = np.zeros(epochs), np.zeros(epochs)
    trainer._state.train(
        trainer._recipe(), Data(X, y), trainer._engine_objective(), BATCH, trainer._shuffle,
        (epochs, -NO_LIMIT, budget), 1, losses, seconds, np.array([trainer.optimizer.learning_rate]),
    )  # fmt: skip
    return losses


@each_dtype
@each_optimizer
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("steps", [1, 3, 6, 9])
def test_in_the_middle_of_an_epoch_too(optimizer, dtype, shuffle, steps):
    """An epoch is 7 steps. A budget of no time ends a call after one step."""
    whole, first = (trainer_of(optimizer, dtype, shuffle=shuffle) for _ in range(2))
    for trainer in (whole, first):
        trainer._state.begin_fit(N)
    losses = run(whole, 3, NO_LIMIT, dtype)
    for _ in range(steps):
        run(first, 3, 0.0, dtype)
    assert first._state.to_dict()["step"] == steps
    assert first._state.counters[POSITION] == steps % 7 * BATCH
    second = resumed(first, optimizer, dtype, shuffle=shuffle)
    left = 3 - second._state.epoch
    assert list(run(second, left, NO_LIMIT, dtype)) == list(losses[-left:])
    assert_same_state(second, whole)


@each_optimizer
def test_the_dictionary_holds_arrays_and_plain_numbers(optimizer):
    trainer = trainer_of(optimizer)
    trainer.fit(*data(), epochs=1)
    state = trainer._state.to_dict()
    for name, value in state.items():
        assert type(name) is str
        assert type(value) in (np.ndarray, int, float, str), name
        if type(value) is np.ndarray:
            assert value.dtype == {"rule": np.float64, "order": np.int64}.get(name, np.float32), name
    assert {"m", "v"} & set(state) == set(OPTIMIZERS[optimizer]._states())
    assert state["optimizer"] == type(OPTIMIZERS[optimizer]).__name__
    assert (state["epoch"], state["step"], state["position"]) == (1, 7, 0)


@each_optimizer
def test_the_dictionary_is_a_copy(optimizer):
    """Training changes none given out; what is done to one given in changes no training."""
    first = trainer_of(optimizer)
    first.fit(*data(), epochs=1)
    state = first._state.to_dict()
    kept = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in state.items()}
    second = trainer_of(optimizer, seed=999)
    second.network.set_parameters(first.network.get_parameters())
    second._state.from_dict(state)
    first.fit(*data(), epochs=2)
    for name, value in kept.items():
        assert np.array_equal(state[name], value), name
    for value in state.values():
        if isinstance(value, np.ndarray):
            value[...] = -1
    second.fit(*data(), epochs=2)
    assert_same_state(second, first)


def test_another_optimizer_starts_afresh():
    """Its arrays and powers are 0 and 1; where the training is, and the random stream, go on."""
    first, second = trainer_of("adam"), trainer_of("rmsprop", seed=999)
    first.fit(*data(), epochs=2)
    second.fit(*data(), epochs=1)
    second._state.from_dict(first._state.to_dict())
    state, given = second._state.to_dict(), first._state.to_dict()
    assert not state["v"].any()
    assert [state[name] for name in ("beta1_power", "beta2_power", "decay_power")] == [1.0] * 3
    for name in ("epoch", "step", "position", "random_state", "random_increment"):
        assert state[name] == given[name]


def test_momentum_switched_on_starts_afresh():
    """SGD without momentum keeps no array that one with it could take over."""
    first, second = trainer_of("sgd"), trainer_of("momentum", seed=999)
    first.fit(*data(), epochs=2)
    second.fit(*data(), epochs=1)
    second._state.from_dict(first._state.to_dict())
    assert not second._state.to_dict()["m"].any()
    assert second._state.epoch == 2


def test_a_state_needs_no_trainer():
    """It is made from a network and a random stream alone."""
    trainer = trainer_of("adam")
    trainer.fit(*data(), epochs=1)
    state = TrainerState(trainer.network, np.random.PCG64(5))
    state.prepare(bp.Adam())
    state.from_dict(trainer._state.to_dict())
    assert state.epoch == 1
    assert_same_bits(state.to_dict()["m"], trainer._state.to_dict()["m"])
