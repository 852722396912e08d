"""What a sweep of five learning rates costs beside one training, for each core it uses.

python bench/sweep.py

The digits on a 64-128-10 network, batches of 32. A ratio of 1 is five trainings spread over the cores without loss.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from machine import usable_cores

import bp_core as bp

RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
EPOCHS, ROUNDS = 600, 9
WANTED = 1.3


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Time both in turn, so that a busy neighbour hits both, and print every round."""
    X, y = bp.data.load_digits()
    X = X / 16
    net = bp.Network((64, 128, 10), output="softmax", seed=0)
    cores = min(len(usable_cores()), len(RATES))

    def one(rate: float) -> None:
        trainer = bp.Trainer(net.copy(), optimizer=bp.SGD(learning_rate=rate), seed=0, n_threads=1)
        trainer.fit(X, y, epochs=EPOCHS)

    def sweep() -> None:
        bp.sweep_learning_rates(net, X, y, RATES, epochs=EPOCHS, n_threads=cores)

    print(f"{len(RATES)} rates, {EPOCHS} epochs, {cores} cores")
    ratios = []
    for _ in range(ROUNDS):
        alone, together = statistics.mean(seconds(lambda rate=rate: one(rate)) for rate in RATES), seconds(sweep)
        ratios.append(together / (len(RATES) * alone / cores))
        print(f"one training {alone:.3f} s, the sweep {together:.3f} s: {ratios[-1]:.2f}")
    print(f"median {statistics.median(ratios):.2f}, best {min(ratios):.2f}; wanted at most {WANTED}")


if __name__ == "__main__":
    main()
