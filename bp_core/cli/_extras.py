"""What the extra ``cli`` brings, asked for when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ._errors import CommandError


def need(module: str, purpose: str, extra: str = "bp-core[cli]") -> Any:
    """Import a module; CommandError with what to install where it is missing."""
    try:
        return import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise CommandError(f'{purpose} needs {package}, which is not here: pip install "{extra}"') from None
