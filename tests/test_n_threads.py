"""Several threads of one call: the same bits as one, none left behind, and how many there are."""

import os
import sys
import time

import numpy as np
import pytest

import bp_core as bp
import golden_bits
from bp_core import _threads
from support import DTYPES, assert_same_bits, make_network, refused, run_python, targets, uniform

MANY = (2, 3, 7)
NETWORKS = (
    ((30, 64, 64, 1), {"hidden": "relu"}),
    ((784, 30, 10), {"hidden": "sigmoid", "output": "softmax"}),
    ((4, 32, 16, 4), {"hidden": "tanh", "bias": "layer"}),
    ((20, 5), {"bias": "none"}),
    ((2, 3, 1), {"hidden": "sigmoid", "output": "sigmoid"}),
)


def trained(
    sizes, threads, *, n=300, batch_size=64, epochs=2, dtype="float32", weights=False, classes=False, **options
):
    """Losses, parameters and predictions after some epochs."""
    of_the_trainer = {"optimizer", "l1", "l2", "clip_norm", "max_norm"} & options.keys()
    trainer_options = {name: options.pop(name) for name in of_the_trainer}
    net = make_network(sizes, scale=0.1, dtype=dtype, **options)
    X = uniform(1, (n, sizes[0]))
    y = np.arange(n) % sizes[-1] if classes else targets(bp.losses.resolve("auto", net.output)[0], 2, n, sizes[-1])
    trainer_options.setdefault("optimizer", "adam")
    trainer = bp.Trainer(net, batch_size=batch_size, seed=3, n_threads=threads, **trainer_options)
    history = trainer.fit(X, y, epochs=epochs, sample_weight=uniform(4, n, 0.5, 2.0) if weights else None)
    step = trainer.step(X[:50], y[:50])
    return [np.array([*history.loss, step]), net.get_parameters(), net.predict(X, n_threads=threads)]


def assert_same_on_many(sizes, **options):
    one = trained(sizes, 1, **options)
    for threads in MANY:
        for actual, expected in zip(trained(sizes, threads, **options), one, strict=True):
            assert_same_bits(actual, expected)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("sizes", "options"), NETWORKS)
@pytest.mark.parametrize("batch_size", [1, 5, 64, 129, "full"])
def test_the_same_bits_on_any_number(sizes, options, batch_size, dtype):
    assert_same_on_many(sizes, batch_size=batch_size, dtype=dtype, **options)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("options", [{"optimizer": "sgd"}, {}, {"clip_norm": 0.1}], ids=["sgd", "adam", "clipped"])
