"""How numbers and formulas are written: as text, in HTML, in LaTeX.

Formulas are written once, as text: names are a letter and a number, ``*`` multiplies, ``dE/da4`` is a derivative.
"""

from __future__ import annotations

import html
import re

from bp_core.explain import _rules

NAME = re.compile(r"\b([xzaWby])(\d+)\b")
SYMBOL = re.compile(r"\b([yE])\b")
DERIVATIVE = re.compile(r"\bd(E|[za]\d*)/d([xzaWb]\d*)")
POWER_OF_TEN = re.compile(r"(\d)e([-+]\d+)")
WORDS = re.compile(r" ?\b(as|where|else|smaller ones|computed from|through|learning rate)\b ?")
LATEX_FUNCTIONS = {
    "sigmoid(": r"\sigma(",
    "tanh(": r"\tanh(",
    "exp(": r"\exp(",
    "log(": r"\log(",
    "max(": r"\max(",
    "Phi(": r"\Phi(",
    "phi(": r"\varphi(",
    "abs(": r"\operatorname{abs}(",
    "sign(": r"\operatorname{sign}(",
    "clip(": r"\operatorname{clip}(",
    "huber(": r"\operatorname{huber}(",
    "quantile(": r"\operatorname{quantile}(",
    "cosh(": r"\cosh(",
    "sum ": r"\sum ",
    "<=": r"\le ",
    "...": r"\ldots ",
    "learning_rate": r"\eta",
}


# ------------------------------------------------------------------------ text
def number(value: float) -> str:
    """Six significant digits."""
    return f"{value + 0.0:.6g}"


def bracketed(formula: str) -> str:
    """A factor as it stands in a product: a sum, or a number below 0, in brackets."""
    return f"({formula})" if _rules.is_sum(formula) else formula


def multiplied(values: list[float]) -> str:
    """Numbers with a sign between them."""
    first, *others = values
    return " * ".join([number(first), *(bracketed(number(value)) for value in others)])


def added(parts: list[str]) -> str:
    """Parts added: a minus in front of one takes the place of the plus."""
    return " ".join([parts[0], *(f"- {part[1:]}" if part.startswith("-") else f"+ {part}" for part in parts[1:])])


def filled(formula: str, values: dict[str, float]) -> str:
    """A formula with numbers in the place of names, in brackets where a minus would be misread."""
    for name, value in values.items():
        text = number(value)
        formula = re.sub(rf"(?:(?<=\()|(?<=, )){name}\b", text, formula)
        formula = re.sub(rf"\b{name}\b", bracketed(text), formula)
    return formula


# ------------------------------------------------------------------------ HTML
def to_html(formula: str) -> str:
    """A formula with its indices lowered, its powers raised, and round d's."""
    text = SYMBOL.sub(r"<i>\1</i>", html.escape(formula, quote=False))
    text = DERIVATIVE.sub(r"&part;\1/&part;\2", text)
    text = NAME.sub(r"<i>\1</i><sub>\2</sub>", text)
    text = POWER_OF_TEN.sub(lambda found: f"{found[1]}&middot;10<sup>{int(found[2])}</sup>", text)
    text = re.sub(r"\^(\d)", r"<sup>\1</sup>", text)
    text = re.sub(r"\bsum ", "&sum; ", text).replace("&lt;-", "&larr;").replace("&lt;=", "&le;")
    text = text.replace("*", "&middot;").replace("(-", "(&minus;")
    return re.sub(r"(^| )-", r"\1&minus;", text)


# ----------------------------------------------------------------------- LaTeX
def to_latex(formula: str) -> str:
    """A formula in LaTeX's mathematics."""
    text = re.sub(r"\babs\(([^()]*)\)", r"\\lvert \1 \\rvert", formula)
    text = WORDS.sub(r"\\text{ \1 }", text)
    text = DERIVATIVE.sub(r"\\frac{\\partial \1}{\\partial \2}", text)
    text = re.sub(r" ?\* ?", r" \\cdot ", text)
    for plain, command in LATEX_FUNCTIONS.items():
        text = re.sub(rf"(?<![A-Za-z\\]){re.escape(plain)}", command.replace("\\", r"\\"), text)
    text = NAME.sub(r"\1_{\2}", text)
    text = text.replace(", ", r",\ ")
    return POWER_OF_TEN.sub(lambda found: rf"{found[1]} \cdot 10^{{{int(found[2])}}}", text)
