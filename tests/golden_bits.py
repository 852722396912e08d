"""Digests of results whose bits are promised on every CPU with fused multiply-add, whatever the compiler.

`python tests/golden_bits.py` writes golden_bits.json beside this file, from the package that is installed. Do so only
when a result is meant to change, and say why in the change log: test_bits.py compares every other CPU and compiler
with that file.
"""

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np

import bp_core as bp
import oracle
from support import BATCHES, DTYPES, arrays_of, csr_of, make_network, some_rows, targets, uniform

STORED = Path(__file__).with_name("golden_bits.json")
INITIALISERS = (
    "auto", "zeros", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
)  # fmt: skip
OPTIMISERS = {
    "sgd": bp.SGD(learning_rate=0.05),
    "momentum": bp.SGD(learning_rate=0.02, momentum=0.9),
    "nesterov": bp.SGD(learning_rate=0.02, momentum=0.9, nesterov=True),
    "rmsprop": bp.RMSprop(learning_rate=0.005),
    "adagrad": bp.Adagrad(learning_rate=0.05),
    "adam": bp.Adam(learning_rate=0.01),
    "adamw": bp.AdamW(learning_rate=0.01, weight_decay=0.1),
    "nadam": bp.NAdam(learning_rate=0.01),
    "rprop": bp.Rprop(learning_rate=0.002),
}
SCHEDULES = {
    "step": bp.schedules.StepDecay(every=30),
    "exponential": bp.schedules.Exponential(factor=0.99),
    "inverse": bp.schedules.InverseScaling(power=0.6),
    "cosine": bp.schedules.Cosine(steps=400, minimum=0.01),
    "restarts": bp.schedules.Cosine(steps=7, restarts=True, growth=2),
    "one-cycle": bp.schedules.OneCycle(steps=450),
    "warm-up": bp.schedules.WarmUp(40, then=bp.schedules.Cosine(steps=300)),
}
PENALTIES = {
    "l2": {"l2": 0.01},
    "l1": {"l1": 0.01},
    "clip": {"clip_norm": 0.05},
    "all": {"l1": 0.01, "l2": 0.02, "clip_norm": 0.05},
    "max_norm": {"max_norm": 0.9},
}


def digest(arrays):
    """The first half of the sha256 of the shapes, dtypes and little-endian bytes; NaN is not allowed."""
    h = hashlib.sha256()
    for array in arrays:
        array = np.asarray(array)
        assert not np.isnan(array).any()
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        h.update(f"{little.dtype.str}{array.shape}".encode())
        h.update(little.tobytes())
    return h.hexdigest()[:32]


def backward(net, n, loss):
    """Every z, a, gradient and the loss for n rows."""
    X = uniform(1, (n, net.layer_sizes[0])).astype(net.dtype)
    y = targets(loss, 2, n, net.layer_sizes[-1]).astype(net.dtype)
    passed, gradients = net.forward(X), net.gradients(X, y, loss=loss)
    return [*passed.z, *passed.a, *arrays_of(gradients), gradients.loss]


def activation_case(name, dtype):
    hidden, loss = ("tanh", "cross_entropy") if name == "softmax" else (name, "mse")
    return backward(make_network((13, 17, 9), hidden=hidden, output=name, dtype=dtype), 131, loss)


def spread_case(name, dtype):
    """One activation at z from tiny to +-100."""
    sizes = 2.0 ** np.arange(-40, 7)
    z = np.concatenate([-sizes[::-1], [0.0], sizes, uniform(3, 200, -100, 100), uniform(4, 200, -5, 5)])
    net = bp.Network.from_arrays([z[None, :].astype(dtype)], [np.zeros(len(z), dtype)], hidden=(), output=name)
    return [net.predict(np.ones((1, 1), dtype))]


def loss_case(loss, output, dtype):
    return backward(make_network((5, 11, 4), hidden="tanh", output=output, bias="layer", dtype=dtype), 40, loss)


