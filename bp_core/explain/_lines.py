"""Lines of mathematics and words: what every form of an explanation is written from."""

from __future__ import annotations

from typing import NamedTuple


class Math(str):
    """A formula, as text writes it."""

    __slots__ = ()


Part = str
"""A piece of a line: :class:`Math`, or words."""


class Line(NamedTuple):
    """One line: an equation ``name sign parts``, or without a sign the parts alone.

    An equation without a name goes on with the one above.
    """

    parts: tuple[Part, ...]
    name: str = ""
    sign: str = ""
    indent: int = 0


class Section(NamedTuple):
    """A title and lines; one that is ``folded`` may be opened where the form can."""

    title: tuple[Part, ...]
    lines: list[Line]
    folded: bool = False


def words(text: str, indent: int = 0) -> Line:
    """A line of words."""
    return Line((text,), indent=indent)


def equation(name: str, *sides: str, note: str = "") -> Line:
    """An equation in one line: ``name = side = side``, and what is said of it."""
    said = (f", {note}",) if note else ()
    return Line((Math(" = ".join(sides)), *said), name, "=")
