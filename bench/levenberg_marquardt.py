"""Levenberg-Marquardt on three classic problems, beside SciPy's least squares, L-BFGS and Adam.

``python bench/levenberg_marquardt.py`` fits a sine, a chaotic time series and the diabetes table from five seeds each
and writes a record into ``record/levenberg_marquardt/``. The error is the mean square over the rows trained on, the
median of the seeds; targets have variance 1. Needs scikit-learn and SciPy.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
from machine import HERE, describe_machine, pin, source_version, usable_cores
from numpy.typing import NDArray
from scipy.optimize import least_squares
from sklearn.datasets import load_diabetes
from tables import format_columns

import bp_core as bp

Real = NDArray[np.float64]
FOLDER = HERE / "record" / "levenberg_marquardt"
SEEDS = 5
EPOCHS, ADAM_EPOCHS, LBFGS_EPOCHS = 50, 5000, 500
ADAM_RATES = (0.001, 0.01)
MACKEY_GLASS_DELAY, SAMPLED_EVERY, STEPS_A_UNIT = 17, 6, 10


@dataclass(frozen=True)
class Problem:
    """Rows to learn, new rows, and the units of the hidden layer."""

    name: str
    hidden: int
    X: Real
    y: Real
    new_X: Real
    new_y: Real


@dataclass(frozen=True)
class Outcome:
    """What one method reached from one seed."""

    problem: str
    method: str
    seed: int
    epochs: int
    error: float
    new_error: float
    us_per_epoch: float
    seconds: float


def standardised(columns: Real) -> Real:
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


def sine() -> Problem:
    """One period, without noise."""
    X, new_X = np.linspace(-1, 1, 101)[:, None], np.linspace(-0.99, 0.99, 100)[:, None]
    return Problem("sine 1-10-1", 10, X, np.sqrt(2) * np.sin(np.pi * X), new_X, np.sqrt(2) * np.sin(np.pi * new_X))


def mackey_glass(length: int) -> Real:
    """dx/dt = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x (M. C. Mackey and L. Glass, 1977), by midpoint steps."""
    step, delay = 1 / STEPS_A_UNIT, MACKEY_GLASS_DELAY * STEPS_A_UNIT
    x = np.full(delay + length * STEPS_A_UNIT + 1, 1.2)
    for i in range(delay, len(x) - 1):
        past, middle = x[i - delay], 0.5 * (x[i - delay] + x[i - delay + 1])
        half = x[i] + 0.5 * step * (0.2 * past / (1 + past**10) - 0.1 * x[i])
        x[i + 1] = x[i] + step * (0.2 * middle / (1 + middle**10) - 0.1 * half)
    return x[delay::STEPS_A_UNIT]


def time_series() -> Problem:
    """x(t + 6) from x(t), x(t - 6), x(t - 12), x(t - 18): 500 rows to learn, the next 500 new."""
    x = standardised(mackey_glass(1300))[200:]
    now = np.arange(18, 1018)
    X, y = np.stack([x[now - lag] for lag in range(0, 24, SAMPLED_EVERY)], axis=1), x[now + SAMPLED_EVERY, None]
    return Problem("Mackey-Glass 4-12-1", 12, X[:500], y[:500], X[500:], y[500:])


def diabetes() -> Problem:
    """All of scikit-learn's table but every fifth row."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X, y = standardised(X), standardised(y[:, None])
    new = np.arange(len(X)) % 5 == 0
    return Problem("diabetes 10-10-1", 10, X[~new], y[~new], X[new], y[new])


def network(problem: Problem, seed: int) -> bp.Network:
    sizes = (problem.X.shape[1], problem.hidden, 1)
    return bp.Network(sizes, hidden="tanh", dtype="float64", seed=seed)


def outcome(problem: Problem, method: str, net: bp.Network, seed: int, epochs: int, seconds: float) -> Outcome:
    error, new_error = net.loss(problem.X, problem.y, loss="mse"), net.loss(problem.new_X, problem.new_y, loss="mse")
    return Outcome(problem.name, method, seed, epochs, error, new_error, 1e6 * seconds / epochs, seconds)


