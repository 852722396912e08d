"""What the compiled core computes at every snapshot of a replay, for the pictures and the numbers of its page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core.network import Network
from bp_core.pages._pack import GROWTH, quantise
from bp_core.pages._recording import Recording, Snapshot
from bp_core.pages._slice import Slice

Real = NDArray[Any]
MOST_UNITS = 16
"""Units of a layer that are drawn."""

MOST_EXAMPLES = 12
"""Rows whose activations are shown."""

MOST_PLANES = 3
"""Outputs, of several that are no classes, whose surface is shown."""

MOST_BYTES = 4_300_000
"""Of what is computed here, in base64."""

FINENESS = ((48, 20), (40, 16), (32, 12), (24, 8))
"""Points along a side of the output's picture and of a unit's, the best first."""

LINE_BYTES = 4_000
"""Of the decision line of a snapshot, in base64, on average."""

CURVE_POINTS = 160
"""Points along the only input."""

BOUNDED = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0)}
"""The ranges of activations that have one."""


class Size(NamedTuple):
    """How fine the pictures are."""

    surface: int
    unit: int


class Shown(NamedTuple):
    """What is drawn: units of each layer, inputs first, and the places of the example rows among those kept."""

    units: list[NDArray[np.int64]]
    examples: NDArray[np.int64]

    @property
    def n_numbers(self) -> int:
        """Weights, biases and activations of a snapshot."""
        sizes = [units.size for units in self.units]
        weights = sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))
        return weights + sum(sizes[1:]) * (1 + self.examples.size)


def choose_shown(recording: Recording) -> Shown:
    """The units with the largest weights at the end, and example rows evenly spread."""
    weights = [np.abs(np.nan_to_num(W.astype(np.float64))) for W in recording.net.weights]
    sizes = [W.sum(axis=1) for W in weights] + [weights[-1].sum(axis=0)]
    n = recording.rows.X.shape[0]
    examples = np.linspace(0, n - 1, min(n, MOST_EXAMPLES)).round().astype(np.int64)
    return Shown([_largest(size, MOST_UNITS) for size in sizes], examples)


def _largest(sizes: Real, most: int) -> NDArray[np.int64]:
    return np.sort(np.argsort(-sizes, kind="stable")[:most])


def fit_in(recording: Recording, shown: Shown, n_inputs: int) -> tuple[list[Snapshot], Size]:
    """Snapshots and fineness that keep a page small: coarser pictures first, then every second snapshot."""
    snapshots = recording.snapshots
    while True:
        for size in (Size(*each) for each in FINENESS):
            if len(snapshots) * _bytes(recording, shown, size, n_inputs) <= MOST_BYTES:
                return snapshots, size
        if len(snapshots) <= 2:
            return snapshots, size
        snapshots = snapshots[:-1:2] + snapshots[-1:]


def _bytes(recording: Recording, shown: Shown, size: Size, n_inputs: int) -> float:
    """Characters of base64 for one snapshot."""
    units, outputs = sum(units.size for units in shown.units[1:]), int(shown.units[-1].size)
    planes = {"value": 1, "classes": 2, "values": min(MOST_PLANES, outputs)}[surface_kind(recording)]
    line = LINE_BYTES if n_inputs == 2 and has_line(recording) else 0
    surface = 4 * CURVE_POINTS * outputs if n_inputs == 1 else planes * size.surface * size.surface
    points = size.unit if n_inputs == 1 else size.unit * size.unit
    return GROWTH * (4 * shown.n_numbers + units * points + surface) + line


def surface_kind(recording: Recording) -> str:
    """What the outputs are: "value" of one, "classes" of which the largest wins, or several "values"."""
    if recording.net.layer_sizes[-1] == 1:
        return "value"
    return "values" if recording.rows.labels is None else "classes"


def has_line(recording: Recording) -> bool:
    """Whether a decision line is drawn: one output, whose targets are two classes."""
    return recording.net.layer_sizes[-1] == 1 and recording.rows.labels is not None


def at_each(net: Network, snapshots: list[Snapshot]) -> Iterator[Network]:
    """The network with the parameters of one snapshot after the other."""
    for snapshot in snapshots:
        net.set_parameters(snapshot.parameters)
        yield net


# ------------------------------------------------------------------- numbers
def parameters(recording: Recording, snapshots: list[Snapshot], shown: Shown) -> list[tuple[Real, Real]]:
    """Of each layer the weights (snapshots, fan_in, fan_out) and biases (snapshots, fan_out) between units shown."""
    found: list[tuple[list[Real], list[Real]]] = [([], []) for _ in recording.net.weights]
    for net in at_each(recording.net, snapshots):
        for l, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            found[l][0].append(W[np.ix_(shown.units[l], shown.units[l + 1])])
            found[l][1].append((b[shown.units[l + 1]] if b.size == W.shape[1] else b).copy())
    return [(np.stack(weights), np.stack(biases)) for weights, biases in found]


def activations(recording: Recording, snapshots: list[Snapshot], shown: Shown, X: Real) -> list[Real]:
    """Of each layer the activations (snapshots, rows of X, units shown)."""
    found: list[list[Real]] = [[] for _ in recording.net.weights]
    for net in at_each(recording.net, snapshots):
        for l, a in enumerate(net.forward(X).a):
            found[l].append(a[:, shown.units[l + 1]])
    return [np.stack(each) for each in found]


# ------------------------------------------------------------------ pictures
def unit_maps(
    recording: Recording, snapshots: list[Snapshot], shown: Shown, plane: Slice, size: Size
) -> list[tuple[Real, Real, Real]]:
    """Of each layer bytes (snapshots, units, points), and the ranges low and high (units,) that they stand for."""
    found = []
    names = (*recording.net.hidden, recording.net.output)
    for name, a in zip(names, activations(recording, snapshots, shown, plane.grid(size.unit)), strict=True):
        maps = np.swapaxes(a, 1, 2)
        low, high = unit_ranges(name, maps)
        found.append((quantise(maps, low[:, None], high[:, None]), low, high))
    return found


def unit_ranges(activation: str, maps: Real) -> tuple[Real, Real]:
    """The range of each unit over all snapshots, (units,) each: that of the activation, or even about 0."""
    if activation in BOUNDED:
        low, high = BOUNDED[activation]
        return np.full(maps.shape[1], low), np.full(maps.shape[1], high)
    sizes = np.where(np.isfinite(maps), np.abs(maps), 0.0).max(axis=(0, 2)).astype(np.float64)
    sizes[sizes == 0] = 1.0
    return -sizes, sizes


def outputs(recording: Recording, snapshots: list[Snapshot], rows: Real) -> Real:
    """The outputs (snapshots, rows, n_out)."""
    return np.stack([net.predict(rows) for net in at_each(recording.net, snapshots)])


def value_range(recording: Recording, values: Real) -> tuple[float, float]:
    """What the colours of the output's picture reach from and to: its activation's range, or the targets'."""
    y = recording.rows.y
    if recording.net.output in BOUNDED:
        return BOUNDED[recording.net.output]
    if y.min() < y.max():
        return float(y.min()), float(y.max())
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (low, high) if low < high else (low - 1.0, high + 1.0)
