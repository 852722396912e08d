r"""Lines in LaTeX, with nothing but amsmath."""

from __future__ import annotations

from collections.abc import Iterable

from bp_core.explain._lines import Line, Math, Part, Section
from bp_core.explain._notation import to_latex

DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath}
\usepackage[landscape,margin=12mm]{geometry}
\allowdisplaybreaks
\begin{document}
\footnotesize
%s
\end{document}
"""

LONGEST = 150
"""Characters of a formula that fit a line of the document."""


def sections_latex(sections: Iterable[Section], document: bool = False) -> str:
    """Sections one below the other; with ``document`` ready to be compiled."""
    text = "\n".join(section_latex(section) for section in sections)
    return DOCUMENT % text if document else text


def section_latex(section: Section) -> str:
    """A title, and its lines aligned at their signs of equality."""
    title = "".join(f"${to_latex(part)}$" if isinstance(part, Math) else _plain(part) for part in section.title)
    lines = [written for line in section.lines for written in _line(line)]
    body = " \\\\\n".join(lines)
    return f"\\subsection*{{{title}}}" + (f"\n\\begin{{align*}}\n{body}\n\\end{{align*}}" if lines else "")


def _line(line: Line) -> list[str]:
    """A line of align*, or several where it is too long for one."""
    if not line.sign:
        return [f"&{_joined(line.parts)}"]
    sign = {"<-": r"\leftarrow"}.get(line.sign, line.sign)
    first, *more = _broken(line.parts)
    return [f"{to_latex(line.name)} &{sign} {_joined(first)}", *(f"&= {_joined(part)}" for part in more)]


def _broken(parts: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    """A long equation in pieces, at its signs of equality."""
    first, *others = parts
    if len(first) <= LONGEST or not isinstance(first, Math):
        return [parts]
    *sides, last = [Math(side) for side in first.split(" = ")]
    return [*((side,) for side in sides), (last, *others)]


def _joined(parts: tuple[Part, ...]) -> str:
    return "".join(to_latex(part) if isinstance(part, Math) else f"\\text{{{_plain(part)}}}" for part in parts)


def _plain(words: str) -> str:
    words = words.replace("_", r"\_").replace("->", "to").replace("  ", r"\quad ")
    return words.replace("...", r"\ldots ")
