"""What commands print: tables and facts for people, JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bp_core.model import ClassScores, NumberScores

from ._extras import need

MOST_CLASSES = 10
MOST_CONFUSIONS = 15


def print_json(found: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json_text(found), end="")


def json_text(found: dict[str, Any]) -> str:
    """Return a JSON object as lines; what is no number becomes null."""
    return json.dumps(_plain(found), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns."""
    table = need("rich.table", "printing").Table.grid(padding=(0, 2))
    text = need("rich.text", "printing").Text
    for name, value in facts:
        table.add_row(text(name, style="bold"), text(value))
    _print(table)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[int] = (0,)) -> None:
    """Print a table; columns in ``left`` are set to the left, the others to the right."""
    text = need("rich.text", "printing").Text
    table = need("rich.table", "printing").Table(box=need("rich.box", "printing").SIMPLE_HEAD, pad_edge=False)
    for k, name in enumerate(columns):
        table.add_column(text(name), justify="left" if k in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(text, row))
    _print(table)


def _print(what: Any) -> None:
    """Print as wide as the terminal is, in colour only there; without the spaces that fill a line."""
    console = need("rich.console", "printing").Console(highlight=False)
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        print(line.rstrip())


def print_confusion(scores: ClassScores) -> None:
    """Print how often each class was taken for which, or of many classes the pairs most often confused."""
    if len(scores.classes) <= MOST_CLASSES:
        rows = [
            [name, *map(str, counts)] for name, counts in zip(scores.classes, scores.confusion.tolist(), strict=True)
        ]
        print_table(["true \\ predicted", *scores.classes], rows)
        return
    pairs = [
        (n, true, predicted)
        for true, counts in zip(scores.classes, scores.confusion.tolist(), strict=True)
        for predicted, n in zip(scores.classes, counts, strict=True)
        if n and true != predicted
    ]
    pairs.sort(key=lambda pair: -pair[0])
    print_table(["true", "predicted", "rows"], [[t, p, str(n)] for n, t, p in pairs[:MOST_CONFUSIONS]], left=(0, 1))


def scores_in_words(scores: ClassScores | NumberScores | None) -> str:
    """Scores as a line."""
    return "none: no rows were held out" if scores is None else str(scores)


def seconds(value: float) -> str:
    """A time as people read it."""
    if value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 100 else f"{value / 60:.3g} min"
