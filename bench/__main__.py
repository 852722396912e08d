"""`python bench run` measures, `python bench list` shows what can be measured."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from definitions import WORKLOADS
from engines import ENGINES
from machine import can_pin, cpu_model, usable_cores
from peak import Peak, build_peak
from report import format_table, write_record
from rows import Row, make_rows
from runner import Settings, run_workload


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and obey it; return the exit status."""
    options = _parser().parse_args(arguments)
    return show_list() if options.command == "list" else run(options)


def show_list() -> int:
    """Print the workloads, and the engines with their versions."""
    print("workloads")
    for work in WORKLOADS.values():
        print(f"  {work.name:8}  {work.describe()}")
        for engine, nearest in work.nearest.items():
            print(f"  {'':8}  * {engine}: {nearest.note}")
    print("engines")
    for name, engine in ENGINES.items():
        print(f"  {name:8}  {engine.version or 'absent':12}  {', '.join(engine.forms)}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, write the record; 1 where an answer was wrong or an engine failed."""
    settings = _settings(options)
    chosen = [ENGINES[name] for name in options.engines]
    present = [engine for engine in chosen if engine.version]
    core = f"core {settings.core}" if can_pin() else "not pinned: this system cannot"
    _say(f"{cpu_model()}, {core}, {settings.dtype}")
    _say("engines: " + ", ".join(f"{engine.name} {engine.version or 'absent'}" for engine in chosen))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        peak = build_peak(Path(folder))
        results = [run_workload(name, present, settings, peak, _say) for name in options.only]
    for workload_results in results:
        rows += make_rows(workload_results, peak)
    print(f"\n{_peak_line(peak, settings)}\n\n{format_table(rows)}")
    for engine in chosen:
        if not engine.version:
            print(f"absent: {engine.name}")
    if rows and not options.no_record:
        print(f"\nrecord: bench/record/{write_record(rows).name}")
    return 0 if all(row.status == "ok" for row in rows) else 1


def _peak_line(peak: Peak, settings: Settings) -> str:
    """Return the measured peak in words."""
    if settings.dtype not in peak.best:
        return "peak: not measured (needs a C compiler)"
    return f"peak: {peak.best[settings.dtype]:.1f} GFLOP/s ({peak.level[settings.dtype]}, {settings.dtype}, one core)"


def _settings(options: argparse.Namespace) -> Settings:
    """Return the settings: five rounds of half a second, or two of a tenth with --quick."""
    rounds = options.rounds or (2 if options.quick else 5)
    core = usable_cores()[-1] if options.core is None else options.core
    return Settings(core=core, rounds=rounds, seconds=0.1 if options.quick else 0.5, dtype=options.dtype)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python bench", description="Measure bp_core and its peers on the same work.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the workloads and the engines")
    command = commands.add_parser("run", help="measure")
    command.add_argument("--only", type=_names(WORKLOADS), default=list(WORKLOADS), help="workloads, by commas")
    command.add_argument("--engines", type=_names(ENGINES), default=list(ENGINES), help="engines, by commas")
    command.add_argument("--rounds", type=_positive, help="rounds per workload (default 5, with --quick 2)")
    command.add_argument("--quick", action="store_true", help="short rounds: a look, not a measurement")
    command.add_argument("--core", type=int, choices=usable_cores(), help="the core to use (default: the last)")
    command.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    command.add_argument("--no-record", action="store_true", help="write nothing to bench/record/")
    return parser


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated names out of `known`."""

    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or 'nothing'}: not one of {', '.join(known)}")
        return names

    return parse


def _positive(text: str) -> int:
    """Return a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: at least 1 round is needed")
    return number


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
