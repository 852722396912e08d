"""Sensitivities as a table, in plain text and in HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core._wording import count, three_digits
from bp_core.sensitivity._ranking import largest
from bp_core.sensitivity._steps import UNIT

if TYPE_CHECKING:
    from bp_core.sensitivity._result import Sensitivities

Float = NDArray[np.float64]

FIGURE_SPACE = "\N{FIGURE SPACE}"
"""As wide as a digit."""

MOST_NAMES = 5
"""Of constant inputs that are named."""


class Block(NamedTuple):
    """What is told of one output: a line for each input, headings first, and what is said of those left out."""

    lines: list[tuple[str, ...]]
    left_out: str


def as_text(found: Sensitivities, most: int | None) -> str:
    """Return the table in plain text; of each output at most so many inputs."""
    blocks = []
    for lines, left_out in _blocks(found, most):
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in lines]
        blocks.append("\n".join([*map(str.rstrip, text), *filter(None, [left_out])]))
    return "\n\n".join([_title(found), *blocks, "\n".join(_closing(found))])


def as_html(found: Sensitivities) -> str:
    """Return the table in HTML."""
    bodies = ""
    for lines, left_out in _blocks(found, None):
        for tag, (name, *cells) in zip(("th", *["td"] * len(lines)), lines, strict=False):
            row = "".join(
                f"<{tag}>{cell.replace(' ', FIGURE_SPACE) if tag == 'td' else cell}</{tag}>" for cell in cells
            )
            bodies += f"<tr><th style='text-align:left'>{escape(name)}</th>{row}</tr>"
        bodies += f"<tr><td colspan='6' style='text-align:left'>{left_out}</td></tr>" if left_out else ""
    caption = f"<caption style='text-align:left;white-space:nowrap'>{escape(_title(found))}</caption>"
    table = f"<table style='text-align:right;font-variant-numeric:tabular-nums'>{caption}{bodies}</table>"
    return table + "".join(f"<p>{escape(line)}</p>" for line in _closing(found) if line)


def _blocks(found: Sensitivities, most: int | None) -> Iterator[Block]:
    columns = {"mean": found.mean, "mean abs": found.mean_abs, "min": found.min, "max": found.max}
    if found.n_rows == 1:
        columns = {"slope": found.mean}
    for j in found.largest()[0]:
        ranked = largest(found.mean_abs[j], len(found.input_names))
        shown = largest(found.mean_abs[j], most)
        told = {} if found.step == UNIT else {"step": [three_digits(found.steps[k]) for k in shown]}
        for name, values in columns.items():
            signed = name != "mean abs"
            told[name] = [format(values[j, k], _form(float(found.mean_abs[j, k]), signed=signed)) for k in shown]
        cells = zip(*map(_aligned, told.values()), strict=True)
        names = [found.input_names[k] for k in shown]
        lines = [(found.output_names[j], *told), *((name, *row) for name, row in zip(names, cells, strict=True))]
        yield Block(lines, _left_out(found.mean_abs[j, ranked[len(shown) :]]))


def _aligned(numbers: Sequence[str]) -> list[str]:
    """Numbers with blanks behind them, so that their decimal points stand one below the other."""
    after = [len(number) - number.find(".") if "." in number else 0 for number in numbers]
    return [number + " " * (max(after) - n) for number, n in zip(numbers, after, strict=True)]


def _left_out(sizes: Float) -> str:
    """What is said of the inputs that the table leaves out, the largest of them first."""
    return f"... {count(len(sizes), 'input')} more, of at most {three_digits(sizes[0])}" if len(sizes) else ""


def _title(found: Sensitivities) -> str:
    others = ", the other inputs held constant," if len(found.input_names) > 1 else ""
    each = found.per.replace("the input", "each input")
    return f"The slope of each output per {each}{others} at {count(found.n_rows, 'row')}"


def _closing(found: Sensitivities) -> list[str]:
    """What was left out, and for the first three outputs a sentence about the input that matters most."""
    outputs, _ = found.largest()
    left = len(found.output_names) - len(outputs)
    notes = [f"... {count(left, 'output')} more"] if left else []
    if found.constant:
        rows = count(found.n_rows, "row")
        notes.append(f"Constant over the {rows}, so without a {found.step}: {_listed(found.constant)}.")
    said = [f"{found.sentence(j, int(np.nanargmax(found.mean_abs[j])))}." for j in outputs[:3]]
    if (found.min != found.max)[:, ~np.isnan(found.steps)].any():
        said.append(f"Slopes hold close to their rows: over a whole {found.step} an output changes by more or less.")
    return [*notes, "", *said] if notes else said


def _listed(names: tuple[str, ...]) -> str:
    """Names, of many the first five."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {count(more, 'other')}" if more > 0 else "")


def _form(size: float, *, signed: bool) -> str:
    """The format in which a number of this size shows four digits; without a -0."""
    exponent = math.floor(math.log10(size)) if size > 0 else 0
    return ("+z" if signed else "z") + (f".{max(0, 3 - exponent)}f" if -4 <= exponent <= 6 else ".3e")
