"""Real digits: 784-128-10 learns 8,000 of them, twice the same. Needs a folder named by BP_CORE_EXTRA_DATA."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import bp_core as bp
from support import assert_same_bits

FOLDER = os.environ.get("BP_CORE_EXTRA_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="no extra data folder (BP_CORE_EXTRA_DATA)")


@cache
def digits():
    with np.load(Path(FOLDER) / "mnist10k.npz") as file:
        images, labels = file["images"], file["labels"]
    X = images.reshape(10_000, 784).astype(np.float32) / 255
    return X[:8000], labels[:8000], X[8000:], labels[8000:]


def trained(seed):
    X, y, _, _ = digits()
    net = bp.Network((784, 128, 10), hidden="relu", output="softmax", seed=seed)
    bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.001), batch_size=32, seed=seed).fit(X, y, epochs=10)
    return net


def test_held_out_digits():
    _, _, X, y = digits()
    accuracies = [(trained(seed).predict(X).argmax(axis=1) == y).mean() for seed in range(5)]
    assert np.mean(accuracies) >= 0.946, accuracies


def test_the_same_bits_on_a_second_run():
    assert_same_bits(trained(0).get_parameters(), trained(0).get_parameters())
