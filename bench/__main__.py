"""`python bench run` measures, `python bench list` shows what can be measured; `--help` names the rest."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chart import draw_chart
from compare import are_comparable, find_changes, find_differences, format_changes
from engines import ENGINES
from machine import can_pin, cpu_model, usable_cores
from options import make_parser
from peak import Peak, build_peak
from pictures import can_draw
from records import FOLDER, NoRecord, find_record, read_record, write_record
from report import format_table
from rows import Row, make_rows
from runner import Settings, run_workload
from scaling import draw_scaling, format_scaling, measure_scaling
from startup import as_lines, format_startup, measure_startup
from workloads import WORKLOADS


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and obey it; return the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except NoRecord as error:
        print(error, file=sys.stderr)
        return 2


def show_list(options: argparse.Namespace) -> int:
    """Print the workloads, and the engines with their versions."""
    print("workloads")
    width = max(map(len, WORKLOADS))
    for work in WORKLOADS.values():
        print(f"  {work.name:{width}}  {work.describe()}")
        for engine in ENGINES.values():
            if work.note_on(engine.name) and engine.forms(work):
                print(f"  {'':{width}}  * {engine.name}: {work.note_on(engine.name)}")
    print("engines")
    for name, engine in ENGINES.items():
        ways = [way for way in (engine.training, engine.prediction) if way]
        forms = "; ".join(", ".join(way.forms) for way in ways)
        print(f"  {name:12}  {engine.version or 'absent':18}  {forms}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, write the record; 1 where an answer was wrong or an engine failed."""
    settings = _settings(options)
    chosen = [ENGINES[name] for name in options.engines]
    present = [engine for engine in chosen if engine.version]
    _say(f"{cpu_model()}, {_cores_in_words(settings)}, {settings.dtype}")
    _say("engines: " + ", ".join(f"{engine.name} {engine.version or 'absent'}" for engine in chosen))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        peak = build_peak(Path(folder))
        results = [run_workload(WORKLOADS[name], present, settings, peak, _say) for name in options.only]
    for workload_results in results:
        rows += make_rows(workload_results, peak)
    startup = [] if options.no_startup else measure_startup(present, settings.cores[0], settings.rounds)
    print(f"\n{_peak_line(peak, settings)}\n\n{format_table(rows)}")
    if startup:
        print(f"\n{format_startup(startup)}")
    for engine in chosen:
        if not engine.version:
            print(f"absent: {engine.name}")
    if rows and not options.no_record:
        print(f"\nrecord: bench/record/{write_record(rows, as_lines(startup)).name}")
    return 0 if all(row.status == "ok" for row in rows) else 1


def show_startup(options: argparse.Namespace) -> int:
    """Measure and print the start-up table."""
    core = usable_cores()[-1] if options.core is None else options.core
    chosen = [ENGINES[name] for name in options.engines]
    print(format_startup(measure_startup(chosen, core, options.rounds or 5)))
    return 0


def compare(options: argparse.Namespace) -> int:
    """Print what changed from one record to another."""
    path_a, path_b = find_record(options.a), find_record(options.b)
    a, b = read_record(path_a), read_record(path_b)
    print(f"A {path_a.stem}, B {path_b.stem}")
    print("\n".join(find_differences(a, b)))
    print(f"\n{format_changes(find_changes(a, b))}")
    if not are_comparable(a, b):
        print("\nThe machines or their use differ: the times say nothing of the code. Compare the shares of the peak.")
    return 0


def chart(options: argparse.Namespace) -> int:
    """Draw a record."""
    if not can_draw():
        print("chart needs matplotlib", file=sys.stderr)
        return 2
    draw_chart(read_record(find_record(options.record)), options.out, options.only)
    print(options.out)
    return 0


def scaling(options: argparse.Namespace) -> int:
    """Measure how bp_core's cost grows, print the table, write the record, draw the picture."""
    settings = _settings(options)
    points = measure_scaling(options.only, settings, _say)
    print(f"\n{format_scaling(points)}\n")
    rows = [point.row for point in points]
    if not options.no_record:
        print(f"record: bench/record/scaling/{write_record(rows, folder=FOLDER / 'scaling').name}")
    if can_draw():
        draw_scaling(points, options.out)
    print(options.out if can_draw() else "no picture: it needs matplotlib")
    return 0 if all(row.status == "ok" for row in rows) else 1


COMMANDS = {
    "list": show_list,
    "run": run,
    "startup": show_startup,
    "compare": compare,
    "chart": chart,
    "scaling": scaling,
}


def _cores_in_words(settings: Settings) -> str:
    """Return which cores are used."""
    if not can_pin():
        return f"{len(settings.cores)} threads, not pinned: this system cannot"
    return f"core{'s' * (len(settings.cores) > 1)} {', '.join(map(str, settings.cores))}"


def _peak_line(peak: Peak, settings: Settings) -> str:
    """Return the measured peak in words."""
    if settings.dtype not in peak.best:
        return "peak: not measured (needs a C compiler)"
    cores = "one core" if len(settings.cores) == 1 else f"{len(settings.cores)} cores"
    return f"peak: {peak.best[settings.dtype]:.1f} GFLOP/s ({peak.level[settings.dtype]}, {settings.dtype}, {cores})"


def _settings(options: argparse.Namespace) -> Settings:
    """Return the settings: five rounds of half a second, or two of a tenth with --quick."""
    rounds = options.rounds or (2 if options.quick else 5)
    return Settings(options.cores, rounds=rounds, seconds=0.1 if options.quick else 0.5, dtype=options.dtype)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
