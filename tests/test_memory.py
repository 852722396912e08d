"""The data set is never copied whole, whatever its dtype and layout."""

import sys

import pytest

from support import run_python

BYTES = 63_000_000

# A mapped file is no private memory. What the process may still allocate is limited to 24 MB: the mapped data have
# 63 MB as they are, and in float32 four times that if they are uint8.
NEVER_COPIED = f"""
import resource, sys
import bp_core as bp
import numpy as np

path, kind, order, work = sys.argv[1:]
n = {BYTES} // 784 // np.dtype(kind).itemsize
X = np.memmap(path, dtype=kind, mode="r", shape=(n, 784), order=order)
y = np.zeros(n, np.float32)
net = bp.Network((784, 4, 1), hidden="tanh", seed=0)
trainer = bp.Trainer(net, batch_size=256, seed=0)
trainer.fit(X[:300], y[:300], epochs=1)
net.predict(X[:300])
data = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (data + 24_000_000, resource.getrlimit(resource.RLIMIT_DATA)[1]))
if work == "fit":
    trainer.fit(X, y, epochs=1)
elif work == "validate":
    trainer.fit(X[:300], y[:300], epochs=1, validation_data=(X, y))
elif work == "loss":
    net.loss(X, y)
elif work == "predict":
    net.predict(X)
try:
    np.ones({BYTES}, np.uint8)
except MemoryError:
    print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's limit on private memory")
@pytest.mark.parametrize("work", ["fit", "validate", "predict", "loss"])
@pytest.mark.parametrize(("kind", "order"), [("uint8", "C"), ("uint8", "F"), (">f4", "C"), ("float64", "C")])
def test_never_copied_whole(kind, order, work, tmp_path):
    path = tmp_path / "X"
    with open(path, "wb") as file:
        file.truncate(BYTES)
    finished = run_python(NEVER_COPIED, path, kind, order, work, cwd=tmp_path)
    assert finished.stdout.strip() == "done", finished.stderr


def test_an_epoch_of_many_rows_needs_no_memory_for_each_epoch():
    """A million epochs asked for, ten trained: nothing is set aside for the rest."""
    code = """
import resource
import bp_core as bp
import numpy as np

net = bp.Network((2, 3, 1), seed=0)
trainer = bp.Trainer(net, seed=0)
X, y = np.zeros((4, 2)), np.zeros(4)
trainer.fit(X, y, epochs=1)
data = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (data + 24_000_000, resource.getrlimit(resource.RLIMIT_DATA)[1]))
seen = []
history = trainer.fit(X, y, epochs=10**12, callbacks=[lambda epoch: seen.append(epoch.index) or len(seen) == 10])
print(history.stop_reason)
"""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux's limit on private memory")
    finished = run_python(code)
    assert finished.stdout.strip() == "callback", finished.stderr
