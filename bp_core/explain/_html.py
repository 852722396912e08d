"""An explanation as a piece of HTML, as notebooks show it: light or dark as they are, nothing to load."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from bp_core.explain._forward import error_lines, heading, input_line, target_line, unit_equations
from bp_core.explain._notation import multiplied, number, signed, to_html
from bp_core.explain._terms import Product, total
from bp_core.explain._text import check_line, formulas, names, update_line
from bp_core.explain._unit import unit_terms

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation
    from bp_core.explain._parameter import ParameterExplanation

STYLE = """<style>
.bp-explanation { line-height: 1.6; }
.bp-explanation table { border-collapse: collapse; margin: 0.5em 0; }
.bp-explanation th, .bp-explanation td { text-align: left; padding: 0.15em 0.9em 0.15em 0; vertical-align: top; }
.bp-explanation td.bp-number { text-align: right; font-variant-numeric: tabular-nums; }
.bp-explanation summary { cursor: pointer; }
.bp-explanation details > div { margin: 0.2em 0 0.8em 1.2em; }
</style>
"""


def explanation_html(explanation: Explanation, most: int | None) -> str:
    """The whole of it: the forward pass, the error, and a line for each parameter that opens to its chain rule."""
    parts = [f"<p><b>{html.escape(heading(explanation))}</b></p>"]
    parts += [_forward(explanation, s) for s in explanation.shown_rows]
    parts += ["<p>" + "<br>".join(to_html(line) for line in error_lines(explanation)) + "</p>"]
    parts += [_details(parameter) for parameter in explanation.parameters(most)]
    parts += [_input_derivatives(explanation, s) for s in explanation.shown_rows]
    parts += [f"<p>Left out: {html.escape(words)}.</p>" for words in explanation.left_out(most)]
    return _wrapped("\n".join(parts))


def parameter_html(p: ParameterExplanation) -> str:
    """One parameter, opened."""
    return _wrapped(f"<p>{_summary(p)}</p>\n<div>{_chain(p)}</div>")


def _wrapped(text: str) -> str:
    return f'<div class="bp-explanation">\n{STYLE}{text}\n</div>'


def _forward(explanation: Explanation, s: int) -> str:
    row = explanation.row(s)
    which = "Forward pass" if explanation.n_rows == 1 else f"Forward pass of row {s}"
    lines = [f"<tr><td colspan=2>{to_html(input_line(explanation, row))}</td></tr>"]
    for l in range(len(row.a)):
        for j in explanation.shown_units(l):
            z, a = unit_equations(unit_terms(row, l, j))
            lines += [f"<tr><td>{to_html(z)}</td><td>{to_html(a)}</td></tr>"]
    lines += [f"<tr><td colspan=2>{to_html(target_line(explanation, row))}</td></tr>"]
    return f"<p><b>{which}</b></p>\n<table>\n" + "\n".join(lines) + "\n</table>"


def _details(p: ParameterExplanation) -> str:
    return f"<details><summary>{_summary(p)}</summary>\n<div>{_chain(p)}</div></details>"


def _summary(p: ParameterExplanation) -> str:
    derivative = to_html(f"dE/d{p.name} = {number(p.derivative)}")
    value = to_html(f"{p.name} = {number(p.value)}")
    return f"{value}, from {to_html(p.source)} to {to_html(p.target)}: <b>{derivative}</b>"


def _chain(p: ParameterExplanation) -> str:
    parts = []
    for s, products in enumerate(p.rows):
        name = f"dE/d{p.name}" if p.n_rows == 1 else f"row {s}: dE/d{p.name}"
        parts += [_equation(name, products, total(products) if p.n_rows > 1 else p.derivative)]
        sums = [factor for product in products for factor in product.factors if factor.paths]
        parts += [_equation(f"where {factor.name}", factor.paths, factor.value) for factor in sums]
    if p.n_rows > 1:
        parts += [to_html(f"dE/d{p.name} = {number(p.derivative)}") + f", the mean over {p.n_rows:,} rows"]
    parts += [html.escape(check_line(p)), to_html(update_line(p).replace("learning_rate", "learning rate"))]
    return "<br>\n".join(parts)


def _equation(name: str, products: tuple[Product, ...], value: float) -> str:
    """A sum of products by name, in formulas, in numbers."""
    values = [multiplied([factor.value for factor in product.factors]) for product in products]
    columns = ([names(product) for product in products], [formulas(product) for product in products], values)
    lines = [" ".join([column[0], *(signed(part) for part in column[1:])]) for column in columns]
    return to_html(name) + "".join(f"<br>\n&emsp;= {to_html(line)}" for line in (*lines, number(value)))


def _input_derivatives(explanation: Explanation, s: int) -> str:
    row = explanation.row(s)
    named = [f"dE/d{row.names.a(-1, k)} = {number(float(row.inputs[k]))}" for k in explanation.shown_units(-1)]
    which = "" if explanation.n_rows == 1 else f" of row {s}"
    return f"<p>Derivatives by the inputs{which}: {to_html(', '.join(named))}</p>"
