"""Model files as a command line meets them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import bp_core as bp
from bp_core import _file

from ._errors import CommandError

if TYPE_CHECKING:
    from bp_core.model import Model


def load_model(path: str) -> Model:
    """Load a model; CommandError for a network alone."""
    found = load_any(path)
    if isinstance(found, bp.Network):
        raise CommandError(f"{path} holds a network without columns or classes; expected a model of bp-core train")
    return found


def load_any(path: str) -> Model | bp.Network:
    """Load a model, or a network."""
    if _file.read_format(path) == _file.NETWORK:
        return bp.Network.load(path)
    return bp.Model.load(path)


def check_writable(path: str) -> None:
    """Raise OSError where a file surely cannot be written: better before a training than after it."""
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "there is no such folder to write to", path)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