@pytest.mark.parametrize("batch_size", [32, 64, 300])
def test_the_same_bits_where_some_workers_turn_W(batch_size, options):
    """From 32 rows a worker on, layers of 128 units and inputs have no transposed copy."""
    assert_same_on_many((20, 130, 140, 3), n=321, batch_size=batch_size, hidden="tanh", **options)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_the_same_bits_where_parameters_are_asked_for(optimizer):
    """Parameters and a matrix of more than 1 MB each."""
    one, three = (
        trained((600, 600, 600), threads, n=70, batch_size=64, optimizer=optimizer, dtype="float64")
        for threads in (1, 3)
    )
    for actual, expected in zip(three, one, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize("batch_size", [600, "full"])
def test_the_same_bits_over_many_chunks(batch_size):
    assert_same_on_many((4, 32, 16, 4), n=10_000, batch_size=batch_size, hidden="tanh")


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
@pytest.mark.parametrize("sizes", [(20, 33, 17, 3), (3, 40), (2, 3, 1)])
def test_the_same_bits_where_gradients_are_exchanged(sizes, bias, dtype):
    """Enough blocks of 128 rows for each of seven workers, the last of them short; narrow layers among them."""
    assert_same_on_many(sizes, n=1_850, batch_size="full", bias=bias, dtype=dtype, hidden="tanh")


@pytest.mark.parametrize("n", [192, 193, 256, 257, 384, 385, 512, 513, 672, 768, 896, 897])
def test_the_same_bits_around_the_fewest_blocks(n):
    """Shares as even as an exchange of gradients asks for, and less; a last batch of fewer blocks than workers."""
    assert_same_on_many((5, 20, 4), n=n + 70, batch_size=n)


def test_every_batch_up_to_300_rows():
    X, y = uniform(1, (300, 18)), uniform(2, (300, 3))
    results = []
    for threads in (1, *MANY):
        net = make_network((18, 25, 3), hidden="tanh", scale=0.3)
        trainer = bp.Trainer(net, n_threads=threads)
        results.append([[trainer.step(X[:rows], y[:rows]) for rows in range(1, 301)], net.get_parameters()])
    for losses, parameters in results[1:]:
        assert_same_bits(losses, results[0][0])
        assert_same_bits(parameters, results[0][1])


MANY_ROWS = pytest.mark.parametrize("long", [{}, {"n": 1_850, "batch_size": 1_800}], ids=["rows", "gradients"])


@MANY_ROWS
@pytest.mark.parametrize("name", golden_bits.OPTIMISERS)
def test_every_optimizer(name, long):
    assert_same_on_many((13, 40, 3), optimizer=golden_bits.OPTIMISERS[name], hidden="gelu", **long)


@MANY_ROWS
@pytest.mark.parametrize("options", golden_bits.PENALTIES.values(), ids=golden_bits.PENALTIES)
def test_penalties_and_clipping(options, long):
    assert_same_on_many((150, 40, 3), hidden="silu", **options, **long)


@MANY_ROWS
def test_weights_and_class_indices(long):
    assert_same_on_many((13, 40, 3), weights=True, **long)
    assert_same_on_many((13, 40, 3), classes=True, output="softmax", **long)


@pytest.mark.parametrize("row", [0, 40, 63, 170])
def test_a_bad_number_in_any_share_is_named(row):
    X, y = uniform(1, (200, 12)), uniform(2, (200, 3))
    X[row, 5] = np.inf
    net = make_network((12, 40, 3))
    before = net.get_parameters()
    trainer = bp.Trainer(net, batch_size=64, shuffle=False, n_threads=3)
    refused(lambda: trainer.fit(X, y, epochs=2), rf"X\[{row}, 5\] is inf")
    assert_same_bits(net.get_parameters(), before)


@pytest.mark.parametrize("row", [0, 700, 1_000, 1_999])
def test_a_bad_number_in_any_block_is_named(row):
    X, y = uniform(1, (2_000, 12)), uniform(2, (2_000, 3))
    X[row, 5] = np.nan
    y[1_999, 1] = np.inf if row == 1_999 else 0.0
    trainer = bp.Trainer(make_network((12, 40, 3)), batch_size="full", n_threads=3)
    refused(lambda: trainer.step(X, y), rf"X\[{row}, 5\] is nan")


def test_the_first_of_two_bad_rows_is_named():
    X, y = uniform(1, (64, 12)), uniform(2, (64, 3))
    X[30, 1] = X[60, 2] = np.nan
    trainer = bp.Trainer(make_network((12, 40, 3)), batch_size=64, n_threads=3)
    refused(lambda: trainer.fit(X, y, epochs=1), r"X\[30, 1\] is nan")


def test_divergence_in_threads():
    net = make_network((12, 40, 3), hidden="identity")
    X, y = uniform(1, (200, 12)) * 1e3, uniform(2, (200, 3))
    with pytest.raises(bp.DivergenceError):
        bp.Trainer(net, optimizer=bp.SGD(learning_rate=1e10), n_threads=3).fit(X, y, epochs=50)
    assert np.isfinite(net.get_parameters()).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_after_fork_trains_in_threads_too():
    code = """
import os, numpy as np, bp_core as bp
X, y = np.random.default_rng(0).random((400, 12)), np.ones((400, 3))
def fit():
    net = bp.Network((12, 64, 3), seed=1)
    bp.Trainer(net, batch_size=64, seed=1, n_threads=2).fit(X, y, epochs=20)
    return net.get_parameters().tobytes()
here = fit()
child = os.fork()
if child == 0:
    os._exit(0 if fit() == here else 1)
assert os.waitpid(child, 0)[1] == 0
assert fit() == here
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr


def test_nothing_spins_after_a_fit():
    trainer = bp.Trainer(make_network((12, 64, 3)), batch_size=64, n_threads=3)
    trainer.fit(uniform(1, (400, 12)), uniform(2, (400, 3)), epochs=20)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits threads as Linux does")
def test_a_thread_that_cannot_be_started_is_done_without():
    code = """
import resource, numpy as np, bp_core as bp
X, y = np.random.default_rng(0).random((400, 12)), np.ones((400, 3))
def fit(threads):
    net = bp.Network((12, 64, 3), seed=1)
    bp.Trainer(net, batch_size=64, seed=1, n_threads=threads).fit(X, y, epochs=3)
    return net.get_parameters().tobytes()
one = fit(1)
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 6_000_000, hard))    # no room for another stack
assert fit(4) == one
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [("3", "", 3), ("3", "1", 3), ("", "5", 5), ("", "5,2", 5), ("1000", "", 64), (" 2 ", "", 2)],
)
def test_the_environment_says_how_many(monkeypatch, own, others, expected):
    monkeypatch.setenv("BP_CORE_NUM_THREADS", own)
    monkeypatch.setenv("OMP_NUM_THREADS", others)
    assert _threads.usable() == expected


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_number_that_is_none(monkeypatch, value):
    monkeypatch.setenv("BP_CORE_NUM_THREADS", value)
    refused(_threads.usable, f"BP_CORE_NUM_THREADS={value}: expected a whole number from 1 up")


