"""Lines as plain text."""

from __future__ import annotations

from collections.abc import Iterable

from bp_core.explain._lines import Line, Part, Section

INDENT = "  "


def sections_text(sections: Iterable[Section]) -> str:
    """Sections one below the other, an empty line between two."""
    return "\n\n".join(section_text(section) for section in sections)


def section_text(section: Section) -> str:
    """A title and its lines, indented."""
    return "\n".join([_joined(section.title), *(INDENT + line for line in _written(section.lines))])


def _written(lines: Iterable[Line]) -> list[str]:
    """Each line; an equation that goes on stands below the one above."""
    found, margin = [], 0
    for line in lines:
        margin = len(line.name) or margin
        before = INDENT * line.indent
        left = f"{line.name or ' ' * margin} {line.sign} " if line.sign else ""
        found.append(f"{before}{left}{_joined(line.parts)}")
    return found


def _joined(parts: tuple[Part, ...]) -> str:
    return "".join(parts)
