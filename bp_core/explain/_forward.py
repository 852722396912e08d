"""The forward pass and the error in words and equations, as every form of an explanation shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bp_core.explain import _rules
from bp_core.explain._notation import added, bracketed, number

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation
    from bp_core.explain._row import Row
    from bp_core.explain._unit import UnitExplanation


def heading(explanation: Explanation) -> str:
    """What is explained."""
    net = explanation.network
    sizes = "-".join(map(str, net.layer_sizes))
    activations = ", ".join((*net.hidden, net.output))
    rows = "one row" if explanation.n_rows == 1 else f"a batch of {explanation.n_rows:,} rows"
    return f"Backpropagation in a {sizes} network ({activations}) for {rows}"


def input_line(explanation: Explanation, row: Row) -> str:
    """The inputs by name."""
    shown = [f"{row.names.a(-1, k)} = {number(float(row.x[k]))}" for k in explanation.shown_units(-1)]
    return _some(shown, row.x.size)


def target_line(explanation: Explanation, row: Row) -> str:
    """The targets by name."""
    outputs = explanation.shown_units(len(row.a) - 1)
    return _some([f"{row.names.y(j)} = {number(float(row.y[j]))}" for j in outputs], row.y.size)


def _some(parts: list[str], n: int) -> str:
    more = [f"and {n - len(parts):,} more"] if n > len(parts) else []
    return ", ".join(parts + more)


def unit_equations(unit: UnitExplanation) -> tuple[str, str]:
    """Write z as the sum of its products and a, each by name, filled in, and its value."""
    names = [f"{term.weight} {term.source}" for term in unit.terms]
    values = [f"{number(term.weight_value)}*{bracketed(number(term.source_value))}" for term in unit.terms]
    if unit.n_left_out:
        names += ["..."]
    if unit.bias_name is not None and unit.bias is not None:
        names, values = [*names, unit.bias_name], [*values, number(unit.bias)]
    filled = "" if unit.n_left_out else f" = {added(values)}"
    z = f"{unit.z_name} = {' + '.join(names)}{filled} = {number(unit.z)}"
    if unit.formula == unit.z_name:
        return z, f"{unit.a_name} = {unit.z_name} = {number(unit.a)}"
    if unit.activation == "softmax":
        return z, f"{unit.a_name} = {unit.formula} = {number(unit.a)}"
    filled = unit.formula.replace(unit.z_name, number(unit.z))
    return z, f"{unit.a_name} = {unit.formula} = {filled} = {number(unit.a)}"


def error_lines(explanation: Explanation) -> list[str]:
    """E as a formula and in numbers, row by row, and what there is to say about the loss."""
    lines = []
    for s in explanation.shown_rows:
        row = explanation.row(s)
        name = "E" if explanation.n_rows == 1 else f"E of row {s}"
        lines += [f"{name} = {_row_error(explanation, row)} = {number(row.loss)}"]
    if explanation.n_rows > 1:
        lines += [f"E = {number(explanation.loss)}, the mean over {explanation.n_rows:,} rows"]
    note = _rules.NOTE.get(explanation.loss_name, "")
    return [*lines, *([note.format(t=f"{explanation.threshold:g}")] if note else [])]


def error_formula(explanation: Explanation) -> str:
    """E of one row by the names of its outputs and targets."""
    names, m, l = explanation.names, explanation.network.layer_sizes[-1], len(explanation.network.weights) - 1
    return _rules.loss_formula(explanation.loss_name, [(names.a(l, j), names.y(j)) for j in range(m)], m)


def _row_error(explanation: Explanation, row: Row) -> str:
    """The formula by name and, where it is short, filled in."""
    m, by_name = row.y.size, error_formula(explanation)
    if m > _rules.MOST_OUTPUTS:
        return by_name
    values = [(number(float(row.a[-1][j])), bracketed(number(float(row.y[j])))) for j in range(m)]
    return f"{by_name} = {_rules.loss_formula(explanation.loss_name, values, m)}"


def unit_line(unit: UnitExplanation) -> str:
    """The equations of a unit in one line."""
    return ";  ".join(unit_equations(unit))
