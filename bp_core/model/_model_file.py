"""Model files: a network file with the columns, the target and the record in its metadata."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

from bp_core import _file
from bp_core.model._columns import CategoryColumn, Column, NumberColumn
from bp_core.model._record import Record
from bp_core.model._target import ClassTarget, NumberTarget, Target
from bp_core.network import Network

COLUMN_KINDS = {"number": NumberColumn, "category": CategoryColumn}
TARGET_KINDS = {"classes": ClassTarget, "numbers": NumberTarget}


def save(
    path: str | os.PathLike[str], network: Network, columns: tuple[Column, ...], target: Target, record: Record
) -> None:
    """Write a model file, in one piece or not at all."""
    described = {
        "columns": [_described(column, COLUMN_KINDS) for column in columns],
        "target": _described(target, TARGET_KINDS),
        "record": record.to_dict(),
    }
    _file.save(path, network._contents()._replace(model=described))


def _described(thing: Any, kinds: dict[str, type]) -> dict[str, Any]:
    (kind,) = (name for name, cls in kinds.items() if isinstance(thing, cls))
    return {"kind": kind, **thing.__dict__}


def load(path: str | os.PathLike[str]) -> tuple[Network, tuple[Column, ...], Target, Record]:
    """Read a model file; what it says is checked before it is believed."""
    contents = _file.load(path, _file.MODEL)
    network, described = Network._from_contents(contents, path), contents.model or {}
    try:
        columns = tuple(_made(found, COLUMN_KINDS) for found in described["columns"])
        target = _made(described["target"], TARGET_KINDS)
        record = Record.from_dict(described["record"])
        _check_names(columns, target)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path} is damaged: its description of the model is not one ({error})") from None
    n_in = sum(len(column.units) for column in columns)
    if network.output != target.output:
        raise ValueError(f"{path} is damaged: its network ends in {network.output}, its target needs {target.output}")
    if (n_in, target.n_outputs) != (network.layer_sizes[0], network.layer_sizes[-1]):
        raise ValueError(
            f"{path} is damaged: its columns mean {n_in} inputs and {target.n_outputs} outputs, its network has "
            f"{network.layer_sizes[0]} and {network.layer_sizes[-1]}"
        )
    return network, columns, target, record


def _check_names(columns: tuple[Column, ...], target: Target) -> None:
    names = [target.name, *(column.name for column in columns)]
    if len(set(names)) < len(names):
        raise ValueError("a name comes twice")


def _made(found: dict[str, Any], kinds: dict[str, type]) -> Any:
    """A column or target of its description, once every field is what it should be."""
    cls = kinds[found["kind"]]
    fields = {name: value for name, value in found.items() if name != "kind"}
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    for name, value in fields.items():
        if not _FITS[name](value):
            raise TypeError(f"{name} is {value!r}")
    return cls(**fields)


def _are_names(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(map(_is_text, value)) and len(set(value)) == len(value)


def _is_text(value: object) -> bool:
    """A text that can be written: no half of a character."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode("utf-8") == value


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


_FITS: dict[str, Callable[[Any], bool]] = {
    "name": _is_text,
    "mean": _is_finite,
    "std": lambda value: _is_finite(value) and value > 0,
    "imputes": lambda value: isinstance(value, bool),
    "numeric": lambda value: isinstance(value, bool),
    "categories": _are_names,
    "classes": _are_names,
}
"""What each field of a column or target must be."""
