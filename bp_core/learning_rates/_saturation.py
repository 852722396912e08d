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


def remark(net: Network, X: NDArray[np.generic], *, outputs: bool) -> str:
    """Return what to say of a network that no longer learns: words where more than half of it is saturated, else "".

    Without ``outputs`` hidden units alone are counted: the outputs of a network that is right stand at their limits.
    """
    kinds = (*net.hidden, net.output) if outputs else net.hidden
    share = _saturated_share(net, X, kinds)
    if not share > 0.5:
        return ""
    named = [kind for kind in LIMITS if kind in kinds]
    words = f"{percent(share)} of the {' and '.join(named)} activations are within {NEAR} of their limits"
    return f"{words}: a {named[0]} saturates, it does not overflow"


def _saturated_share(net: Network, X: NDArray[np.generic], kinds: tuple[str, ...]) -> float:
    """The share of the sigmoid and tanh activations of the first layers, of these kinds, within ``NEAR`` of a limit."""
    if not LIMITS.keys() & set(kinds):
        return 0.0
    near = total = 0
    for kind, a in zip(kinds, net.forward(X[:: -(-len(X) // MOST_ROWS)]).a, strict=False):
        if kind in LIMITS:
            low, high = LIMITS[kind]
            near += int(np.count_nonzero((a < low + NEAR) | (a > high - NEAR)))
            total += a.size
    return near / total