def shape_case(layer_sizes, n, dtype):
    scale = min(0.7, 2 / max(layer_sizes[:-1]) ** 0.5)
    return backward(make_network(layer_sizes, scale=scale, hidden="sigmoid", output="tanh", dtype=dtype), n, "mse")


def steps_case(optimizer, dtype, layer_sizes=(7, 19, 9, 4), n=21, n_steps=100, **options):
    """The losses and the parameters of 100 training steps, each on other rows."""
    net = make_network(layer_sizes, scale=0.5, hidden="tanh", output="softmax", dtype=dtype)
    trainer = bp.Trainer(net, optimizer=optimizer, **options)
    X = uniform(5, (n_steps, n, layer_sizes[0])).astype(dtype)
    y = [targets("cross_entropy", 6 + t, n, layer_sizes[-1]).astype(dtype) for t in range(n_steps)]
    losses = [trainer.step(X[t], y[t]) for t in range(n_steps)]
    return [losses, net.get_parameters()]


def fit_case(batch_size, dtype):
    """Shuffled epochs with sample weights: the trainer's random stream."""
    net = make_network((6, 12, 3), hidden="relu", output="sigmoid", dtype=dtype)
    trainer = bp.Trainer(net, loss="huber", optimizer="adam", batch_size=batch_size, seed=11)
    X, y = uniform(7, (150, 6)), targets("huber", 8, 150, 3)
    history = trainer.fit(X, y, epochs=5, sample_weight=uniform(9, 150, 0.5, 2.0))
    return [history.loss, net.get_parameters()]


def dropout_case(width, dtype):
    """Batches of more than one block, and hidden layers that end within a word or four units."""
    options = {"dropout": (0.2, 0.5), "seed": 13}
    sizes = (7, width, 9, 4)
    return steps_case(OPTIMISERS["adam"], dtype, layer_sizes=sizes, n=150, n_steps=10, **options)


def average_case(layer_sizes, dtype):
    """The moving average beside the parameters that it follows."""
    net = make_network(layer_sizes, scale=0.5, hidden="tanh", dtype=dtype)
    trainer = bp.Trainer(net, optimizer="adam", batch_size=16, seed=17, average_decay=0.9)
    trainer.fit(uniform(12, (60, layer_sizes[0])), uniform(13, (60, layer_sizes[-1])), epochs=3)
    return [net.get_parameters(), trainer.averaged_network().get_parameters()]


def schedule_case(schedule):
    """The factors of some steps, and what they train."""
    net = make_network((6, 12, 3), hidden="tanh", output="identity")
    trainer = bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.01), schedule=schedule, batch_size=7, seed=11)
    history = trainer.fit(uniform(7, (150, 6)), targets("mse", 8, 150, 3), epochs=5)
    return [schedule.factors(0, 500), history.loss, net.get_parameters()]


def initial_case(init, dtype):
    net = bp.Network((19, 23, 8, 5), hidden=("relu", "tanh"), init=init, dtype=dtype, seed=7)
    return [net.get_parameters()]


def jacobian_case(layer_sizes, hidden, output, dtype):
    net = make_network(layer_sizes, scale=0.5, hidden=hidden, output=output, dtype=dtype)
    return [net.jacobian(uniform(10, (131, layer_sizes[0])))]


def sparse_case(layer_sizes, dtype):
    """One pass over sparse rows, and five epochs of several blocks a batch."""
    net = make_network(layer_sizes, scale=0.5, hidden="tanh", dtype=dtype)
    X, y = csr_of(some_rows(300, layer_sizes[0])), uniform(12, (300, layer_sizes[-1]))
    found = net.gradients(X, y)
    history = bp.Trainer(net, optimizer="adam", batch_size=200, seed=5).fit(X, y, epochs=5)
    return [*arrays_of(found), history.loss, net.get_parameters()]


