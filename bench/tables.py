"""Text tables, and the times in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Cells = Sequence[str]


def format_columns(header: Cells, groups: Sequence[Sequence[Cells]], left: Collection[int]) -> str:
    """Return header and rows in columns, an empty line between groups.

    Columns in `left` are set to the left, the others to the right. A row shorter than the header ends in words that
    run over the columns it lacks.
    """
    rows = [row for group in groups for row in group]
    widths = [max(len(row[c]) for row in [header, *rows] if _sets_width(row, c, header)) for c in range(len(header))]
    lines = [_line(header, widths, left), "  ".join("-" * width for width in widths)]
    for number, group in enumerate(groups):
        lines += [""] * (number > 0) + [_line(row, widths, left) for row in group]
    return "\n".join(lines)


def _sets_width(row: Cells, column: int, header: Cells) -> bool:
    """Whether the row has this column, other than by running words."""
    return column < len(row) - (len(row) < len(header))


def _line(row: Cells, widths: Sequence[int], left: Collection[int]) -> str:
    cells = list(row)
    words = [cells.pop()] if len(row) < len(widths) else []
    columns = enumerate(zip(cells, widths, strict=False))
    return "  ".join([cell.ljust(w) if c in left else cell.rjust(w) for c, (cell, w) in columns] + words).rstrip()


def format_time(us: float) -> str:
    """Return microseconds with three digits or four, as ms where that reads better."""
    return f"{us / 1000:.3g} ms" if us >= 10_000 else f"{us:.3f} us" if us < 1 else f"{us:.4g} us"
