"""Batches that come one after the other, and epochs over some rows."""

import sys

import numpy as np
import pytest

import bp_core as bp
from support import (
    DTYPES,
    assert_close,
    assert_same_bits,
    csr_of,
    make_network,
    refused,
    run_python,
    some_rows,
    uniform,
)

N, BATCH = 50, 8
X, Y = uniform(1, (N, 4)), uniform(2, (N, 3), 0.0, 1.0)
STARTS = range(0, N, BATCH)


def network(dtype="float64", **options):
    return make_network((4, 9, 3), **{"hidden": "tanh", "output": "sigmoid", "dtype": dtype, **options})


def trainer_of(net, **options):
    return bp.Trainer(net, **{"optimizer": "adam", "batch_size": BATCH, "shuffle": False, "seed": 1, **options})


def slices(*arrays):
    return [tuple(array[start : start + BATCH] for array in arrays) for start in STARTS]


def generated():
    yield from slices(X, Y)


class Loader:
    """Like a DataLoader: iterated again for each epoch, gives lists."""

    def __iter__(self):
        return ([*batch] for batch in slices(X, Y))


# ---- the bits of fit ----


@pytest.mark.parametrize("threads", [1, 2, None])
@pytest.mark.parametrize("options", [{}, {"l2": 0.01, "clip_norm": 0.5}, {"dropout": 0.25}, {"max_norm": 0.5}])
@pytest.mark.parametrize("dtype", DTYPES)
def test_slices_are_fit_in_order(isa, dtype, options, threads):
    whole, stream = network(dtype), network(dtype)
    expected = trainer_of(whole, **options).fit(X, Y, epochs=3)
    history = trainer_of(stream, n_threads=threads, **options).fit_batches(slices(X, Y), epochs=3)
    assert_same_bits(stream.get_parameters(), whole.get_parameters())
    assert history.loss == expected.loss
    assert history.index == expected.index
    assert history.learning_rate == expected.learning_rate
    assert history.stop_reason == "epochs"


@pytest.mark.parametrize("batches", [slices(X, Y), generated, Loader(), lambda: map(list, slices(X, Y))])
def test_what_gives_batches_each_epoch(batches):
    whole, stream = network(), network()
    trainer_of(whole).fit(X, Y, epochs=2)
    trainer_of(stream).fit_batches(batches, epochs=2)
    assert_same_bits(stream.get_parameters(), whole.get_parameters())


def test_an_iterator_serves_for_one_epoch():
    whole, stream = network(), network()
    trainer_of(whole).fit(X, Y, epochs=1)
    trainer_of(stream).fit_batches(generated())
    assert_same_bits(stream.get_parameters(), whole.get_parameters())
    refused(lambda: trainer_of(stream).fit_batches(generated(), epochs=2), "a generator, .* for 2 epochs pass a list")
    refused(lambda: trainer_of(stream).fit_batches(map(tuple, slices(X, Y)), epochs=3), "a map")


def test_a_schedule_counts_the_steps_of_a_stream():
    whole, stream = network(), network()
    schedule = bp.schedules.Exponential(factor=0.9)
    expected = trainer_of(whole, schedule=schedule).fit(X, Y, epochs=3)
    history = trainer_of(stream, schedule=schedule).fit_batches(slices(X, Y), epochs=3)
    assert_same_bits(stream.get_parameters(), whole.get_parameters())
    assert history.learning_rate == expected.learning_rate


def test_fits_of_both_kinds_follow_each_other():
    whole, mixed = network(), network()
    trainer_of(whole).fit(X, Y, epochs=3)
    trainer = trainer_of(mixed)
    trainer.fit(X, Y, epochs=1)
    assert trainer.fit_batches(slices(X, Y)).index == [1]
    assert trainer.fit(X, Y, epochs=1).index == [2]
    assert_same_bits(mixed.get_parameters(), whole.get_parameters())


def test_targets_may_be_missing_and_a_whole_batch_of_them():
    holes = np.where(uniform(5, Y.shape) > 0.2, np.nan, Y)
    holes[:BATCH] = np.nan
    whole, stream = network(), network()
    expected = trainer_of(whole).fit(X, holes, epochs=2, missing_targets="ignore")
    history = trainer_of(stream).fit_batches(slices(X, holes), epochs=2, missing_targets="ignore")
    assert_same_bits(stream.get_parameters(), whole.get_parameters())
    assert_close(history.loss, np.array(expected.loss), 1e-14)


def test_weights_are_divided_by_their_mean_over_the_batch():
    weight = uniform(4, N, 0.1, 2.0)
    stream, steps = network(), network()
    trainer_of(stream).fit_batches(slices(X, Y, weight))
    trainer = trainer_of(steps)
    for x, y, w in slices(X, Y, weight):
        trainer.step(x, y, sample_weight=w)
    assert_same_bits(stream.get_parameters(), steps.get_parameters())


