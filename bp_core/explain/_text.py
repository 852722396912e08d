"""An explanation as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bp_core.explain._forward import error_lines, heading, input_line, target_line, unit_line
from bp_core.explain._notation import added, bracketed, multiplied, number, signed
from bp_core.explain._terms import Factor, Product, total
from bp_core.explain._unit import unit_terms

if TYPE_CHECKING:
    from bp_core.explain._explanation import Explanation
    from bp_core.explain._parameter import ParameterExplanation
    from bp_core.explain._paths import PathExplanation

INDENT = "  "


# ------------------------------------------------------------------ the whole
def explanation_text(explanation: Explanation, most: int | None) -> str:
    """Forward pass, error, and the derivative of every parameter shown."""
    blocks = [heading(explanation)]
    blocks += [_forward(explanation, s) for s in explanation.shown_rows]
    blocks += ["\n".join(["Total error", *(INDENT + line for line in error_lines(explanation))])]
    blocks += [parameter_text(parameter) for parameter in explanation.parameters(most)]
    blocks += [_input_derivatives(explanation, s) for s in explanation.shown_rows]
    blocks += [f"Left out: {words}." for words in explanation.left_out(most)]
    return "\n\n".join(blocks)


def _forward(explanation: Explanation, s: int) -> str:
    row = explanation.row(s)
    lines = [input_line(explanation, row)]
    for l in range(len(row.a)):
        lines += [unit_line(unit_terms(row, l, j)) for j in explanation.shown_units(l)]
        hidden = row.names.layer_sizes[l + 1] - len(explanation.shown_units(l))
        lines += [f"and {hidden:,} more units in this layer"] if hidden else []
    lines += [target_line(explanation, row)]
    return "\n".join([f"Forward pass{_of_row(explanation, s)}", *(INDENT + line for line in lines)])


def _of_row(explanation: Explanation, s: int) -> str:
    return "" if explanation.n_rows == 1 else f" of row {s}"


def _input_derivatives(explanation: Explanation, s: int) -> str:
    row = explanation.row(s)
    lines = [f"Derivatives by the inputs{_of_row(explanation, s)}"]
    for k in explanation.shown_units(-1):
        name, value = f"dE/d{row.names.a(-1, k)}", number(float(row.inputs[k]))
        paths = row.paths_up(-1, k)
        if explanation.network.n_parameters > len(paths) * 8:
            lines += [f"{INDENT}{name} = {value}"]
        else:
            lines += [INDENT + line for line in (*_equation(name, paths), f"{' ' * len(name)} = {value}")]
    return "\n".join(lines)


# ---------------------------------------------------------------- one thing
def parameter_text(parameter: ParameterExplanation) -> str:
    """The chain rule by name and number, the check and the update."""
    p = parameter
    lines = [f"{p.name}  {p.source} -> {p.target}  {p.place} = {number(p.value)}"]
    lines += [INDENT + line for line in (*_chain(p), check_line(p), update_line(p))]
    return "\n".join(lines)


def path_text(path: PathExplanation) -> str:
    """Every path with its factors, or how many there are."""
    heading = f"{path.name} = {number(path.value)}, over {path.n_paths:,} path{'s' if path.n_paths != 1 else ''}"
    if not path.paths:
        return f"{heading}, too many to spell out; name units between to follow fewer of them"
    lines = [heading]
    for product in path.paths:
        values = multiplied([factor.value for factor in product.factors])
        lines += [f"{INDENT}{names(product)}", f"{INDENT}  = {formulas(product)}"]
        lines += [f"{INDENT}  = {values} = {number(product.value)}"]
    return "\n".join(lines)


def _chain(p: ParameterExplanation) -> list[str]:
    """The chain rule of each row, and the mean."""
    name = f"dE/d{p.name}"
    margin = " " * len(name)
    if p.n_rows == 1:
        return [*_equation(name, p.rows[0]), f"{margin} = {number(p.derivative)}", *_sums(p.rows[0])]
    lines = [f"{name} = {number(p.derivative)}, the mean over {p.n_rows:,} rows"]
    for s, products in enumerate(p.rows):
        lines += [f"row {s}"]
        lines += [INDENT + line for line in _equation(name, products)]
        lines += [f"{INDENT}{margin} = {number(total(products))}", *(INDENT + line for line in _sums(products))]
    return lines


def _equation(name: str, products: tuple[Product, ...]) -> list[str]:
    """A derivative as a sum of products: by name, in formulas, in numbers; each product on a line."""
    margin = " " * len(name)
    values = [multiplied([factor.value for factor in product.factors]) for product in products]
    columns = ([names(product) for product in products], [formulas(product) for product in products], values)
    lines = []
    for which, column in enumerate(columns):
        lines += [f"{name if which == 0 else margin} = {column[0]}"]
        lines += [f"{margin} {signed(part)}" for part in column[1:]]
    return lines


def names(product: Product) -> str:
    """A product by the names of its factors."""
    return " * ".join(factor.name for factor in product.factors)


def formulas(product: Product) -> str:
    """A product by its factors' formulas; a sum over paths by its name, for it is spelled out below."""
    return " * ".join(_formula(factor) for factor in product.factors)


def _formula(factor: Factor) -> str:
    return factor.name if factor.paths else bracketed(factor.formula)


def _sums(products: tuple[Product, ...]) -> list[str]:
    """The factors that are sums over paths, spelled out."""
    lines = []
    for factor in [factor for product in products for factor in product.factors if factor.paths]:
        lines += [f"where {factor.name} is the sum over {len(factor.paths)} paths"]
        lines += [INDENT + line for line in _equation(factor.name, factor.paths)]
        lines += [f"{INDENT}{' ' * len(factor.name)} = {number(factor.value)}"]
    return lines


def check_line(p: ParameterExplanation) -> str:
    """The central difference beside the derivative, in words."""
    if p.difference is None or p.error is None:
        return "central difference: none, as a row lies within 1e-4 of a kink"
    verdict = "they agree" if p.agrees else "THEY DO NOT AGREE"
    return f"central difference {number(p.difference)}, error {p.error:.0e}: {verdict}"


def update_line(p: ParameterExplanation) -> str:
    """The step of gradient descent."""
    name, rate = p.name, number(p.learning_rate)
    numbers = added([number(p.value), f"-{rate} * {bracketed(number(p.derivative))}"])
    return f"{name} <- {name} - learning_rate * dE/d{name} = {numbers} = {number(p.updated)}"
