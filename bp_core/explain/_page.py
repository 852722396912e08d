"""An explanation as an interactive page."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from bp_core import pages

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation

MOST_PARAMETERS = 256
"""Parameters on a page, unless that makes it too large."""

MOST_BYTES = 4_000_000


def save_page(explanation: Explanation, path: str | os.PathLike[str]) -> None:
    """Write the page."""
    pages.save(path, pages.fill("explanation", "Backpropagation, step by step", page_data(explanation)))


def page_data(explanation: Explanation) -> dict[str, Any]:
    """The dictionary of the explanation, with what the page draws; of a large network fewer parameters."""
    most = MOST_PARAMETERS
    while True:
        data = _shape(explanation, most)
        if most <= 16 or len(json.dumps(data)) <= MOST_BYTES:
            return data
        most //= 2


def _shape(explanation: Explanation, most: int) -> dict[str, Any]:
    data = explanation.to_dict(max_parameters=most)
    for parameter in data["parameters"]:
        parameter["ends"] = _ends(explanation, parameter["name"])
    network = repr(explanation.network).strip("<>").removeprefix("Network ")
    return {**data, "network": network, "layers": _layers(explanation)}


def _layers(explanation: Explanation) -> list[dict[str, Any]]:
    """The units that are drawn, inputs first, by the name of what they send upwards."""
    net, names = explanation.network, explanation.names
    kinds = ("inputs", *net.hidden, net.output)
    return [
        {"kind": kind, "n": n, "units": [names.a(l - 1, j) for j in explanation.shown_units(l - 1)]}
        for l, (kind, n) in enumerate(zip(kinds, net.layer_sizes, strict=True))
    ]


def _ends(explanation: Explanation, name: str) -> list[list[str]]:
    """From which unit to which a parameter is drawn; nowhere if one of them is not drawn."""
    l, k, j = explanation.names.parameter(name)
    targets = [i for i in explanation.shown_units(l) if j is None or i == j]
    if k is not None and k not in explanation.shown_units(l - 1):
        return []
    source = f"bias{l}" if k is None else explanation.names.source(l, k)
    return [[source, explanation.names.a(l, i)] for i in targets]