def test_classes_have_weights():
    classes = np.arange(N) % 3
    stream, steps = network(output="softmax"), network(output="softmax")
    trainer_of(stream).fit_batches(slices(X, classes), class_weight=[1, 2, 3])
    trainer = trainer_of(steps)
    for x, y in slices(X, classes):
        trainer.step(x, y, class_weight=[1, 2, 3])
    assert_same_bits(stream.get_parameters(), steps.get_parameters())


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows():
    """With a tiny rate it is the loss of all rows, whatever the sizes of the batches."""
    net = network()
    parts = [(X[:3], Y[:3]), (X[3:40], Y[3:40]), (X[40:], Y[40:])]
    history = trainer_of(net, optimizer=bp.SGD(learning_rate=1e-30)).fit_batches(parts)
    assert_close(history.loss[0], np.array(net.loss(X, Y)), 1e-14)


def test_sparse_batches(isa):
    rows = some_rows(N, 4)
    whole, stream = network(), network()
    trainer_of(whole).fit(csr_of(rows), Y, epochs=2)
    parts = [(csr_of(x), y) for x, y in slices(rows, Y)]
    trainer_of(stream).fit_batches(parts, epochs=2, validation_data=(csr_of(rows), Y), monitor="r2")
    assert_same_bits(stream.get_parameters(), whole.get_parameters())


# ---- how it ends ----


def test_all_that_ends_a_fit_ends_a_stream():
    judges = uniform(8, (30, 4)), uniform(9, (30, 3), 0.0, 1.0)
    endless = {"epochs": 10**6, "validation_data": judges}
    assert trainer_of(network()).fit_batches(generated, patience=5, **endless).stop_reason == "patience"
    history = trainer_of(network()).fit_batches(generated, target_loss=0.1, **endless)
    assert history.stop_reason == "target_loss"
    assert history.loss[-1] <= 0.1 < history.loss[-2]
    assert len(history.validation_loss) == len(history)
    history = trainer_of(network()).fit_batches(generated, callbacks=[lambda epoch: epoch.index == 2], **endless)
    assert (history.stop_reason, len(history)) == ("callback", 3)
    assert trainer_of(network()).fit_batches(generated, max_seconds=0.05, **endless).stop_reason == "max_seconds"


def test_time_is_up_in_the_middle_of_an_endless_epoch():
    def endless():
        while True:
            yield X, Y

    history = trainer_of(network()).fit_batches(endless(), max_seconds=0.02)
    assert (history.stop_reason, len(history)) == ("max_seconds", 0)


def test_the_best_parameters_come_back():
    judges = uniform(8, (30, 4)), uniform(9, (30, 3), 0.0, 1.0)
    net = network()
    history = trainer_of(net).fit_batches(generated, epochs=10**6, validation_data=judges, patience=5)
    assert_close(net.loss(*judges), np.array(min(history.validation_loss)), 1e-13)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence():
    net = network(output="identity")
    trainer = trainer_of(net, optimizer=bp.SGD(learning_rate=1e200))
    with pytest.raises(bp.DivergenceError, match="in epoch 0 at learning rate 1e\\+200"):
        trainer.fit_batches(generated, epochs=5)
    assert trainer.history.stop_reason == "diverged"
    assert np.isfinite(net.get_parameters()).all()


def test_an_interrupt_leaves_the_last_complete_step():
    def interrupted():
        yield from slices(X, Y)[:3]
        raise KeyboardInterrupt

    stream, steps = network(), network()
    trainer = trainer_of(stream)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit_batches(interrupted)
    assert trainer.history.stop_reason == "interrupted"
    other = trainer_of(steps)
    for batch in slices(X, Y)[:3]:
        other.step(*batch)
    assert_same_bits(stream.get_parameters(), steps.get_parameters())
    assert trainer.fit_batches(generated).stop_reason == "epochs"  # nothing is left locked


def test_nobody_else_trains_meanwhile():
    trainer = trainer_of(network())

    def meddling():
        yield X, Y
        trainer.step(X, Y)

    refused(lambda: trainer.fit_batches(meddling), "being trained by another", error=RuntimeError)


# ---- what is refused ----


def spoilt(at, batch):
    batches = slices(X, Y)
    batches[at] = batch
    return batches


