"""What may befall a fit in several threads: an environment that wants fewer, a fork, Ctrl-C."""

import os
import sys

import pytest

import bp_core as bp
from bp_core._state import TrainerState
from support import make_network, run_python, uniform


def test_the_environment_limits_a_fit(monkeypatch):
    """That is large enough for more: 4,096 rows of a step."""
    threads = []
    train = TrainerState.train

    def spy(state, *arguments):
        threads.append(arguments[6])
        return train(state, *arguments)

    monkeypatch.setattr(TrainerState, "train", spy)
    X, y = uniform(1, (4_096, 10)), uniform(2, (4_096, 5))
    for limit in (1, 2):
        threads.clear()
        monkeypatch.setenv("BP_CORE_NUM_THREADS", str(limit))
        bp.Trainer(make_network((10, 33, 5)), batch_size="full").fit(X, y, epochs=60, callbacks=[lambda epoch: None])
        assert set(threads) == set(range(1, limit + 1))


FORK = """
import os, sys, threading, warnings
import numpy as np
import bp_core as bp

warnings.simplefilter("ignore", DeprecationWarning)
rows = int(sys.argv[1])
X, y = np.random.default_rng(0).random((rows, 12)), np.ones((rows, 3))

def fit(epochs, callbacks=()):
    net = bp.Network((12, 64, 3), seed=1)
    trainer = bp.Trainer(net, batch_size=min(rows, 1100), seed=1, n_threads=2)
    trainer.fit(X, y, epochs=epochs, callbacks=callbacks)
    return net.get_parameters().tobytes()

def count(epoch):
    begun.set()
    return stop.is_set()

short = fit(20)
begun, stop = threading.Event(), threading.Event()
thread = threading.Thread(target=fit, args=(10**9, [count]))
thread.start()
begun.wait(60)
children = []
for _ in range(5):
    child = os.fork()
    if child == 0:
        os._exit(0 if fit(20) == short else 1)
    children.append(child)
ends = [os.waitpid(child, 0)[1] for child in children]
stop.set()
thread.join(60)
assert ends == [0] * 5 and not thread.is_alive() and fit(20) == short, ends
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("rows", [400, 1_100])
def test_children_forked_during_a_fit_in_threads(rows):
    finished = run_python(FORK, rows)
    assert finished.returncode == 0, finished.stderr


CTRL_C = """
import os, signal, sys, threading, time
import numpy as np
import bp_core as bp

rows = int(sys.argv[1])
X, y = np.random.default_rng(0).random((rows, 12)), np.ones((rows, 3))

def trainer(n_threads):
    net = bp.Network((12, 64, 3), seed=1)
    return bp.Trainer(net, optimizer="adam", batch_size=min(rows, 1100), shuffle=False, n_threads=n_threads)

many, one = trainer(3), trainer(1)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may have inherited "ignore"
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    many.fit(X, y, epochs=10**9)
    sys.exit("it ended by itself")
except KeyboardInterrupt:
    pass
assert many.history.stop_reason == "interrupted"
busy = time.process_time()
time.sleep(0.3)
assert time.process_time() - busy < 0.1, "something spins"
steps, size = many._state.to_dict()["step"], one.batch_size
assert steps > 0
for step in range(steps):
    first = step * size % (-(-rows // size) * size)
    one.step(X[first : first + size], y[first : first + size])
assert one.network.get_parameters().tobytes() == many.network.get_parameters().tobytes(), steps
many.fit(X, y, epochs=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal")
@pytest.mark.parametrize("rows", [400, 1_100, 1_500])
def test_ctrl_c_during_a_fit_in_threads(rows):
    """It holds the last complete step, and goes on."""
    finished = run_python(CTRL_C, rows)
    assert finished.returncode == 0, finished.stderr
