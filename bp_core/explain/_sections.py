"""An explanation as sections: forward pass, error, the way back, every parameter, the inputs, what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bp_core.explain import _rules
from bp_core.explain._equations import derivative_lines
from bp_core.explain._lines import Line, Math, Section, equation, words
from bp_core.explain._notation import filled, number
from bp_core.explain._row import Row
from bp_core.explain._terms import MOST_PATHS, Product
from bp_core.explain._unit import explain_unit

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation

IN_A_LINE = 6
"""Inputs or targets that stand in one line."""


def sections(explanation: Explanation, most: int | None) -> Iterator[Section]:
    """All of it, in the order of computing."""
    yield Section((heading(explanation),), [])
    for s in explanation.shown_rows:
        yield Section((f"Forward pass{_of_row(explanation, s)}",), _forward(explanation, explanation.row(s)))
    yield Section(("Total error",), _error(explanation))
    for s in explanation.shown_rows:
        yield Section((f"Backward pass{_of_row(explanation, s)}",), _backward(explanation, explanation.row(s)))
    for parameter in explanation.parameters(most):
        yield parameter._section()
    for s in explanation.shown_rows:
        yield Section((f"Derivatives by the inputs{_of_row(explanation, s)}",), _inputs(explanation, s))
    left_out = explanation.left_out(most)
    if left_out:
        yield Section(("Left out",), [words(said) for said in left_out])


def heading(explanation: Explanation) -> str:
    """What is explained."""
    net = explanation.network
    sizes = "-".join(map(str, net.layer_sizes))
    activations = ", ".join((*net.hidden, net.output))
    rows = "one row" if explanation.n_rows == 1 else f"a batch of {explanation.n_rows:,} rows"
    return f"Backpropagation in a {sizes} network ({activations}) for {rows}"


def _of_row(explanation: Explanation, s: int) -> str:
    return "" if explanation.n_rows == 1 else f" of row {s}"


# ------------------------------------------------------------------ the forward pass
def _forward(explanation: Explanation, row: Row) -> list[Line]:
    shown, names = explanation.shown_units, row.names
    inputs = [(f"{names.a(-1, k)} = {number(float(row.x[k]))}", label(explanation.input_names, k)) for k in shown(-1)]
    targets = [
        (f"{names.y(j)} = {number(float(row.y[j]))}", label(explanation.output_names, j)) for j in shown(row.last)
    ]
    units = [line for l in range(len(row.a)) for line in _layer(explanation, row, l)]
    return [*_listed(inputs, row.x.size), *units, *_listed(targets, row.y.size)]


def label(names: tuple[str, ...] | None, at: int) -> str:
    """What an input or output is called besides its name here; nothing without names."""
    return "" if names is None else names[at]


def _listed(parts: list[tuple[str, str]], n: int) -> list[Line]:
    """Some equations to a line, labelled ones each in its own; and how many more there are."""
    if any(said for _, said in parts):
        lines = [Line((Math(equation), f", {said}")) for equation, said in parts]
    else:
        plain = [equation for equation, _ in parts]
        lines = [Line((Math(", ".join(plain[i : i + IN_A_LINE])),)) for i in range(0, len(plain), IN_A_LINE)]
    return [*lines, *([words(f"and {n - len(parts):,} more")] if n > len(parts) else [])]


def _layer(explanation: Explanation, row: Row, l: int) -> list[Line]:
    shown = explanation.shown_units(l)
    lines = [line for j in shown for line in explain_unit(row, l, j).lines()]
    return [*lines, *_more_units(row, l, len(shown))]


def _more_units(row: Row, l: int, shown: int) -> list[Line]:
    more = row.names.layer_sizes[l + 1] - shown
    return [words(f"and {more:,} more units in this layer")] if more else []


# ------------------------------------------------------------------------ the error
def error_formula(explanation: Explanation) -> str:
    """E of one row by the names of its outputs and targets."""
    names, m, l = explanation.names, explanation.network.layer_sizes[-1], len(explanation.network.weights) - 1
    return _rules.loss_formula(explanation.loss_name, [(names.a(l, j), names.y(j)) for j in range(m)], m)


def error_note(explanation: Explanation) -> tuple[str, str]:
    """What there is to say about the loss: a formula, and words behind it."""
    formula, said = _rules.NOTE.get(explanation.loss_name, ("", ""))
    return formula.format(t=f"{explanation.loss_parameter:g}"), said


def _error(explanation: Explanation) -> list[Line]:
    lines = [_row_error(explanation, s) for s in explanation.shown_rows]
    if explanation.n_rows > 1:
        lines += [equation("E", number(explanation.loss), note=f"the mean over {explanation.n_rows:,} rows")]
    formula, said = error_note(explanation)
    return [*lines, *([Line((Math(formula), said))] if formula else [])]


def _row_error(explanation: Explanation, s: int) -> Line:
    """E as a formula by name and, where it is short, filled in."""
    row, by_name = explanation.row(s), error_formula(explanation)
    beyond = _rules.beyond_formula(explanation.loss_name, row.a[-1].tolist(), row.y.tolist())
    sides = [by_name]
    if row.y.size <= _rules.FEW and not beyond:
        sides += [filled(by_name, _output_values(row))]
    notes = ["" if explanation.n_rows == 1 else f"row {s}", f"computed from z, as {beyond}" if beyond else ""]
    return equation("E", *sides, number(row.loss), note=", ".join(filter(None, notes)))


def _output_values(row: Row) -> dict[str, float]:
    outputs = {row.names.a(row.last, j): float(row.a[-1][j]) for j in range(row.y.size)}
    return outputs | {row.names.y(j): float(row.y[j]) for j in range(row.y.size)}


# ---------------------------------------------------------------------- the way back
def _backward(explanation: Explanation, row: Row) -> list[Line]:
    """The derivative dE/dz of every unit shown, from the units just above it."""
    lines = []
    for l in range(row.last, -1, -1):
        shown = explanation.shown_units(l)
        for j in shown:
            name, delta = f"dE/d{row.names.z(l, j)}", float(row.deltas[l][j])
            lines += derivative_lines(name, (Product(row.step_factors(l, j)),), delta)
        lines += _more_units(row, l, len(shown))
    return lines


def _inputs(explanation: Explanation, s: int) -> list[Line]:
    """The derivative by every input shown, spelled out where the paths are few."""
    row, lines = explanation.row(s), []
    for k in explanation.shown_units(-1):
        name, value = f"dE/d{row.names.a(-1, k)}", float(row.inputs[k])
        if row.count_paths(-1) <= MOST_PATHS:
            lines += derivative_lines(name, row.paths_up(-1, k), value)
        else:
            lines += [equation(name, number(value))]
    return lines
