"""The loss of every epoch, as a curve of few points that hides no spike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bp_core.pages._pack import six

MOST_POINTS = 2000
"""Points of a loss curve."""


def loss_curve(indices: Sequence[int], losses: Sequence[float], validation: Sequence[float]) -> dict[str, Any]:
    """Epochs, by their index, and losses; of very many the lowest and the highest loss of each bin of neighbours."""
    kept = _extremes(np.asarray(losses, np.float64))
    seen = bool(np.isfinite(np.asarray(validation, np.float64)).any())
    return {
        "n_epochs": len(indices),
        "epochs": [indices[at] for at in kept],
        "training": [six(losses[at]) for at in kept],
        "validation": [six(validation[at]) for at in kept] if seen else None,
    }


def _extremes(losses: np.ndarray[Any, np.dtype[np.float64]]) -> list[int]:
    """Which epochs to keep: all, or of each bin the lowest and the highest, the first and the last always."""
    n = losses.size
    if n <= MOST_POINTS:
        return list(range(n))
    edges = np.linspace(0, n, MOST_POINTS // 2).astype(int)
    kept = {0, n - 1}
    for first, end in pairwise(edges):
        part = np.nan_to_num(losses[first:end], nan=np.inf)
        kept |= {first + int(part.argmin()), first + int(part.argmax())}
    return sorted(int(at) for at in kept)
