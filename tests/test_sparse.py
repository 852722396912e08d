"""Sparse rows through every pass and step: the numbers of the same rows stored dense."""

import numpy as np
import pytest

import bp_core as bp
from support import DTYPES, Standin, arrays_of, assert_equal, csr_of, make_network, some_rows, uniform

OPTIMIZERS = {
    "sgd": bp.SGD(0.05),
    "momentum": bp.SGD(0.05, momentum=0.9),
    "nesterov": bp.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": bp.RMSprop(),
    "adagrad": bp.Adagrad(0.05),
    "adam": bp.Adam(0.01),
    "adamw": bp.AdamW(0.01),
    "nadam": bp.NAdam(0.01),
    "rprop": bp.Rprop(0.01),
}
SIZES = {
    "wide": (70, 21, 2),
    "narrow": (70, 5, 1),
    "many units": (40, 150, 3),
    "small": (7, 3, 2),
    "no hidden": (33, 9),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("n", [1, 127, 129, 700])
def test_a_pass_over_sparse_rows_has_the_numbers_of_dense_ones(isa, sizes, dtype, n):
    net = make_network(sizes, hidden="gelu", dtype=dtype, bias="layer")
    X, y = some_rows(n, sizes[0]), uniform(5, (n, sizes[-1]))
    found, expected = net.gradients(csr_of(X), y), net.gradients(X, y)
    assert found.loss == expected.loss == net.loss(csr_of(X), y)
    for one, other in zip(arrays_of(found), arrays_of(expected), strict=True):
        assert_equal(one, other)
    passed, dense = net.forward(csr_of(X)), net.forward(X)
    for one, other in zip((*passed.z, *passed.a), (*dense.z, *dense.a), strict=True):
        assert_equal(one, other)
    for threads in (None, 1, 3):
        assert_equal(net.predict(csr_of(X), n_threads=threads), net.predict(X))


def test_a_gradient_worked_by_hand(isa):
    """One row stores 2 in column 1, another 3 in columns 0 and 1; delta is a - y over two rows."""
    net = bp.Network.from_arrays([[[1.0], [0.5]]], None, hidden=(), output="identity")
    X = csr_of(np.array([[0.0, 2.0], [3.0, 3.0]]))
    found = net.gradients(X, [0.0, 4.0])  # a = 1, 4.5: delta = 1 / 2, 0.5 / 2
    assert_equal(found.weights[0], np.array([[0.75], [1.75]]))
    assert_equal(found.inputs, np.array([[0.5, 0.25], [0.25, 0.125]]))


def fitted(net, X, y, *, kind=np.asarray, batch_size=64, n_threads=1, steps=50, **options):
    """A copy of the network after about so many steps, and the losses."""
    net = net.copy()
    trainer = bp.Trainer(net, seed=3, batch_size=batch_size, n_threads=n_threads, **options)
    epochs = -(-steps // -(-X.shape[0] // batch_size))
    history = trainer.fit(kind(X), y, epochs=epochs, validation_data=(kind(X[:9]), y[:9]))
    return [net.get_parameters(), history.loss, history.validation_loss]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("sizes", ["wide", "narrow", "small"])
def test_fifty_steps_of_every_optimizer(isa, sizes, name):
    sizes = SIZES[sizes]
    net, X, y = (
        make_network(sizes, dtype="float64", hidden="tanh"),
        some_rows(300, sizes[0]),
        uniform(4, (300, sizes[-1])),
    )
    expected = fitted(net, X, y, optimizer=OPTIMIZERS[name])
    for threads in (1, 2, 3):
        found = fitted(net, X, y, kind=csr_of, optimizer=OPTIMIZERS[name], n_threads=threads)
        for one, other in zip(found, expected, strict=True):
            assert_equal(one, other)


WAYS = {
    "penalties": {"l2": 0.01, "l1": 0.001},
    "clipping": {"clip_norm": 0.1},
    "dropout": {"dropout": 0.3},
    "the norms of units": {"max_norm": 0.5},
    "weights": {"bias": "layer"},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", [100, 256, 700])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_through_a_step(isa, way, batch_size, dtype):
    """Batches of one block, of several whose gradients or rows are exchanged, of several chunks."""
    options = dict(WAYS[way])
    net = make_network(SIZES["wide"], dtype=dtype, hidden="tanh", bias=options.pop("bias", "unit"))
    X, y = some_rows(1500, 70), uniform(4, (1500, 2))
    options |= {"batch_size": batch_size, "steps": 8, "optimizer": "adam"}
    expected = fitted(net, X, y, **options)
    for threads in (1, 2, 3):
        found = fitted(net, X, y, kind=csr_of, n_threads=threads, **options)
        for one, other in zip(found, expected, strict=True):
            assert_equal(one, other)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_batch_of_many_chunks(isa, n_threads):
    net, X, y = make_network(SIZES["many units"]), some_rows(2000, 40), uniform(4, (2000, 3))
    options = {"batch_size": 2000, "steps": 2, "optimizer": "sgd"}
    expected = fitted(net, X, y, **options)
    found = fitted(net, X, y, kind=csr_of, n_threads=n_threads, **options)
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)


def test_a_last_batch_of_fewer_rows_than_threads():
    """Threads that have no rows of it have none of the batch before either."""
    net, X, y = make_network(SIZES["many units"]), some_rows(65, 40), uniform(4, (65, 3))
    expected, found = fitted(net, X, y, steps=6), fitted(net, X, y, kind=csr_of, n_threads=3, steps=6)
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)


def test_steps_alternate_with_those_over_arrays():
    """The short way of a step is prepared for arrays; sparse rows of as many rows between them change nothing."""
    X, y = some_rows(20, 70), uniform(4, (20, 2))
    nets = [make_network(SIZES["wide"]) for _ in range(2)]
    trainers = [bp.Trainer(net, optimizer="adam") for net in nets]
    for step in range(6):
        given = csr_of(X) if step % 3 else X
        assert trainers[0].step(X, y) == trainers[1].step(given, y)
    assert_equal(nets[0].get_parameters(), nets[1].get_parameters())


def test_the_predictor_and_more_inputs_than_a_prediction_has_room_for():
    net = bp.Network((200_000, 3, 1), hidden="tanh", seed=0)
    X = Standin(np.ones(3), [5, 199_999, 70_000], np.repeat([0, 2, 3], [1, 899, 1]), (900, 200_000))
    two = np.zeros((2, 200_000))
    two[0, [5, 199_999]], two[1, 70_000] = 1, 1
    found = net.predictor()(X)
    assert_equal(found, net.predict(X))
    assert_equal(found[[0, 899]], net.predict(two))
    assert_equal(found[1:899], np.repeat(net.predict(np.zeros((1, 200_000))), 898, axis=0))
