"""Formulas as MathML, which browsers draw by themselves: no script, no font and no network is needed.

docutils translates the LaTeX; Sphinx hands each formula over.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def translate(node: nodes.math | nodes.math_block, *, as_block: bool) -> str:
    try:
        found = str(tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        raise ExtensionError(f"{node.source}: the formula {node.astext()!r} is not understood: {error}") from None
    # A bar around a value is no relation, as which browsers take it.
    return found.replace("<mo>|</mo>", '<mo stretchy="false" lspace="0" rspace="0">|</mo>')


def visit_math(translator: Any, node: nodes.math) -> None:
    translator.body.append(translate(node, as_block=False))
    raise nodes.SkipNode


def visit_math_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math-block">{translate(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
