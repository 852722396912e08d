"""What chance decides, drawn from a RandomState number for number as scikit-learn draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def initial_parameters(
    random: np.random.RandomState, sizes: Sequence[int], names: Sequence[str], dtype: DTypeLike
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Weights and biases of every layer: uniform within sqrt(6 / (fan_in + fan_out)), of sqrt(2 / ...) for sigmoids.

    A layer's W is drawn row by row, then its b (X. Glorot and Y. Bengio, 2010, for W). ``names`` are those of the
    activations by which the layers' bounds go, one for each layer.
    """
    weights, biases = [], []
    for (fan_in, fan_out), name in zip(pairwise(sizes), names, strict=True):
        bound = math.sqrt((2.0 if name == "sigmoid" else 6.0) / (fan_in + fan_out))
        weights.append(random.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype, copy=False))
        biases.append(random.uniform(-bound, bound, fan_out).astype(dtype, copy=False))
    return weights, biases


class Orders:
    """The order of the rows in each epoch: the last order, shuffled again, or the rows as they lie."""

    def __init__(self, random: np.random.RandomState, n: int, shuffle: bool) -> None:
        self._random, self._shuffle = random, shuffle
        self._order = np.arange(n, dtype=np.int64)
        self._places = np.arange(n)

    def next(self) -> NDArray[np.int64] | bool:
        """Return the next epoch's order; False for the rows as they lie."""
        if not self._shuffle:
            return False
        places = self._places.copy()
        self._random.shuffle(places)
        self._order = self._order[places]
        return self._order
