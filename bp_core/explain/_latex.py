r"""An explanation in LaTeX, with nothing but amsmath."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bp_core.explain._forward import error_lines, heading, input_line, target_line, unit_equations
from bp_core.explain._notation import multiplied, number, signed, to_latex
from bp_core.explain._terms import Product
from bp_core.explain._text import check_line, formulas, names, update_line
from bp_core.explain._unit import unit_terms

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation
    from bp_core.explain._parameter import ParameterExplanation

DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath}
\usepackage[landscape,margin=15mm]{geometry}
\allowdisplaybreaks
\begin{document}
%s
\end{document}
"""


def explanation_latex(explanation: Explanation, most: int | None, document: bool) -> str:
    """The whole of it; with ``document`` ready to be compiled."""
    parts = [f"\\section*{{{_plain(heading(explanation))}}}"]
    for s in explanation.shown_rows:
        title = "Forward pass" if explanation.n_rows == 1 else f"Forward pass of row {s}"
        parts += [f"\\subsection*{{{title}}}", _align(_forward(explanation, s))]
    parts += [r"\subsection*{Total error}", _align([_aligned(line) for line in error_lines(explanation)])]
    for parameter in explanation.parameters(most):
        parts += [_title(parameter), parameter_latex(parameter)]
    parts += [f"\\paragraph{{Left out:}} {_plain(words)}." for words in explanation.left_out(most)]
    text = "\n".join(parts)
    return DOCUMENT % text if document else text


def parameter_latex(p: ParameterExplanation) -> str:
    """The chain rule of one parameter, its check and its update."""
    lines: list[str] = []
    for s, products in enumerate(p.rows):
        name = to_latex(f"dE/d{p.name}") + (f"\\Big|_{{\\text{{row {s}}}}}" if p.n_rows > 1 else "")
        lines += _equation(name, products)
        for factor in [factor for product in products for factor in product.factors if factor.paths]:
            lines += [*_equation(to_latex(factor.name), factor.paths), f"&= {to_latex(number(factor.value))}"]
    mean = r"\quad\text{the mean over the rows}" if p.n_rows > 1 else ""
    lines += [f"{to_latex(f'dE/d{p.name}')} &= {to_latex(number(p.derivative))}{mean}"]
    lines += [f"&\\text{{{check_line(p)}}}", _aligned(update_line(p).replace("<-", r"\leftarrow", 1))]
    return _align(lines)


def _forward(explanation: Explanation, s: int) -> list[str]:
    row = explanation.row(s)
    lines = [f"&{to_latex(input_line(explanation, row))}"]
    for l in range(len(row.a)):
        for j in explanation.shown_units(l):
            lines += [_aligned(equation) for equation in unit_equations(unit_terms(row, l, j))]
    return [*lines, f"&{to_latex(target_line(explanation, row))}"]


def _equation(name: str, products: tuple[Product, ...]) -> list[str]:
    """A sum of products by name, in formulas, in numbers."""
    values = [multiplied([factor.value for factor in product.factors]) for product in products]
    lines: list[str] = []
    for column in ([names(product) for product in products], [formulas(product) for product in products], values):
        lines += [f"{'' if lines else name} &= {to_latex(column[0])}"]
        lines += [f"&\\quad {to_latex(signed(part))}" for part in column[1:]]
    return lines


def _aligned(equation: str) -> str:
    """An equation, aligned at its first sign of equality."""
    return to_latex(equation).replace("learning_rate", r"\eta").replace(" = ", " &= ", 1)


def _align(lines: list[str]) -> str:
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def _title(p: ParameterExplanation) -> str:
    source, target = to_latex(p.source), to_latex(p.target)
    return f"\\subsection*{{${to_latex(p.name)}$ leads from ${source}$ to ${target}$}}"


def _plain(words: str) -> str:
    return words.replace("_", r"\_")
