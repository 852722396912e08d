"""Cost against width, depth, batch, rows and threads: bp_core's time beside what the machine allows."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bandwidth import measure_bandwidth
from definitions import Training
from engines import ENGINES
from machine import usable_cores
from peak import Peak, build_peak
from pictures import save_picture
from rows import Row, make_rows
from runner import Settings, run_workload
from scaling_work import SERIES, Series, bytes_per_step
from tables import format_columns, format_time

HEADER = ("series", "at", "time/step", "flops / peak", "bytes / bandwidth", "% peak", "spread", "core", "a row")


@dataclass(frozen=True)
class Point:
    """One measurement, and the two times of the model in microseconds (None where the peak is not measured)."""

    series: str
    at: int
    row: Row
    flops_us: float | None
    bytes_us: float


@dataclass(frozen=True)
class Machine:
    """What a number of cores can do at best."""

    cores: tuple[int, ...]
    peak: Peak
    bandwidth: float  # bytes per second


def measure_scaling(names: Sequence[str], settings: Settings, say: Callable[[str], None]) -> list[Point]:
    """Measure the series of these names on the first core of the settings; threads on as many as there are."""
    points = []
    with tempfile.TemporaryDirectory() as folder:
        programs = build_peak(Path(folder)).programs
        one_core = _machine(settings.cores, programs)
        for series in (series for series in SERIES if series.name in names):
            for at, work in series.works.items():
                machine = one_core if series.name != "threads" else _with_threads(at, one_core)
                if machine is not None:
                    points.append(_measure(series, at, work, machine, settings, say))
    return points


def format_scaling(points: Sequence[Point]) -> str:
    """Return the table."""
    groups = [[_cells(point) for point in points if point.series == series.name] for series in SERIES]
    return format_columns(HEADER, [group for group in groups if group], left=(0,))


def _machine(cores: tuple[int, ...], programs: Sequence[Path]) -> Machine:
    return Machine(cores, Peak(list(programs)), measure_bandwidth(cores))


def _with_threads(threads: int, one_core: Machine) -> Machine | None:
    """Return the machine of the first cores, as many as threads; None where there are not so many."""
    cores = usable_cores()
    if threads > len(cores):
        return None
    return one_core if threads == 1 else _machine(tuple(cores[:threads]), one_core.peak.programs)


def _measure(
    series: Series, at: int, work: Training, machine: Machine, settings: Settings, say: Callable[[str], None]
) -> Point:
    results = run_workload(work, [ENGINES["bp_core"]], replace(settings, cores=machine.cores), machine.peak, say)
    (row,) = make_rows(results, machine.peak)
    work = replace(work, dtype=settings.dtype)
    flops_us = work.flops_per_step / row.peak_gflops * 1e-3 if row.peak_gflops else None
    return Point(series.name, at, row, flops_us, bytes_per_step(work) / machine.bandwidth * 1e6)


def _cells(point: Point) -> tuple[str, ...]:
    row = point.row
    if row.us_per_step is None:
        return (point.series, f"{point.at}", f"{row.status}: {row.message}")
    return (
        point.series,
        f"{point.at}",
        format_time(row.us_per_step),
        "-" if point.flops_us is None else format_time(point.flops_us),
        format_time(point.bytes_us),
        "-" if row.percent_of_peak is None else f"{row.percent_of_peak:.1f}",
        f"{100 * row.spread:.0f} %",
        f"{100 * row.core_share:.0f} %",
        format_time(1e6 / row.samples_per_s),
    )


def draw_scaling(points: Sequence[Point], path: Path) -> None:
    """Draw a panel for each series into `path`."""
    from matplotlib.figure import Figure

    panels = [series for series in SERIES if any(point.series == series.name for point in points)]
    n_columns = min(3, len(panels))
    figure = Figure(figsize=(3.6 * n_columns, 3.1 * -(-len(panels) // n_columns)), layout="constrained")
    every_axes = figure.subplots(-(-len(panels) // n_columns), n_columns, squeeze=False).ravel()
    for axes, series in zip(every_axes, panels, strict=False):
        _draw_panel(axes, series, [p for p in points if p.series == series.name and p.row.us_per_step])
    for axes in every_axes[len(panels) :]:
        axes.set_axis_off()
    handles, labels = every_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    save_picture(figure, path)


LINES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bytes": ("bytes / measured bandwidth", {"color": "#777777", "linestyle": ":", "marker": "x", "markersize": 3}),
    "flops": ("flops / measured peak", {"color": "#D55E00", "linestyle": "--", "marker": "v", "markersize": 3}),
    "time": ("bp_core, measured", {"color": "#0072B2", "marker": "o", "markersize": 3.5}),
}


def _draw_panel(axes: Any, series: Series, points: Sequence[Point]) -> None:
    """Draw one series: what was measured, and the two lines of the model."""
    at = [point.at for point in points]
    lines = {
        "bytes": [point.bytes_us for point in points],
        "flops": [point.flops_us for point in points if point.flops_us],
        "time": [point.row.us_per_step for point in points],
    }
    for name, values in lines.items():
        label, style = LINES[name]
        if len(values) == len(at):
            axes.plot(at, values, label=label, linewidth=1.2, **style)
    _set_scales(axes, [value for values in lines.values() for value in values])
    axes.set_title(f"{series.name}: {series.about}", fontsize=7.5, loc="left")
    axes.set_ylabel("us a step", fontsize=7.5)
    axes.tick_params(labelsize=7)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _set_scales(axes: Any, values: Sequence[float]) -> None:
    """Set logarithmic scales with plain numbers, the vertical one over whole decades."""
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    if values:
        axes.set_ylim(10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _short(at)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda us, _: f"{us:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _short(number: float) -> str:
    """Return 1024 as "1k" and 1048576 as "1M"; "" between whole numbers."""
    if number % 1:
        return ""
    power = min(int(math.log2(number)) // 10, 2) if number >= 1 else 0
    return f"{number / 1024**power:g}{' kM'[power].strip()}"
