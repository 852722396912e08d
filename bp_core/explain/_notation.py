"""How numbers and formulas are written: as text, in HTML, in LaTeX.

Formulas are written once, as text: names are a letter and a number, ``*`` multiplies, ``dE/da4`` is a derivative.
"""

from __future__ import annotations

import html
import re

from bp_core.explain import _rules

NAME = re.compile(r"\b([xzaWby])(\d+)\b")
DERIVATIVE = re.compile(r"\bd(E|[za]\d*)/d([xzaWb]\d*)")
SYMBOL = re.compile(r"\b([yE])\b")
POWER_OF_TEN = re.compile(r"(\d)e([-+]\d+)")
WORDS = re.compile(r"\b(as|where|else|and|more|smaller ones|sum over the paths|computed from z|together)\b")
LATEX_FUNCTIONS = {
    "sigmoid(": r"\sigma(",
    "tanh(": r"\tanh(",
    "exp(": r"\exp(",
    "log(": r"\log(",
    "max(": r"\max(",
    "Phi(": r"\Phi(",
    "phi(": r"\varphi(",
    "softmax(": r"\operatorname{softmax}(",
    "sign(": r"\operatorname{sign}(",
    "clip(": r"\operatorname{clip}(",
    "huber(": r"\operatorname{huber}(",
    "sum ": r"\sum ",
    "<=": r"\le ",
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
    return " ".join([parts[0], *(signed(part) for part in parts[1:])])


def signed(part: str) -> str:
    """A part of a sum that is not its first."""
    return f"- {part[1:]}" if part.startswith("-") else f"+ {part}"


# ------------------------------------------------------------------------ HTML
def to_html(formula: str) -> str:
    """A formula with its indices lowered, its powers raised, and round d's."""
    text = SYMBOL.sub(r"<i>\1</i>", html.escape(formula, quote=False))
    text = DERIVATIVE.sub(r"&part;\1/&part;\2", text)
    text = NAME.sub(r"<i>\1</i><sub>\2</sub>", text)
    text = POWER_OF_TEN.sub(lambda found: f"{found[1]}&middot;10<sup>{int(found[2])}</sup>", text)
    text = re.sub(r"\^(\d)", r"<sup>\1</sup>", text)
    text = re.sub(r"\bsum ", "&sum; ", text).replace("&lt;-", "&larr;").replace("&lt;=", "&le;")
    return text.replace("*", "&middot;").replace(" -", " &minus;").replace("(-", "(&minus;")


# ----------------------------------------------------------------------- LaTeX
def to_latex(formula: str) -> str:
    """A formula in LaTeX's mathematics."""
    text = re.sub(r"\babs\(([^()]*)\)", r"\\lvert \1 \\rvert", formula)
    text = WORDS.sub(r"\\ \\text{\1}\\ ", text)
    text = DERIVATIVE.sub(r"\\frac{\\partial \1}{\\partial \2}", text)
    text = re.sub(r" ?\* ?", r" \\cdot ", text)
    for plain, command in LATEX_FUNCTIONS.items():
        text = re.sub(rf"(?<![A-Za-z\\]){re.escape(plain)}", command.replace("\\", r"\\"), text)
    text = NAME.sub(r"\1_{\2}", text)
    text = text.replace(", ", r",\ ")
    return POWER_OF_TEN.sub(lambda found: rf"{found[1]} \cdot 10^{{{int(found[2])}}}", text)
