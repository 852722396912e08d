"""What the pictures share: whether they can be drawn, and how they are saved."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def save_picture(figure: Any, path: Path) -> None:
    """Save a figure of matplotlib; the same figure gives the same file, whose ending says in which format."""
    from matplotlib import rc_context

    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with rc_context({"svg.hashsalt": "bench"}):
        figure.savefig(path, dpi=150, facecolor="white", metadata=metadata)