def whole_batch_case(layer_sizes, output, bias, dtype):
    """Damped steps from all rows: the Jacobian's rows, the triangle, its factors, the solution."""
    net = make_network(layer_sizes, scale=0.5, hidden="tanh", output=output, bias=bias, dtype=dtype)
    trainer = bp.Trainer(net, optimizer=bp.LevenbergMarquardt(damping=0.1), l2=0.01)
    X, y = uniform(11, (300, layer_sizes[0])), targets("mse", 12, 300, layer_sizes[-1])
    history = trainer.fit(X, y, epochs=6, sample_weight=uniform(13, 300, 0.5, 2.0))
    return [history.loss, history.learning_rate, net.get_parameters()]


SHAPES = [(2, 3, 1), (17, 8), (40, 8, 5), (513, 20, 4), (1100, 24, 10), (2100, 5), (9, 1100, 3), (145, 140, 131)]
SPARSE = [(70, 21, 2), (70, 5, 1), (40, 150, 3), (7, 3, 2)]
JACOBIANS = [((3, 1), (), "identity"), ((20, 8, 3), "tanh", "sigmoid"), ((13, 19, 17), "gelu", "softmax")]
WHOLE_BATCHES = [
    ((1, 10, 1), "identity", "unit"), ((20, 7, 3), "sigmoid", "layer"), ((9, 19, 11), "softsign", ("none", "unit")),
]  # fmt: skip


def cases():
    """Name of every case and the function that computes its arrays."""
    for name, schedule in SCHEDULES.items():
        yield f"schedule/{name}", partial(schedule_case, schedule)
    for dtype in DTYPES:
        for name in (*oracle.ACTIVATIONS, "softmax"):
            yield f"activation/{name}/{dtype}", partial(activation_case, name, dtype)
            yield f"spread/{name}/{dtype}", partial(spread_case, name, dtype)
        for loss, output in oracle.PAIRS:
            if output in ("sigmoid", "softmax") or loss == "poisson":
                yield f"loss/{loss}/{dtype}", partial(loss_case, loss, output, dtype)
        for width in range(1, 68):
            yield f"width/{width}/{dtype}", partial(shape_case, (width, width, 68 - width), 9, dtype)
        for n in BATCHES:
            yield f"batch/{n}/{dtype}", partial(shape_case, (5, 11, 3), n, dtype)
        for layer_sizes in SHAPES:
            yield f"shape/{layer_sizes}/{dtype}", partial(shape_case, layer_sizes, 130, dtype)
        for name, optimizer in OPTIMISERS.items():
            yield f"steps/{name}/{dtype}", partial(steps_case, optimizer, dtype)
        for name, options in PENALTIES.items():
            yield f"penalty/{name}/{dtype}", partial(steps_case, OPTIMISERS["adam"], dtype, **options)
        for layer_sizes in SPARSE:
            yield f"sparse/{layer_sizes}/{dtype}", partial(sparse_case, layer_sizes, dtype)
        for width in (3, 8, 17, 65):
            yield f"dropout/{width}/{dtype}", partial(dropout_case, width, dtype)
        for layer_sizes in [(2, 3, 1), (20, 8, 17, 3)]:
            yield f"average/{layer_sizes}/{dtype}", partial(average_case, layer_sizes, dtype)
        for batch_size in (1, 7, 32, 129, "full"):
            yield f"fit/{batch_size}/{dtype}", partial(fit_case, batch_size, dtype)
        for layer_sizes, hidden, output in JACOBIANS:
            yield f"jacobian/{layer_sizes}/{output}/{dtype}", partial(jacobian_case, layer_sizes, hidden, output, dtype)
        for layer_sizes, output, bias in WHOLE_BATCHES:
            name = f"levenberg_marquardt/{layer_sizes}/{dtype}"
            yield name, partial(whole_batch_case, layer_sizes, output, bias, dtype)
        for init in INITIALISERS:
            yield f"initial/{init}/{dtype}", partial(initial_case, init, dtype)


def main():
    if bp.isa() == "base":
        raise SystemExit("the bits of the base level are not promised: write this file on a CPU with FMA")
    STORED.write_text(json.dumps({name: digest(case()) for name, case in cases()}, indent=0) + "\n")
    print(f"wrote {STORED.name} at {bp.isa()}")


if __name__ == "__main__":
    main()