def test_without_a_word_from_the_environment(monkeypatch):
    for name in ("BP_CORE_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert 1 <= _threads.usable() <= max(64, os.cpu_count() or 1)


def test_small_steps_have_one_thread(monkeypatch):
    monkeypatch.setenv("BP_CORE_NUM_THREADS", "16")
    assert _threads.for_training(None, 13, 4) == 1
    assert _threads.for_training(None, 6_209, 32) == 1
    assert _threads.for_training(None, 101_770, 128) > 1
    assert _threads.for_training(None, 3, 256) == 1
    assert _threads.for_training(None, 13, 256) == 2
    assert _threads.for_training(5, 13, 4) == 5
    assert _threads.for_training(500, 13, 4) == _threads.for_step(500) == _threads.MOST
    assert (_threads.for_step(None), _threads.for_step(3)) == (1, 3)
    net = bp.Network((784, 128, 10))
    assert _threads.for_prediction(None, net, 1) == 1
    assert _threads.for_prediction(None, net, 10_000) == 16
    assert _threads.for_prediction(3, net, 1) == 3


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(128, 1), (150, 1), (200, 2), (300, 3), (512, 4), (2_000, 16), (2_300, 9), (100_000, 16)],
)
def test_threads_of_even_shares(monkeypatch, rows, expected):
    """Each whole blocks of 128 rows; none more than a third above an even share."""
    monkeypatch.setenv("BP_CORE_NUM_THREADS", "16")
    assert _threads.for_training(None, 740, rows) == expected


GROUPS = {
    "version 2, below the root": ("0::/a/b", {"/sys/fs/cgroup/a/cpu.max": "350000 100000"}, 3),
    "version 2, a container": ("0::/", {"/sys/fs/cgroup//cpu.max": "50000 100000"}, 1),
    "version 2, no limit": ("0::/a", {"/sys/fs/cgroup/a/cpu.max": "max 100000"}, 64),
    "version 1": (
        "3:memory:/m\n2:cpu,cpuacct:/a",
        {
            "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "200000",
            "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000",
        },
        2,
    ),
    "version 1, no limit": (
        "1:cpu:/",
        {"/sys/fs/cgroup/cpu//cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu//cpu.cfs_period_us": "100000"},
        64,
    ),
}


@pytest.mark.parametrize(("groups", "files", "expected"), GROUPS.values(), ids=GROUPS)
def test_the_quota_of_a_control_group(monkeypatch, groups, files, expected):
    files = {"/proc/self/cgroup": groups, **files}
    monkeypatch.setattr(_threads, "_lines", lambda path: files.get(path, "").splitlines())
    assert _threads._read_quota() == expected


def drive(crew, speeds, calls):
    """Let a crew make calls of 50 ms, or as short as it asks for; returns the threads of each."""
    seen = []
    for _ in range(calls):
        seconds = min(crew.next(), 0.05)
        seen.append(crew.threads)
        crew.report(speeds[crew.threads] * seconds, seconds)
    return seen


def test_a_crew_keeps_what_is_faster_and_tries_again():
    crew = _threads.Crew(4, fixed=False)
    seen = drive(crew, {1: 100, 4: 50}, 50)  # a busy neighbour
    assert seen[:5] == [1, 1, 4, 4, 1]
    assert seen[5:].count(4) < 15
    assert 4 in seen[5:]
    seen = drive(crew, {1: 100, 4: 300}, 50)  # it has gone
    assert seen.count(1) < 18
    assert seen.count(4) > 30
    seen = drive(crew, {1: 100, 4: 50}, 4)  # and is back
    assert seen.count(1) >= 2


def test_trials_of_a_crew_take_little_time():
    crew, wasted, total = _threads.Crew(4, fixed=False), 0.0, 0.0
    for _ in range(1_000):
        seconds = max(min(crew.next(), 0.05), 0.012)  # steps of 12 ms
        crew.report((100 if crew.threads == 1 else 30) * seconds, seconds)
        total += seconds
        wasted += seconds if crew.threads == 4 else 0.0
    assert 0 < wasted < 0.02 * total


def test_one_slow_call_of_one_thread_is_forgiven():
    crew = _threads.Crew(2, fixed=False)
    drive(crew, {1: 100, 2: 60}, 5)
    drive(crew, {1: 30, 2: 60}, 1)
    assert drive(crew, {1: 100, 2: 60}, 1) == [1]


def test_a_crew_of_a_fixed_number():
    crew = _threads.Crew(4, fixed=True)
    assert [crew.next() for _ in range(3)] == [float("inf")] * 3
    assert crew.threads == 4


def test_a_fit_that_chooses_has_the_bits_of_one_thread(monkeypatch):
    monkeypatch.setenv("BP_CORE_NUM_THREADS", "3")
    monkeypatch.setattr(_threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(_threads.Crew, "FIRST", 0.0)
    monkeypatch.setattr(_threads.Crew, "SHORT", 0.0)
    one, chosen = (trained((12, 40, 3), threads, epochs=60, batch_size=5) for threads in (1, None))
    for actual, expected in zip(chosen, one, strict=True):
        assert_same_bits(actual, expected)
