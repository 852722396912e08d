"""The picture of a record: how many times longer than bp_core each peer takes."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pictures import save_picture
from records import Line, NoRecord, times
from rows import ratio_range
from tables import format_time

# The colours of Okabe and Ito, which differ in brightness too; the bars of a group stand in the order of the legend.
PEERS = {
    "jax": ("JAX, every step in one lax.scan", "#0072B2"),
    "torch": ("PyTorch, the faster of eager and compiled", "#D55E00"),
    "sklearn": ("scikit-learn", "#E69F00"),
    "numpy": ("NumPy, by hand", "#999999"),
    "fann": ("FANN", "#009E73"),
    "onnxruntime": ("ONNX Runtime", "#CC79A7"),
}
LEFT_OUT = {"W5-32", "W5-45", "W5-64", "W5-128"}  # much like W5-46 and W5-256
BAR, GAP = 1.0, 0.9  # heights of a bar and of the space between two groups
TALL = 40.0  # above this height the bars stand in two columns


@dataclass(frozen=True)
class Bar:
    """One peer on one workload: its time over that of bp_core, with the range over the rounds."""

    peer: str
    ratio: float
    range: tuple[float, ...]
    is_other_work: bool


@dataclass(frozen=True)
class Group:
    """The bars of one workload, and its two lines of words."""

    kind: str
    label: str
    bars: list[Bar]


def make_groups(record: Sequence[Line], only: Collection[str] | None = None) -> list[Group]:
    """Return the groups of a record: of the workloads in `only`, else of all but the ones much like another."""
    groups = []
    for workload in dict.fromkeys(line["workload"] for line in times(record)):
        if workload not in only if only else workload in LEFT_OUT:
            continue
        lines = {line["engine"]: line for line in times(record) if line["workload"] == workload}
        bp_core = lines.get("bp_core")
        bars = [_bar(lines[peer], bp_core) for peer in PEERS if peer in lines and bp_core]
        if bars:
            groups.append(Group(bp_core["kind"], _label(bp_core), bars))
    return groups


def draw_chart(record: Sequence[Line], path: Path, only: Collection[str] | None = None) -> None:
    """Draw the picture into `path`; its ending says in which format.

    Raises
    ------
    NoRecord
        If the record holds no peer beside bp_core.
    """
    groups = make_groups(record, only)
    if not groups:
        raise NoRecord("this record holds no time of a peer beside one of bp_core")
    from matplotlib.figure import Figure

    columns = _columns(groups)
    tallest = max(sum(map(_height, column)) for column in columns)
    figure = Figure(figsize=(1.5 + 5.5 * len(columns), 1.7 + 0.155 * tallest), layout="constrained")
    grid = figure.add_gridspec(1, len(columns))
    for place, column in enumerate(columns):
        cells = grid[place].subgridspec(len(column), 1, height_ratios=list(map(_height, column)))
        for row, panel in enumerate(column):
            axes = figure.add_subplot(cells[row])
            _draw_panel(axes, panel)
            _set_scale(axes, groups)
    figure.legend(handles=_legend(groups), loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    figure.supxlabel(_caption(record[0], groups), fontsize=7)
    save_picture(figure, path)


def _height(groups: Sequence[Group]) -> float:
    return sum(len(group.bars) * BAR + GAP for group in groups)


def _columns(groups: Sequence[Group]) -> list[list[list[Group]]]:
    """Return one column of panels, or two where the picture would be tall; a panel holds groups of one kind."""
    ordered = sorted(groups, key=lambda group: group.kind != "training")
    if _height(ordered) <= TALL:
        return [_panels(ordered)]
    cut = next(n for n in range(len(ordered)) if _height(ordered[:n]) >= _height(ordered) / 2)
    return [_panels(ordered[:cut]), _panels(ordered[cut:])]


def _panels(groups: Sequence[Group]) -> list[list[Group]]:
    kinds = dict.fromkeys(group.kind for group in groups)
    return [[group for group in groups if group.kind == kind] for kind in kinds]


def _bar(line: Line, bp_core: Line) -> Bar:
    rounds = ratio_range(line["rounds_us_per_step"], bp_core["rounds_us_per_step"])
    return Bar(line["engine"], line["us_per_step"] / bp_core["us_per_step"], rounds, bool(line["note"]))


def _label(line: Line) -> str:
    """Return name, sizes and batch size, and the time of bp_core below."""
    sizes = line["work"].split(",", 1)[0]
    batch = re.search(r"batch \d+|one row|\d+ rows(?= in a call)", line["work"])
    name = line["workload"]
    words = [name] if sizes in name else [f"{name}: {sizes}", batch.group() if batch else ""]
    return f"{', '.join(filter(None, words))}\nbp_core {format_time(line['us_per_step'])}"


def _draw_panel(axes: Any, groups: Sequence[Group]) -> None:
    """Draw bars of one kind of work, the first group on top; a bar starts at 1, where bp_core is."""
    top, ticks = 0.0, []
    for group in groups:
        for number, bar in enumerate(group.bars):
            _draw_bar(axes, top + (number + 0.5) * BAR, bar)
        ticks.append(top + len(group.bars) * BAR / 2)
        top += len(group.bars) * BAR + GAP
    axes.set_ylim(top - GAP / 2, -GAP / 2)
    axes.set_yticks(ticks, [group.label for group in groups], fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.set_title(
        {"training": "a step of training", "prediction": "a call that predicts"}[groups[0].kind], fontsize=9, loc="left"
    )
    axes.axvline(1, color="black", linewidth=1)
    axes.grid(axis="x", which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_bar(axes: Any, y: float, bar: Bar) -> None:
    axes.barh(y, bar.ratio - 1, left=1, height=0.9 * BAR, color=PEERS[bar.peer][1])
    if bar.range:
        axes.plot(bar.range, [y, y], color="black", linewidth=0.8)
    words = f"{bar.ratio:.2f}x" if bar.ratio < 10 else f"{bar.ratio:.0f}x"
    end = max(bar.ratio, 1, *bar.range)
    axes.annotate(
        words + (" *" if bar.is_other_work else ""),
        (end, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=6.5,
    )  # fmt: skip


def _set_scale(axes: Any, groups: Sequence[Group]) -> None:
    """Set a logarithmic scale with plain numbers, and room for the numbers beside the bars."""
    from matplotlib.ticker import FuncFormatter

    ratios = [bar.ratio for group in groups for bar in group.bars]
    axes.set_xscale("log")
    axes.set_xlim(min(0.8, 0.8 * min(ratios)), 2 * max(ratios))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}x"))
    axes.tick_params(axis="x", labelsize=8)


def _legend(groups: Sequence[Group]) -> list[Any]:
    from matplotlib.patches import Patch

    present = {bar.peer for group in groups for bar in group.bars}
    return [Patch(color=color, label=label) for peer, (label, color) in PEERS.items() if peer in present]


def _caption(line: Line, groups: Sequence[Group]) -> str:
    """Return what the scale means, and where and when it was measured."""
    cores = "one core" if line["threads"] == 1 else f"{line['threads']} cores"
    peers = {bar.peer for group in groups for bar in group.bars}
    versions = ", ".join(
        f"{name} {version}" for name, version in line["versions"].items() if name in {"bp_core", *peers}
    )
    lines = [
        "times as long as bp_core (logarithmic; best round, and a line over the range of all rounds)",
        f"{line['machine']['cpu']}, {line['isa']}, {line['dtype']}, {cores}, {line['date'][:10]}",
        versions,
    ]
    if any(bar.is_other_work for group in groups for bar in group.bars):
        lines.append("* cannot do exactly this work and does the nearest: see bench/README.md")
    return "\n".join(lines)
