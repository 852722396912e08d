"""Self-contained HTML pages: one file that needs no network, its data inside.

A page is put together from ``<name>.html`` (what stands in its body), ``shared.css`` and ``<name>.css``, and the
scripts listed in ``SCRIPTS``, of which the first are shared. They find their data as ``DATA``.
"""

from __future__ import annotations

import html
import json
import os
from importlib.resources import files
from typing import Any

from bp_core._file import write_whole

SCRIPTS = {
    "replay": ("shared", "network", "chart", "unpack", "surface", "points", "words", "replay"),
    "explanation": ("shared", "network", "formula", "explanation"),
}
"""The scripts of each page, in their order."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""Holds the browser to what the pages promise: nothing is fetched from anywhere."""

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
{body}
<script type="application/json" id="data">{data}</script>
<script>
"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);
{script}</script>
</body>
</html>
"""


def fill(name: str, title: str, data: dict[str, Any]) -> str:
    """Return the page ``name`` with its data, which must be what JSON can hold; NaN and infinity are not."""
    return FRAME.format(
        policy=POLICY,
        title=html.escape(title),
        style=_part("shared.css") + _part(f"{name}.css"),
        body=_part(f"{name}.html"),
        data=_script_text(data),
        script="".join(_part(f"{script}.js") for script in SCRIPTS[name]),
    )


def save(path: str | os.PathLike[str], page: str) -> None:
    """Write a page, in one piece or not at all."""
    write_whole(path, page.encode("utf-8"))


def _part(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _script_text(data: dict[str, Any]) -> str:
    """JSON that no text inside it can break out of."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
