"""Lines as a piece of HTML, as notebooks show it: light or dark as they are, nothing to load."""

from __future__ import annotations

import html
from collections.abc import Iterable

from bp_core.explain._lines import Line, Math, Part, Section
from bp_core.explain._notation import to_html

STYLE = """<style>
.bp-explanation { line-height: 1.6; }
.bp-explanation summary { cursor: pointer; }
.bp-explanation .bp-lines { margin: 0.2em 0 0.8em 1.2em; }
</style>
"""


def sections_html(sections: Iterable[Section]) -> str:
    """Sections one below the other; folded ones open at a click."""
    return f'<div class="bp-explanation">\n{STYLE}' + "\n".join(map(_section, sections)) + "\n</div>"


def _section(section: Section) -> str:
    title, lines = _joined(section.title), "\n".join(map(_line, section.lines))
    body = f'<div class="bp-lines">\n{lines}\n</div>' if section.lines else ""
    if section.folded:
        return f"<details><summary>{title}</summary>\n{body}</details>"
    return f"<div><b>{title}</b></div>\n{body}"


def _line(line: Line) -> str:
    margin = 1.2 * line.indent + (1.2 if line.sign and not line.name else 0)
    left = f"{to_html(line.name)} {to_html(line.sign)} " if line.sign else ""
    return f'<div style="margin-left: {margin:.1f}em">{left}{_joined(line.parts)}</div>'


def _joined(parts: tuple[Part, ...]) -> str:
    return "".join(to_html(part) if isinstance(part, Math) else _words(part) for part in parts)


def _words(text: str) -> str:
    return html.escape(text).replace("  ", "&emsp;")
