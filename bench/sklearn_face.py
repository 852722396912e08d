"""The time of ``fit``: ``bp_core.sklearn`` beside scikit-learn's classes, with the same settings, one thread each.

``taskset -c 0 python bench/sklearn_face.py`` trains both in turns and prints, for each work, the shortest time of
either, their ratio and the score on the training rows; ``--save`` keeps it in ``record/sklearn_face/``. A time whose
scores differ is not printed. Needs scikit-learn.
"""

from __future__ import annotations

import os

from machine import clean_environment

os.environ.update(clean_environment())  # before NumPy loads its BLAS

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import scipy.sparse
import sklearn
from machine import describe_machine, source_version
from records import FOLDER
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from tables import format_columns

import bp_core as bp
import bp_core.sklearn

HEADER = ("work", "rows", "network", "solver", "epochs", "scikit-learn", "bp_core", "ratio", "wanted", "score")


@dataclass(frozen=True)
class Work:
    """What is trained on, by which estimator, and how much faster it is meant to be."""

    name: str
    rows: Callable[[], tuple[Any, Any]]
    estimator: str
    wanted: float
    settings: dict[str, Any] = field(default_factory=dict)


def digits(dtype: str = "float64") -> tuple[Any, Any]:
    X, y = datasets.load_digits(return_X_y=True)
    return (X / 16).astype(dtype), y


def table() -> tuple[Any, Any]:
    return datasets.make_classification(20_000, 30, n_informative=10, random_state=0)  # type: ignore[no-any-return]


def numbers() -> tuple[Any, Any]:
    X, y = datasets.make_regression(20_000, 30, n_informative=10, noise=5.0, random_state=0)
    return X, y / y.std()


def mnist_shaped() -> tuple[Any, Any]:
    """12,000 rows of 784 numbers in ten classes, a fifth of the numbers not 0, as in MNIST."""
    random = np.random.default_rng(0)
    y = random.integers(10, size=12_000)
    centres = random.random((10, 784)) * (random.random((10, 784)) < 0.2)
    return np.clip(centres[y] + 0.3 * random.normal(size=(12_000, 784)) * (centres[y] > 0), 0, 1), y


def sparse() -> tuple[Any, Any]:
    """20,000 x 5,000, 1 % filled; the class is the sign of a sum over some columns."""
    random = np.random.default_rng(0)
    X = scipy.sparse.random_array((20_000, 5_000), density=0.01, format="csr", rng=random)
    return X, (X @ random.normal(size=5_000) > 0).astype(int)


WORKS = (
    *(Work("digits", digits, "MLPClassifier", 8, {"hidden_layer_sizes": (n,), "max_iter": 30}) for n in (10, 32, 100)),
    Work("digits, sgd", digits, "MLPClassifier", 8, {"hidden_layer_sizes": (32,), "solver": "sgd", "max_iter": 30}),
    Work("digits, lbfgs", digits, "MLPClassifier", 8, {"hidden_layer_sizes": (32,), "solver": "lbfgs", "max_iter": 20}),
    Work(
        *("digits, early stopping", digits, "MLPClassifier", 8),
        {"hidden_layer_sizes": (32,), "early_stopping": True, "max_iter": 30},
    ),
    Work(
        *("digits, float32", lambda: digits("float32"), "MLPClassifier", 8),
        {"hidden_layer_sizes": (32,), "max_iter": 30},
    ),
    *(Work("table", table, "MLPClassifier", 8, {"hidden_layer_sizes": (n,), "max_iter": 5}) for n in (10, 32, 100)),
    Work(
        "table, batches of 32",
        table,
        "MLPClassifier",
        8,
        {"hidden_layer_sizes": (32,), "batch_size": 32, "max_iter": 3},
    ),
    Work("numbers", numbers, "MLPRegressor", 8, {"hidden_layer_sizes": (32,), "max_iter": 5}),
    Work("mnist-shaped", mnist_shaped, "MLPClassifier", 3, {"hidden_layer_sizes": (128,), "max_iter": 2}),
    *(Work("sparse", sparse, "MLPClassifier", 2.5, {"hidden_layer_sizes": (n,), "max_iter": 2}) for n in (20, 100)),
)


def fit_time(kind: Any, settings: dict[str, Any], X: Any, y: Any) -> tuple[float, Any]:
    """Seconds of one fit, and the fitted model."""
    model = kind(random_state=0, **settings)
    began = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - began, model


def measure(work: Work, repeats: int) -> dict[str, Any]:
    """Train both classes in turns; return the best times and the scores."""
    X, y = work.rows()
    kinds = {
        "theirs": (getattr(neural_network, work.estimator), work.settings),
        "ours": (getattr(bp_core.sklearn, work.estimator), {**work.settings, "n_threads": 1}),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    models = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(repeats):
            for name, (kind, settings) in kinds.items():
                seconds, models[name] = fit_time(kind, settings, X, y)
                times[name].append(seconds)
    scores = {name: float(model.score(X, y)) for name, model in models.items()}
    return {
        "work": work.name,
        "rows": list(X.shape),
        "dtype": str(X.dtype),
        "estimator": work.estimator,
        "settings": {key: str(value) for key, value in work.settings.items()},
        "network": "-".join(map(str, models["ours"].to_network().layer_sizes)),
        "solver": models["ours"].solver,
        "epochs": models["ours"].n_iter_,
        "seconds": {name: min(found) for name, found in times.items()},
        "scores": scores,
        "same_score": abs(scores["ours"] - scores["theirs"]) < 1e-6 or X.dtype == np.float32,
        "wanted": work.wanted,
    }


def row(found: dict[str, Any]) -> list[str]:
    """What is printed of a measurement."""
    theirs, ours = found["seconds"]["theirs"], found["seconds"]["ours"]
    same = found["same_score"]
    times = [f"{theirs * 1e3:.1f} ms", f"{ours * 1e3:.1f} ms", f"{theirs / ours:.1f}x"] if same else ["-"] * 3
    score = (
        f"{found['scores']['ours']:.4f}" if same else f"{found['scores']['theirs']:.4f} / {found['scores']['ours']:.4f}"
    )
    shape = " x ".join(f"{n:,}" for n in found["rows"])
    return [
        found["work"],
        shape,
        found["network"],
        found["solver"],
        str(found["epochs"]),
        *times,
        f"{found['wanted']}x",
        score,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="works whose name starts so")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="keep a record")
    arguments = parser.parse_args()
    found = [measure(work, arguments.repeats) for work in WORKS if work.name.startswith(arguments.only)]
    versions = f"bp_core {bp.__version__} ({bp.isa()}), scikit-learn {sklearn.__version__}"
    print(f"{versions}, one thread each, best of {arguments.repeats}\n")
    print(format_columns(HEADER, [[row(each) for each in found]], left=(0, 1, 2, 3)))
    if arguments.save:
        now = datetime.now(UTC)
        head = {"date": now.isoformat(timespec="seconds"), "source": source_version(), "machine": describe_machine()}
        head |= {"isa": bp.isa(), "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__}}
        folder = FOLDER / "sklearn_face"
        folder.mkdir(exist_ok=True)
        path = folder / f"{now:%Y-%m-%d-%H%M%S}.jsonl"
        path.write_text("".join(json.dumps(head | each) + "\n" for each in found))
        print(f"\nkept in {path}")


if __name__ == "__main__":
    main()
