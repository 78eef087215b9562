"""Formulas written as MathML at build: a browser shows them without a script or a network."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

_LONG = 45  # letters of TeX: a longer formula may be wider than a phone


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the renderer ``mathml``."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    tex = node.astext()
    wide = ' class="wide-formula" tabindex="0"' if len(tex) > _LONG else ""
    _write(translator, node, f"<span{wide}>{{}}</span>", "inline")


def _visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    _write(translator, node, '<div class="wide-formula" tabindex="0">{}</div>\n', "block")


def _write(translator: HTML5Translator, node: nodes.Element, around: str, display: str) -> None:
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert
    from sphinx.util import logging

    tex = node.astext()
    try:
        maths = convert(tex, display=display)
    except Exception as error:  # of many kinds, some of them its own
        logging.getLogger(__name__).warning(
            "This formula cannot be read (%r): %s", error, tex, location=node
        )
        maths = f"<code>{html.escape(tex)}</code>"
    translator.body.append(around.format(maths))
    raise SkipNode
