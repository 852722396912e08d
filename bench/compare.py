"""Two records side by side: what became faster or slower, and what else is different."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from records import Line, times
from tables import format_columns, format_time

HEADER = ("workload", "engine", "A", "B", "B / A", "range", "of its peak", "verdict")
MACHINE = ("cpu", "architecture", "system", "cores")  # what of a record's machine says that it is another one
SAME_PEAK = 0.1  # peaks of one machine, measured twice, differ by less than this part
Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """One engine on one workload in both records.

    The range is that of every round of B over every round of A. B is faster where its median round beats the best
    round of A, and slower the other way round; else the rounds do not tell.
    """

    before: Line
    after: Line

    @property
    def ratio(self) -> float:
        """Time of B over time of A, best rounds."""
        return self.after["us_per_step"] / self.before["us_per_step"]

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest ratio that the rounds allow."""
        a, b = self._rounds()
        return min(b) / max(a), max(b) / min(a)

    @property
    def verdict(self) -> str:
        """Return "faster", "slower", or "same" where the rounds do not tell."""
        a, b = self._rounds()
        return "faster" if median(b) < min(a) else "slower" if median(a) < min(b) else "same"

    def _rounds(self) -> tuple[list[float], list[float]]:
        return self.before["rounds_us_per_step"], self.after["rounds_us_per_step"]


def find_changes(a: Sequence[Line], b: Sequence[Line]) -> list[Change]:
    """Return what both records have timed, in the order of B."""
    before = _by_key(a)
    return [Change(before[key], line) for key, line in _by_key(b).items() if key in before]


def find_differences(a: Sequence[Line], b: Sequence[Line]) -> list[str]:
    """Return in words what else is different: the machine, versions, the work, and what only one has."""
    lines = [f"{name}: {_words(x)} -> {_words(y)}" for name, x, y in _facts(a, b) if x != y]
    changes = find_changes(a, b)
    lines += [_work_change(change) for change in changes if _what(change.before) != _what(change.after)]
    for name, has, lacks in (("A", a, b), ("B", b, a)):
        only = _only_in(_by_key(has), _by_key(lacks))
        lines += [f"only in {name}: {', '.join(only)}"] if only else []
    return lines


def _only_in(has: Collection[Key], lacks: Collection[Key]) -> list[str]:
    """Return the workloads that only the first has, and "workload engine" where the second has other engines."""
    known = {workload for workload, _ in lacks}
    missing = [key for key in has if key not in lacks]
    return list(
        dict.fromkeys(f"{workload} {engine}" if workload in known else workload for workload, engine in missing)
    )


def are_comparable(a: Sequence[Line], b: Sequence[Line]) -> bool:
    """Whether times can be compared: the same machine, as far as records tell, used in the same way."""
    first, second = a[0], b[0]
    peaks = [line.get("peak_gflops") for line in (first, second)]
    is_other_peak = all(peaks) and abs(peaks[1] / peaks[0] - 1) > SAME_PEAK
    is_same_use = all(first.get(key) == second.get(key) for key in ("dtype", "threads"))
    return is_same_use and not is_other_peak and all(first["machine"][k] == second["machine"][k] for k in MACHINE)


def format_changes(changes: Sequence[Change]) -> str:
    """Return the table."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for change in changes:
        groups.setdefault(change.after["workload"], []).append(_cells(change))
    return format_columns(HEADER, list(groups.values()), left=(0, 1, 7))


def _by_key(record: Sequence[Line]) -> dict[Key, Line]:
    return {(line["workload"], line["engine"]): line for line in times(record)}


def _cells(change: Change) -> tuple[str, ...]:
    low, high = change.range
    return (
        change.after["workload"],
        change.after["engine"],
        format_time(change.before["us_per_step"]),
        format_time(change.after["us_per_step"]),
        f"{change.ratio:.2f}x",
        f"{low:.2f} to {high:.2f}",
        f"{_percent(change.before)} -> {_percent(change.after)}",
        change.verdict,
    )


def _percent(line: Line) -> str:
    percent = line.get("percent_of_peak")
    return "-" if percent is None else f"{percent:.1f} %"


def _facts(a: Sequence[Line], b: Sequence[Line]) -> list[tuple[str, object, object]]:
    """Return what stands in every line of a record, as (name, in A, in B)."""
    first, second = a[0], b[0]
    facts = [(key, first.get(key), second.get(key)) for key in ("source", "isa", "dtype", "threads")]
    for part in ("machine", "versions"):
        facts += [(key, first[part].get(key), second[part].get(key)) for key in {**first[part], **second[part]}]
    return [*facts, ("peak, GFLOP/s", first.get("peak_gflops"), second.get("peak_gflops"))]


def _words(value: object) -> str:
    return "-" if value is None else str(value)


def _what(line: Line) -> tuple[str, str, str]:
    """Return what was timed: the work, in which form, and how far from the definition."""
    return line["work"], line["form"], line["note"]


def _work_change(change: Change) -> str:
    pairs = zip(_what(change.before), _what(change.after), strict=True)
    words = "; ".join(f"{_words(x or None)} -> {_words(y or None)}" for x, y in pairs if x != y)
    return f"{change.after['workload']} {change.after['engine']}: {words}"
