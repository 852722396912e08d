"""Rows out: the table on the screen and the dated record in `record/`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from engines import ENGINES
from machine import HERE, describe_machine, source_version
from rows import Row, as_record

HEADER = ("workload", "engine", "time/step", "samples/s", "GFLOP/s", "% peak", "spread", "core", "ratio")


def format_table(rows: Sequence[Row]) -> str:
    """Return the table: one line per workload and engine, in the engine's best form, and the notes below it."""
    shown = [row for row in rows if row.is_best_form]
    cells = [HEADER, *(_cells(row) for row in shown)]
    widths = [max(len(line[column]) for line in cells if column < 2 or line[-1]) for column in range(len(HEADER))]
    lines = [_aligned(line, widths) for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for previous, row in reversed(list(enumerate(shown[1:], start=2))):
        if shown[previous - 2].workload != row.workload:
            lines.insert(previous + 1, "")
    notes = [*dict.fromkeys(f"* {row.workload}: {row.note}" for row in shown if row.note)]
    hidden = [row for row in rows if not row.is_best_form and row.status != "ok"]
    notes += [f"{row.workload}: {row.engine} ({row.form}): {_reason(row)}" for row in hidden]
    if any(row.us_per_step and row.core_was_shared for row in shown):
        notes.append(
            "? core below 95 %: other programs ran on it, and a time is too long; measure again on a quiet machine"
        )
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _cells(row: Row) -> tuple[str, ...]:
    """Return the row's cells; a row without a right answer has its reason in place of figures."""
    name = f"{row.engine} ({row.form}){' *' if row.note else ''}"
    if row.us_per_step is None:
        return (row.workload, name, _reason(row), *[""] * 6)
    return (
        row.workload,
        name,
        _time(row.us_per_step),
        f"{row.samples_per_s:,.0f}",
        f"{row.gflops:.3g}",
        "-" if row.percent_of_peak is None else f"{row.percent_of_peak:.1f}",
        f"{100 * row.spread:.0f} %",
        f"{100 * row.core_share:.0f} %",
        _ratio(row),
    )


def _reason(row: Row) -> str:
    """Return why there is no time."""
    if row.status == "wrong answer":
        losses = f"loss {row.loss:.6g}, expected {row.expected_loss:.6g}, way off by {row.path_error:.1e}"
        return f"wrong answer: {losses} ({row.message})"
    return f"failed: {row.message}"


def _ratio(row: Row) -> str:
    """Return "jax / bp_core = 1.90x", starred where the engine does other work, doubted where the core was shared."""
    if row.ratio_to_bp_core is None or row.engine == "bp_core":
        return "-"
    marks = (" *" if row.note else "") + (" ?" if row.core_was_shared else "")
    return f"{row.engine} / bp_core = {row.ratio_to_bp_core:.2f}x{marks}"


def _time(us: float) -> str:
    """Return microseconds with three digits, as ms where that reads better."""
    return f"{us / 1000:.3g} ms" if us >= 10_000 else f"{us:.3f} us" if us < 1 else f"{us:.4g} us"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return one line: names and ratio to the left, figures to the right; a reason runs over the empty cells."""
    if len(cells) > 3 and not any(cells[3:]):
        return "  ".join((cells[0].ljust(widths[0]), cells[1].ljust(widths[1]), cells[2]))
    columns = list(zip(cells, widths, strict=True))
    left, right, last = columns[:2], columns[2:-1], columns[-1]
    parts = [c.ljust(w) for c, w in left] + [c.rjust(w) for c, w in right] + [last[0]]
    return "  ".join(parts).rstrip()


def write_record(rows: Sequence[Row], folder: Path = HERE / "record") -> Path:
    """Write one line of JSON per measured row into a file named by the date, and return its path."""
    now = datetime.now(UTC)
    machine = describe_machine()
    versions = {name: engine.version for name, engine in ENGINES.items() if engine.version}
    head = {"date": now.isoformat(timespec="seconds"), "source": source_version()}
    head |= {"machine": machine, "versions": versions}
    isa = next((row.isa for row in rows if row.isa), None)
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y-%m-%d-%H%M%S}.jsonl"
    lines = [json.dumps(head | as_record(row) | {"isa": isa}) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path
