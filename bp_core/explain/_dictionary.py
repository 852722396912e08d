"""An explanation as names and numbers that JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bp_core.explain._row import Row
from bp_core.explain._sections import error_formula, error_note, label
from bp_core.explain._unit import explain_unit

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation


def explanation_dict(explanation: Explanation, most: int | None) -> dict[str, Any]:
    """The whole of it."""
    net = explanation.network
    return {
        "layer_sizes": list(net.layer_sizes),
        "activations": [*net.hidden, net.output],
        "bias": list(net.bias),
        "dtype": net.dtype.name,
        "loss": {
            "name": explanation.loss_name,
            "formula": error_formula(explanation),
            "note": "".join(error_note(explanation)),
            "value": explanation.loss,
        },
        "learning_rate": explanation.learning_rate,
        "n_rows": explanation.n_rows,
        "rows": [_row(explanation, s) for s in explanation.shown_rows],
        "parameters": [parameter.to_dict() for parameter in explanation.parameters(most)],
        "left_out": explanation.left_out(most),
    }


def _row(explanation: Explanation, s: int) -> dict[str, Any]:
    row = explanation.row(s)
    return {
        "row": s,
        "loss": row.loss,
        "inputs": [_input(explanation, row, k) for k in explanation.shown_units(-1)],
        "targets": [_target(explanation, row, j) for j in explanation.shown_units(row.last)],
        "units": [
            {**explain_unit(row, l, j).to_dict(), "layer": l, "index": j}
            for l in range(len(row.a))
            for j in explanation.shown_units(l)
        ],
    }


def _input(explanation: Explanation, row: Row, k: int) -> dict[str, Any]:
    said = label(explanation.input_names, k)
    return {"name": row.names.a(-1, k), "label": said, "value": float(row.x[k]), "derivative": float(row.inputs[k])}


def _target(explanation: Explanation, row: Row, j: int) -> dict[str, Any]:
    return {"name": row.names.y(j), "label": label(explanation.output_names, j), "value": float(row.y[j])}
