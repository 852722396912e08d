"""Units that have stopped learning because they stand at a limit of their activation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bp_core.learning_rates.verdicts import percent
from bp_core.network import Network

LIMITS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
NEAR = 0.01
"""So close to a limit a unit counts as saturated: a sigmoid's derivative is then below 0.01."""

MOST_ROWS = 1000
"""Rows that are looked at, evenly spread over more."""


def saturated_share(net: Network, X: NDArray[np.generic]) -> float | None:
    """Return the share of all sigmoid and tanh activations within ``NEAR`` of a limit; None without such units."""
    kinds = (*net.hidden, net.output)
    if not LIMITS.keys() & set(kinds):
        return None
    near = total = 0
    for kind, a in zip(kinds, net.forward(X[:: -(-len(X) // MOST_ROWS)]).a, strict=True):
        if kind in LIMITS:
            low, high = LIMITS[kind]
            near += int(np.count_nonzero((a < low + NEAR) | (a > high - NEAR)))
            total += a.size
    return near / total


def remark(net: Network, X: NDArray[np.generic]) -> str:
    """Return what to say of a network that no longer learns: words where more than half of it is saturated, else ""."""
    share = saturated_share(net, X)
    if share is None or share <= 0.5:
        return ""
    kinds = [kind for kind in LIMITS if kind in (*net.hidden, net.output)]
    words = f"{percent(share)} of the {' and '.join(kinds)} activations are within {NEAR} of their limits"
    return f"{words}: a {kinds[0]} saturates, it does not overflow"