@pytest.mark.parametrize(
    ("batch", "words", "error"),
    [
        ((X[:8, :3], Y[:8]), "batch 2: x has 3 features per row; this network takes 4", ValueError),
        ((X[:8], Y[:7]), r"batch 2: y has shape \(7, 3\); expected \(8, 3\)", ValueError),
        ((X[:0], Y[:0]), "batch 2: X has shape .* no rows", ValueError),
        ((np.where(np.arange(32).reshape(8, 4) == 13, np.nan, X[:8]), Y[:8]), r"batch 2: X\[3, 1\] is nan", ValueError),
        ((X[:8], np.where(np.arange(24).reshape(8, 3) == 13, np.nan, Y[:8])), r"batch 2: y\[4, 1\] .*miss", ValueError),
        (X[:8], "batch 2 is a ndarray; expected", TypeError),
        ((X[:8],), "batch 2 is a tuple", TypeError),
        ((X[:8], Y[:8], np.ones(7)), "batch 2: sample_weight has shape", ValueError),
        (({"x": 1}, Y[:8]), "batch 2: X has dtype object", TypeError),
    ],
)
def test_a_batch_that_cannot_be_used(batch, words, error):
    """It is named, and the steps before it remain."""
    stream, steps = network(), network()
    trainer, other = trainer_of(stream), trainer_of(steps)
    refused(lambda: trainer.fit_batches(spoilt(2, batch)), words, error=error)
    assert trainer.history.stop_reason is None
    for good in slices(X, Y)[:2]:
        other.step(*good)
    assert_same_bits(stream.get_parameters(), steps.get_parameters())


@pytest.mark.parametrize(
    ("batches", "words", "error"),
    [
        ([], "batches gave no batch", ValueError),
        (lambda: iter(()), "batches gave no batch", ValueError),
        (7, "batches is 7; expected an iterable", TypeError),
        (lambda: None, "batches returns None; expected an iterable", TypeError),
    ],
)
def test_what_gives_no_batches(batches, words, error):
    refused(lambda: trainer_of(network()).fit_batches(batches), words, error=error)


def test_a_function_that_gives_an_iterator_twice():
    once = generated()
    refused(lambda: trainer_of(network()).fit_batches(lambda: once, epochs=2), "batches gave no batch")


def test_balanced_needs_all_rows():
    trainer = trainer_of(network(output="softmax"))
    refused(lambda: trainer.fit_batches(slices(X, np.arange(N) % 3), class_weight="balanced"), "rows of all batches")


@pytest.mark.parametrize("method", [bp.LBFGS(), bp.LevenbergMarquardt()], ids=lambda method: type(method).__name__)
def test_a_method_of_all_rows(method):
    refused(lambda: trainer_of(network(), optimizer=method).fit_batches(generated), "takes all rows at once: use fit")
    trainer = trainer_of(network())

    def change(epoch):
        trainer.optimizer = method

    refused(lambda: trainer.fit_batches(generated, epochs=2, callbacks=[change]), "takes all rows at once: use fit")


def test_an_error_of_the_stream_goes_through():
    def broken():
        yield X, Y
        raise OSError("the disk is gone")

    refused(lambda: trainer_of(network()).fit_batches(broken), "the disk is gone", error=OSError)


# ---- memory ----

STREAM = """
import resource, sys
import numpy as np
import bp_core as bp
trainer = bp.Trainer(bp.Network((1000, 4, 1), seed=0), seed=0)
X, y = np.ones((1000, 1000), np.float32), np.ones(1000, np.float32)
trainer.fit_batches([(X.copy(), y)])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
trainer.fit_batches((X + i, y) for i in range(200))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss in kilobytes is Linux's")
def test_a_stream_needs_the_memory_of_two_batches():
    ran = run_python(STREAM)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 3 * 4000  # of 200 times 4,000 kB


# ---- partial_fit ----


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [BATCH, "full"])
def test_partial_fit_is_an_epoch_of_fit(isa, batch_size, shuffle):
    ours, theirs = network(), network()
    weight = uniform(4, N, 0.1, 2.0)
    one = trainer_of(ours, shuffle=shuffle, batch_size=batch_size)
    other = trainer_of(theirs, shuffle=shuffle, batch_size=batch_size)
    first = other.fit(X, Y, epochs=1)
    one.fit(X, Y, epochs=1)
    history = one.history
    for part in (slice(0, 30), slice(20, 50)):
        loss = one.partial_fit(X[part], Y[part], sample_weight=weight[part])
        assert loss == other.fit(X[part], Y[part], epochs=1, sample_weight=weight[part]).loss[0]
    assert one.history is history
    assert history.loss == first.loss
    assert_same_bits(ours.get_parameters(), theirs.get_parameters())
    one.fit(X, Y, epochs=1)
    other.fit(X, Y, epochs=1)
    assert_same_bits(ours.get_parameters(), theirs.get_parameters())


def test_partial_fit_takes_what_fit_takes():
    classes = np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N) % 3)
    ours, theirs = network(output="softmax"), network(output="softmax")
    options = {"class_weight": "balanced", "missing_targets": "ignore"}
    trainer = trainer_of(ours)
    assert trainer.partial_fit(X, classes, **options) > 0
    assert trainer.history is None
    trainer_of(theirs).fit(X, classes, epochs=1, **options)
    assert_same_bits(ours.get_parameters(), theirs.get_parameters())
    refused(lambda: trainer.partial_fit(X, classes), r"y\[0\] is nan")