def ours(problem: Problem, method: str, optimizer: object, seed: int, epochs: int, batch: int | str) -> Outcome:
    """Train by one of this library's methods, in one thread."""
    net = network(problem, seed)
    trainer = bp.Trainer(net, loss="mse", optimizer=optimizer, batch_size=batch, seed=seed, n_threads=1)  # type: ignore[arg-type]
    history = trainer.fit(problem.X, problem.y, epochs=epochs)
    return outcome(problem, method, net, seed, len(history), sum(history.seconds))


def scipys(problem: Problem, method: str, seed: int) -> Outcome:
    """``scipy.optimize.least_squares`` with the residuals and the derivatives of our network, 50 evaluations."""
    net = network(problem, seed)
    residuals, jacobian = residuals_of(net, problem)
    began = time.perf_counter()
    found = least_squares(residuals, net.get_parameters(), jacobian, method=method, max_nfev=EPOCHS)
    seconds = time.perf_counter() - began
    net.set_parameters(found.x)
    return outcome(problem, f"SciPy {method}", net, seed, int(found.nfev), seconds)


def residuals_of(net: bp.Network, problem: Problem) -> tuple[Callable[[Real], Real], Callable[[Real], Real]]:
    """a - y and its derivatives by the parameters, from the network's forward pass."""
    X, ones = problem.X, np.ones_like(problem.y)

    def residuals(p: Real) -> Real:
        net.set_parameters(p)
        return (net.predict(X) - problem.y).ravel()

    def jacobian(p: Real) -> Real:
        net.set_parameters(p)
        a = net.forward(X).a[0]
        delta = (1 - a * a) * net.weights[1].T
        by_W = (X[:, :, None] * delta[:, None, :]).reshape(len(X), -1)
        return np.concatenate([by_W, delta, a, ones], axis=1)

    return residuals, jacobian


def outcomes(problem: Problem, seed: int) -> Iterator[Outcome]:
    """Every method from the same weights."""
    for scaling in ("identity", "diagonal"):
        method = bp.LevenbergMarquardt(scaling=scaling)
        yield ours(problem, f"LevenbergMarquardt {scaling}", method, seed, EPOCHS, "full")
    for name in ("lm", "trf"):
        yield scipys(problem, name, seed)
    yield ours(problem, "LBFGS", bp.LBFGS(min_improvement=0.0), seed, LBFGS_EPOCHS, "full")
    for rate in ADAM_RATES:
        for batch in (32, "full"):
            name = f"Adam {rate:g}, batch {batch}"
            yield ours(problem, name, bp.Adam(learning_rate=rate), seed, ADAM_EPOCHS, batch)


def row(runs: list[Outcome]) -> list[str]:
    """The medians of the seeds."""
    error, new_error, us, seconds = (
        statistics.median(getattr(run, name) for run in runs)
        for name in ("error", "new_error", "us_per_epoch", "seconds")
    )
    worst = max(run.error for run in runs)
    epochs = max(run.epochs for run in runs)
    figures = [f"{error:.2e}", f"{worst:.2e}", f"{new_error:.2e}", f"{us:.0f}", f"{1e3 * seconds:.1f}"]
    return [runs[0].problem, runs[0].method, f"{epochs:,}", *figures]


def write_record(found: list[Outcome]) -> None:
    now = datetime.now(UTC)
    head = {"date": now.isoformat(timespec="seconds"), "source": source_version(), "machine": describe_machine()}
    head |= {"isa": bp.isa()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{now:%Y-%m-%d-%H%M%S}.jsonl"
    path.write_text("".join(json.dumps(head | asdict(run)) + "\n" for run in found))
    print(f"\nwritten to {path.relative_to(HERE.parent)}")


def main() -> None:
    """Run everything, print the medians, write the record."""
    pin(usable_cores()[:1])
    found: list[Outcome] = []
    groups = []
    for problem in (sine(), time_series(), diabetes()):
        list(outcomes(problem, SEEDS))  # imports, memory
        runs = [run for seed in range(SEEDS) for run in outcomes(problem, seed)]
        found += runs
        methods = dict.fromkeys(run.method for run in runs)
        groups.append([row([run for run in runs if run.method == method]) for method in methods])
    header = ("problem", "method", "epochs", "error", "worst", "on new rows", "us an epoch", "ms in all")
    print(format_columns(header, groups, left=(0, 1)))
    write_record(found)


if __name__ == "__main__":
    main()
