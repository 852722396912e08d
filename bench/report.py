"""Rows out: the table on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rows import Row
from tables import format_columns, format_time

HEADER = ("workload", "engine", "time", "samples/s", "GFLOP/s", "% peak", "spread", "core", "MB", "ratio")
LEFT = (0, 1, 9)  # columns of words


def format_table(rows: Sequence[Row]) -> str:
    """Return the table: one line per workload and engine, in the engine's best form, and the notes below it."""
    shown = [row for row in rows if row.is_shown]
    groups = [
        [_cells(row) for row in shown if row.workload == name] for name in dict.fromkeys(r.workload for r in shown)
    ]
    lines = [format_columns(HEADER, groups, LEFT)]
    notes = [
        f"* {', '.join(_workloads_with(note, shown))}: {note}"
        for note in dict.fromkeys(r.note for r in shown if r.note)
    ]
    hidden = [row for row in rows if not row.is_shown and row.status != "ok"]
    notes += [f"{row.workload}: {row.engine} ({row.form}): {_reason(row)}" for row in hidden]
    dropped = list(dict.fromkeys(row.workload for row in shown if "dropout" in row.work))
    if dropped:
        notes.append(
            f"{', '.join(dropped)}: no two engines drop the same units. Checked without dropout to the last parameter; "
            "with it, the loss after a timed call against that of trainings by the reference"
        )
    if any(row.us_per_step and row.core_was_shared for row in shown):
        notes.append(
            "? core below 95 %: other programs ran on it, and a time is too long; measure again on a quiet machine"
        )
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _workloads_with(note: str, rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.workload for row in rows if row.note == note))


def _cells(row: Row) -> tuple[str, ...]:
    """Return the row's cells; a row without a right answer has its reason in place of figures."""
    name = f"{row.engine} ({row.form}){' *' if row.note else ''}"
    if row.us_per_step is None:
        return (row.workload, name, _reason(row))
    return (
        row.workload,
        name,
        format_time(row.us_per_step),
        f"{row.samples_per_s:,.0f}",
        f"{row.gflops:.3g}",
        "-" if row.percent_of_peak is None else f"{row.percent_of_peak:.1f}",
        f"{100 * row.spread:.0f} %",
        f"{100 * row.core_share:.0f} %",
        "-" if row.memory_mb is None else f"{row.memory_mb:.0f}",
        _ratio(row),
    )


def _reason(row: Row) -> str:
    """Return why there is no time."""
    return f"{row.status}: {row.message}"


def _ratio(row: Row) -> str:
    """Return "1.90x [1.85, 1.97]", starred where the engine does other work, doubted where the core was shared."""
    if row.ratio_to_bp_core is None or (row.engine == "bp_core" and row.is_best_form):
        return "-"
    marks = (" *" if row.note else "") + (" ?" if row.core_was_shared else "")
    return f"{_times(row.ratio_to_bp_core)}x [{', '.join(map(_times, row.ratio_range))}]{marks}"


def _times(ratio: float) -> str:
    """Return a ratio with three digits, and none behind the point above a hundred."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"
