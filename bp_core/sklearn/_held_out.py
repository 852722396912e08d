"""Held-out rows: split off at random as scikit-learn does, or the user's own."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

Real = NDArray[Any]


class Rows(NamedTuple):
    """Some rows, their targets (n, n_outputs) and weights."""

    X: Any
    targets: Real
    weights: Real | None


def split(given: Rows, fraction: float, random: np.random.RandomState, *, stratified: bool) -> tuple[Rows, Rows]:
    """The rows to learn from and the rows to score.

    Raises
    ------
    ValueError
        If fewer than 2 rows would be scored.
    """
    arrays = [given.X, given.targets] + ([] if given.weights is None else [given.weights])
    stratify = given.targets if stratified else None
    parts = train_test_split(*arrays, random_state=random, test_size=fraction, stratify=stratify)
    kept, held_out = ([*part, None][:3] for part in (parts[::2], parts[1::2]))
    if held_out[0].shape[0] < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return Rows(*kept), Rows(*held_out)
