"""The norms of the layers' gradients over the epochs, and in words which of them vanish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bp_core.plot._canvas import COLOURS, MARKERS, new_axes
from bp_core.plot.history import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VANISHES = 1e-3
"""Of the largest layer's norm: below it a layer's gradient is said to vanish."""


def draw(epochs: Sequence[int], norms: NDArray[np.float64], ax: Axes | None) -> Axes:
    """Draw norms (epochs, layers), a line for each layer; a norm of 0 has no place on a logarithmic scale."""
    axes, across = new_axes(ax), np.array(epochs)
    for l, layer in enumerate(norms.T):
        at = thinned(layer)
        axes.plot(
            across[at],
            np.where(layer[at] > 0, layer[at], np.nan),
            color=COLOURS[l % len(COLOURS)],
            marker=MARKERS[l % len(MARKERS)],
            markevery=max(1, len(at) // 8),
            markersize=5,
            label=f"weights[{l}]",
        )
    axes.set(xlabel="epoch", ylabel="L2 norm of grad_W", yscale="log")
    axes.set_title(describe(norms[-1]), fontsize="medium", loc="left")
    axes.legend(fontsize="small")
    return axes


def describe(norms: NDArray[np.float64]) -> str:
    """Say which layers' gradients vanish, by the norm of each."""
    largest = int(norms.argmax())
    if norms[largest] == 0:
        return "every gradient is 0"
    small = [l for l, norm in enumerate(norms) if norm < VANISHES * norms[largest]]
    if not small:
        return "no gradient vanishes"
    names = ", ".join(f"weights[{l}]" for l in small)
    share = norms[small].max() / norms[largest]
    if share == 0:
        return f"the gradient of {names} is 0"
    below = f"{share:.1g} of" if len(small) == 1 else f"at most {share:.1g} of"
    return f"the gradient of {names} vanishes: {below} weights[{largest}]'s"
