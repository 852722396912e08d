"""Held-out scores of ``bp-core train`` beside scikit-learn's MLP: the same rows, layers and standardisation.

``python bench/models.py`` writes five tables of scikit-learn to CSV files, trains on each from ten seeds by the command
line, and prints the mean scores: accuracy for classes, R squared for numbers. Needs scikit-learn and pandas.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from bp_core.cli import main as bp_core_command
from bp_core.model._training import split

sys.path.insert(0, str(Path(__file__).parent))
from tables import format_columns

TARGETS = {
    "iris": "species",
    "wine": "class",
    "breast_cancer": "diagnosis",
    "diabetes": "progression",
    "digits": "digit",
}
HELD_OUT = 0.2
MOST_BELOW = 0.01


def write_table(name: str, path: Path) -> None:
    """Write a table of scikit-learn as people have them: named columns, classes by their names."""
    found = getattr(datasets, f"load_{name}")(as_frame=True)
    target = found.target
    if name in ("iris", "breast_cancer"):
        target = target.map(lambda code: str(found.target_names[code]))
    found.data.assign(**{TARGETS[name]: target}).to_csv(path, index=False)


def our_score(path: Path, target: str, layers: tuple[int, ...], seed: int) -> float:
    """Return the held-out score that ``bp-core train`` prints."""
    options = ["--target", target, "--hidden", ",".join(map(str, layers)), "--held-out", str(HELD_OUT)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        output = str(path.with_suffix(".bp"))
        status = bp_core_command(["train", str(path), *options, "--seed", str(seed), "--output", output, "--json"])
    if status:
        raise SystemExit(f"bp-core train exited with {status}")
    scores = json.loads(printed.getvalue())["scores"]
    return scores["accuracy"] if "accuracy" in scores else scores["r2"]


def their_score(path: Path, target: str, layers: tuple[int, ...], seed: int, *, scale_target: bool = False) -> float:
    """Return the score of scikit-learn's MLP on the same held-out rows, all its other settings by default."""
    frame = pd.read_csv(path)
    X, y = frame.drop(columns=target).to_numpy(np.float64), frame[target].to_numpy()
    kept, held_out = split(len(frame), HELD_OUT, seed)
    scaler = StandardScaler().fit(X[kept])
    kind = MLPRegressor if y.dtype.kind == "f" else MLPClassifier
    if scale_target:
        y = (y - y[kept].mean()) / y[kept].std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are its default
        model = kind(hidden_layer_sizes=layers, random_state=seed).fit(scaler.transform(X[kept]), y[kept])
    return float(model.score(scaler.transform(X[held_out]), y[held_out]))


def compare(folder: Path, layers: tuple[int, ...], seeds: range) -> list[list[str]]:
    """Return a row for each table: mean scores, their difference, whether it is small enough."""
    rows = []
    for name, target in TARGETS.items():
        path = folder / f"{name}.csv"
        ours = np.array([our_score(path, target, layers, seed) for seed in seeds])
        theirs = {"": np.array([their_score(path, target, layers, seed) for seed in seeds])}
        if name == "diabetes":
            scaled = [their_score(path, target, layers, seed, scale_target=True) for seed in seeds]
            theirs[", its target standardised too"] = np.array(scaled)
        for how, scores in theirs.items():
            difference = ours.mean() - scores.mean()
            verdict = "ok" if difference >= -MOST_BELOW else "below"
            numbers = [f"{value:.4f}" for value in (ours.mean(), ours.min(), scores.mean(), scores.min())]
            rows.append([name + how, *numbers, f"{difference:+.4f}", verdict])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", default="32", help="units of the hidden layers, as 16,8; default 32")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    layers = tuple(map(int, arguments.hidden.split(",")))
    with tempfile.TemporaryDirectory() as folder:
        for name in TARGETS:
            write_table(name, Path(folder, f"{name}.csv"))
        rows = compare(Path(folder), layers, range(arguments.seeds))
    header = ("table", "bp_core", "lowest", "scikit-learn", "lowest", "difference", "")
    print(f"hidden layers {layers}, mean of {arguments.seeds} seeds\n")
    print(format_columns(header, [rows], left=(0, 6)))


if __name__ == "__main__":
    main()
