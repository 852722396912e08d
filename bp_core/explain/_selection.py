"""What of an explanation is shown where not all of it can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._unit_names import Parameter
from bp_core.explain._rules import FEW
from bp_core.explain._terms import MOST_PATHS
from bp_core.explain._unit import FEW_TERMS, MOST_TERMS

Real = NDArray[Any]
MOST_ROWS = 8
"""Rows of a batch that are shown."""

MOST_PARAMETERS = 64
"""Parameters that are shown unless more are asked for."""

MOST_UNITS = 16
"""Units of a layer that are shown."""


def largest_parameters(
    weights: Sequence[Real], biases: Sequence[Real], modes: Sequence[str], most: int | None
) -> list[Parameter]:
    """The places with the largest derivatives, in the order of their numbers: weights, then biases."""
    parts = [*weights, *biases]
    sizes = np.abs(np.concatenate([part.ravel() for part in parts]))
    sizes[np.isnan(sizes)] = np.inf
    kept = np.arange(sizes.size)
    if most is not None and sizes.size > most:
        kept = np.sort(np.argsort(-sizes, kind="stable")[:most])
    starts = np.cumsum([0, *(part.size for part in parts)])
    which = np.searchsorted(starts, kept, side="right") - 1
    return [
        _parameter(len(weights), modes, part, np.unravel_index(at - starts[part], parts[part].shape))
        for part, at in zip(which.tolist(), kept.tolist(), strict=True)
    ]


def _parameter(n_layers: int, modes: Sequence[str], part: int, inside: tuple[Any, ...]) -> Parameter:
    """The parameter at a place of one of the arrays."""
    if part < n_layers:
        return Parameter(part, int(inside[0]), int(inside[1]))
    l = part - n_layers
    return Parameter(l, None, int(inside[0]) if modes[l] == "unit" else None)


def left_out(layer_sizes: Sequence[int], n_parameters: int, n_rows: int, most: int | None) -> list[str]:
    """Say in words what is not shown."""
    found = []
    if most is not None and n_parameters > most:
        found.append(
            f"the {most} parameters with the largest derivatives are shown, {n_parameters - most:,} are not; "
            "ask for any by its name: .parameter('W7')"
        )
    if n_rows > MOST_ROWS:
        found.append(f"the first {MOST_ROWS} rows are shown, {n_rows - MOST_ROWS:,} are not")
    if max(layer_sizes) > MOST_UNITS:
        found.append(
            f"at most {MOST_UNITS} units of a layer are shown; ask for any by its name: .unit('z7'), .path('x1', 'a7')"
        )
    if max(layer_sizes[:-1]) > MOST_TERMS:
        found.append(f"of a z of more than {MOST_TERMS} products the first {FEW_TERMS} are shown")
    if max(layer_sizes[1:]) > MOST_PATHS:
        found.append(f"of a sum over more than {MOST_PATHS} units the {MOST_PATHS - 1} largest terms are shown")
    if layer_sizes[-1] > FEW:
        found.append(f"of more than {FEW} outputs E and a softmax are shown by their general term")
    return found
