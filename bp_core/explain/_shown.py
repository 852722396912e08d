"""What can be shown as text, in a notebook and in LaTeX: everything that is a section of lines."""

from __future__ import annotations

from bp_core.explain._html import sections_html
from bp_core.explain._latex import section_latex
from bp_core.explain._lines import Section
from bp_core.explain._text import section_text


class Shown:
    """Has one section, in three forms."""

    def _section(self) -> Section:
        """Return the title and the lines."""
        raise NotImplementedError

    def __str__(self) -> str:
        return section_text(self._section())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self).splitlines()[0]}>"

    def _repr_html_(self) -> str:
        return sections_html([self._section()._replace(folded=False)])

    def to_latex(self) -> str:
        """Return it in LaTeX; it needs the package amsmath."""
        return section_latex(self._section())
