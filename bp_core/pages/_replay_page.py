"""The data of the replay page: a recording, made small enough to travel inside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._unit_names import UnitNames
from bp_core.pages import _frames
from bp_core.pages._frames import Shown, Size
from bp_core.pages._line import decision_lines
from bp_core.pages._loss_curve import loss_curve
from bp_core.pages._pack import pack, quantise, six, sixes
from bp_core.pages._recording import Recording, Snapshot
from bp_core.pages._slice import Slice

Real = NDArray[Any]
MINUS = "\N{MINUS SIGN}"


def page_data(recording: Recording, inputs: Sequence[int | str] | None) -> dict[str, Any]:
    """All that the page shows, as JSON can hold it."""
    net = recording.net
    net.set_parameters(recording.snapshots[-1].parameters)
    plane = Slice(recording, inputs)
    shown = _frames.choose_shown(recording)
    snapshots, size = _frames.fit_in(recording, shown, len(plane.inputs))
    curve = loss_curve([done - 1 for done in recording.epochs], recording.losses, recording.validation_losses)
    return {
        "network": repr(net).strip("<>").removeprefix("Network "),
        "epochs": [snapshot.epoch for snapshot in snapshots],
        "losses": _loss_at(recording.losses, recording, snapshots),
        "validation_losses": _loss_at(recording.validation_losses, recording, snapshots),
        "curve": curve,
        "layers": _layers(recording, shown),
        "parameters": _parameters(recording, snapshots, shown),
        "examples": _examples(recording, snapshots, shown),
        "maps": _maps(recording, snapshots, shown, plane, size),
        "surface": _surface(recording, snapshots, plane, size),
        "points": _points(recording, plane),
        "classes": _class_names(recording),
        "notes": _notes(recording, snapshots, shown, plane, size, curve["n_epochs"] > len(curve["epochs"])),
    }


def _loss_at(losses: list[float], recording: Recording, snapshots: list[Snapshot]) -> list[float | None]:
    """The loss of the epoch that ends at each snapshot; none before the first."""
    found = dict(zip(recording.epochs, losses, strict=True))
    return [six(found.get(snapshot.epoch, np.nan)) for snapshot in snapshots]


# --------------------------------------------------------------- the network
def _names(recording: Recording) -> UnitNames:
    return UnitNames(recording.net.layer_sizes, recording.net.bias)


def _layers(recording: Recording, shown: Shown) -> list[dict[str, Any]]:
    """Names and number of the units of each layer, inputs first."""
    net, names = recording.net, _names(recording)
    kinds = ("inputs", *net.hidden, net.output)
    layers = [
        {"kind": kind, "n": n, "units": [names.a(l - 1, int(j)) for j in units], "names": None, "meaning": None}
        for l, (kind, n, units) in enumerate(zip(kinds, net.layer_sizes, shown.units, strict=True))
    ]
    own = [recording.input_names[k] for k in shown.units[0]]
    layers[0]["names"] = own if own != layers[0]["units"] else None
    if recording.class_names is None:
        return layers
    if net.layer_sizes[-1] > 1:
        layers[-1]["names"] = [recording.class_names[j] for j in shown.units[-1]]
    else:
        layers[-1]["meaning"] = f"{recording.rows.y.max():g} is {recording.class_names[1]}"
    return layers


def _parameters(recording: Recording, snapshots: list[Snapshot], shown: Shown) -> list[dict[str, Any]]:
    """Of each layer the weights and biases at every snapshot, and their names."""
    names = _names(recording)
    found = []
    for l, (weights, biases) in enumerate(_frames.parameters(recording, snapshots, shown)):
        sources, targets = shown.units[l].tolist(), shown.units[l + 1].tolist()
        shared = biases.shape[1] < len(targets)
        found.append(
            {
                "weights": pack(weights),
                "biases": pack(biases),
                "weight_names": [[names.weight(l, k, j) for j in targets] for k in sources],
                "bias_names": [names.bias(l, j) for j in targets[: biases.shape[1]]],
                "bias_shared": bool(shared and biases.shape[1]),
            }
        )
    return found


def _examples(recording: Recording, snapshots: list[Snapshot], shown: Shown) -> dict[str, Any]:
    """The example rows, and the activations that each gives at every snapshot."""
    rows = recording.rows
    X = rows.X[shown.examples]
    layers = _frames.activations(recording, snapshots, shown, X)
    return {
        "rows": [
            {
                "at": int(s),
                "row": int(rows.which[s]),
                "x": sixes(rows.X[s][shown.units[0]]),
                "y": _target(recording, int(s)),
            }
            for s in shown.examples
        ],
        "layers": [pack(a) for a in layers],
    }


def _target(recording: Recording, s: int) -> str:
    """The target of a row, in words."""
    rows, names = recording.rows, recording.class_names
    if rows.labels is not None and names is not None:
        return names[int(rows.labels[s])]
    if rows.y.ndim == 1:
        return f"class {int(rows.y[s])}"
    numbers = [f"{value:.4g}".replace("-", MINUS) for value in rows.y[s]]
    return ", ".join(numbers[:4] + ["..."] * (len(numbers) > 4))


def _maps(recording: Recording, snapshots: list[Snapshot], shown: Shown, plane: Slice, size: Size) -> dict[str, Any]:
    """Small pictures of every unit over the inputs that vary."""
    found = _frames.unit_maps(recording, snapshots, shown, plane, size)
    places = {int(k): at for at, k in enumerate(shown.units[0])}
    return {
        "width": size.unit,
        "height": size.unit if len(plane.inputs) == 2 else 1,
        "varying": [places.get(k, -1) for k in plane.inputs],
        "held": sixes(plane.held[shown.units[0]]),
        "layers": [{"bytes": pack(maps), "low": sixes(low), "high": sixes(high)} for maps, low, high in found],
    }


# ----------------------------------------------------------------- the output
def _surface(recording: Recording, snapshots: list[Snapshot], plane: Slice, size: Size) -> dict[str, Any]:
    """The outputs over the inputs that vary."""
    names = [recording.input_names[k] for k in plane.inputs]
    shared = {"inputs": names, "ranges": [sixes(np.array(limits)) for limits in plane.ranges]}
    if len(plane.inputs) == 1:
        values = _frames.outputs(recording, snapshots, plane.grid(_frames.CURVE_POINTS))
        values = values[:, :, : _frames.MOST_UNITS]
        return {
            "kind": "curve",
            "points": values.shape[1],
            "outputs": values.shape[2],
            "values": pack(values),
            **shared,
        }
    values = _frames.outputs(recording, snapshots, plane.grid(size.surface))
    kind = _frames.surface_kind(recording)
    picture = _winners(values) if kind == "classes" else _planes(recording, values)
    line = decision_lines(recording, snapshots, plane) if _frames.has_line(recording) else None
    return {"kind": kind, "points": size.surface, "line": line, **picture, **shared}


def _winners(values: Real) -> dict[str, Any]:
    """The class with the largest output, and how large it is; class 255 where an output is not finite."""
    finite = np.isfinite(values).all(axis=2)
    largest = np.where(finite, values.max(axis=2), np.nan)
    winner = np.where(finite, values.argmax(axis=2), 255).astype(np.uint8)
    return {"winner": pack(winner), "share": pack(quantise(largest, 0.0, 1.0))}


def _planes(recording: Recording, values: Real) -> dict[str, Any]:
    """Bytes of the first outputs, and the range that they stand for."""
    low, high = _frames.value_range(recording, values)
    kept = values[:, :, : _frames.MOST_PLANES]
    planes = [pack(quantise(kept[:, :, j], low, high)) for j in range(kept.shape[2])]
    return {"planes": planes, "low": six(low), "high": six(high)}


def _points(recording: Recording, plane: Slice) -> dict[str, Any]:
    """The rows as points: their inputs that vary, and class or targets."""
    rows = recording.rows
    labels = rows.labels
    return {
        "x": [sixes(rows.X[:, k]) for k in plane.inputs],
        "labels": None if labels is None else labels.tolist(),
        "y": None if rows.y.ndim == 1 else [sixes(column) for column in rows.y.T[: _frames.MOST_UNITS]],
    }


def _class_names(recording: Recording) -> list[str] | None:
    """A name for each class; None where the targets are numbers."""
    rows = recording.rows
    if rows.labels is None:
        return None
    if recording.class_names is not None:
        return list(recording.class_names)
    if rows.y.ndim == 2 and rows.y.shape[1] == 1:
        return [f"{value:g}" for value in np.unique(rows.y)]
    return [f"class {j}" for j in range(recording.net.layer_sizes[-1])]


# --------------------------------------------------------------- what is not there
def _notes(
    recording: Recording, snapshots: list[Snapshot], shown: Shown, plane: Slice, size: Size, binned: bool
) -> list[str]:
    """In words: what was left out or made coarser, and how exact the rest is."""
    n_epochs, rows = len(recording.epochs), recording.rows
    notes = [
        f"{len(snapshots)} snapshots over {n_epochs:,} epochs, the start and the end among them.",
        "An epoch has the index that History.index gives it, from 0: after 300 epochs the last one done is epoch 299.",
    ]
    if any(units.size < n for units, n in zip(shown.units, recording.net.layer_sizes, strict=True)):
        notes.append(
            f"Of each layer at most {_frames.MOST_UNITS} units are drawn, those with the largest weights at the end."
        )
    if rows.X.shape[0] < rows.n_rows:
        notes.append(f"{rows.X.shape[0]} of {rows.n_rows:,} rows are kept, evenly spread.")
    if recording.net.layer_sizes[0] > 2:
        varying = " and ".join(recording.input_names[k] for k in plane.inputs)
        notes.append(f"In the pictures {varying} vary; the other inputs are held at their mean over the rows.")
    if binned:
        notes.append("The loss curve shows the lowest and the highest loss of neighbouring epochs.")
    if len(plane.inputs) == 2:
        notes.append(_fineness(size))
    notes.append("Weights, biases and activations are float32, shown with up to six digits.")
    return notes


def _fineness(size: Size) -> str:
    return (
        f"The output is computed at {size.surface} x {size.surface} points, each unit at {size.unit} x {size.unit}; "
        "colours have 255 steps, so numbers read from them are exact to 1/255 of their range."
    )
