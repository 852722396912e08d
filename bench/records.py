"""The dated records in `record/`: one file a run, one line of JSON for each row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engines import ENGINES
from machine import HERE, describe_machine, source_version
from rows import Row, as_record

FOLDER = HERE / "record"
Line = dict[str, Any]


class NoRecord(Exception):
    """There is no such record, or nothing in it that is asked for; the message says what."""


def write_record(rows: Sequence[Row], startup: Sequence[Line] = (), folder: Path = FOLDER) -> Path:
    """Write rows and start-up figures into a file named by the date, and return its path."""
    now = datetime.now(UTC)
    versions = {name: engine.version for name, engine in ENGINES.items() if engine.version}
    isa = next((row.isa for row in rows if row.isa), None)
    head = {"date": now.isoformat(timespec="seconds"), "source": source_version()}
    head |= {"machine": describe_machine(), "versions": versions}
    lines = [head | as_record(row) | {"isa": isa} for row in rows]
    lines += [head | {"kind": "startup"} | line for line in startup]
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y-%m-%d-%H%M%S}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read_record(path: Path) -> list[Line]:
    """Return the lines of a record; what records of former days lack is filled in."""
    lines = [json.loads(text) for text in path.read_text().splitlines() if text.strip()]
    if not lines:
        raise NoRecord(f"{path}: an empty record")
    return [{"kind": "training", "threads": 1} | line for line in lines]


def times(record: Sequence[Line]) -> list[Line]:
    """Return the rows that hold a time, each engine in its best form."""
    return [line for line in record if line.get("us_per_step") and line["is_best_form"]]


def find_record(name: str, folder: Path = FOLDER) -> Path:
    """Return the path of a record: a path, a name in `record/`, "latest" or "previous".

    Raises
    ------
    NoRecord
        If there is none.
    """
    records = sorted(folder.glob("*.jsonl"))
    back = {"latest": 1, "previous": 2}.get(name)
    if back is not None and len(records) >= back:
        return records[-back]
    for path in (Path(name), folder / name, folder / f"{name}.jsonl"):
        if back is None and path.is_file():
            return path
    raise NoRecord(f"{name}: no such record; there are {', '.join(path.stem for path in records) or 'none'}")
