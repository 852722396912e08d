"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engines import ENGINES
from machine import HERE, usable_cores
from scaling_work import SERIES
from workloads import WORKLOADS

IMAGES = HERE.parent / "docs" / "images"
PICTURE, SCALING_PICTURE = IMAGES / "bench.svg", IMAGES / "scaling.svg"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python bench", description="Measure bp_core and its peers on the same work.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the workloads and the engines")
    _add_run(commands.add_parser("run", help="measure"))
    _add_startup(commands.add_parser("startup", help="measure imports and installed sizes"))
    _add_compare(commands.add_parser("compare", help="what two records tell: faster, slower, and what else differs"))
    _add_chart(commands.add_parser("chart", help="draw a record (needs matplotlib)"))
    _add_scaling(commands.add_parser("scaling", help="follow bp_core's cost as the work grows (needs matplotlib)"))
    return parser


def _add_scaling(command: argparse.ArgumentParser) -> None:
    names = {series.name: series for series in SERIES}
    command.add_argument("--only", type=_names(names), default=list(names), help="series, by commas")
    command.add_argument(
        "--out", type=Path, default=SCALING_PICTURE, help="the file to draw, .svg or .png (default: %(default)s)"
    )
    _add_measuring(command)


def _add_compare(command: argparse.ArgumentParser) -> None:
    words = 'a path, a name in bench/record/, "latest" or "previous"'
    command.add_argument("a", metavar="A", nargs="?", default="previous", help=f"the earlier record: {words}")
    command.add_argument("b", metavar="B", nargs="?", default="latest", help="the later one")


def _add_chart(command: argparse.ArgumentParser) -> None:
    command.add_argument("record", nargs="?", default="latest", help="a path, a name in bench/record/, or latest")
    command.add_argument("--only", type=_names(WORKLOADS), help="workloads, by commas")
    command.add_argument(
        "--out", type=Path, default=PICTURE, help="the file to draw, .svg or .png (default: %(default)s)"
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--only", type=_names(WORKLOADS), default=list(WORKLOADS), help="workloads, by commas")
    command.add_argument("--no-startup", action="store_true", help="leave the start-up table out")
    _add_engines(command)
    _add_measuring(command)


def _add_startup(command: argparse.ArgumentParser) -> None:
    _add_engines(command)
    command.add_argument("--rounds", type=_positive, help="processes per engine (default 5)")
    command.add_argument("--core", type=int, choices=usable_cores(), help="the core to use (default: the last)")


def _add_engines(command: argparse.ArgumentParser) -> None:
    command.add_argument("--engines", type=_names(ENGINES), default=list(ENGINES), help="engines, by commas")


def _add_measuring(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rounds", type=_positive, help="rounds per workload (default 5, with --quick 2)")
    command.add_argument("--quick", action="store_true", help="short rounds: a look, not a measurement")
    command.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    command.add_argument("--no-record", action="store_true", help="write nothing to bench/record/")
    command.set_defaults(cores=(usable_cores()[-1],))
    cores = command.add_mutually_exclusive_group()
    cores.add_argument(
        "--core",
        dest="cores",
        type=_one_core,
        help="the core to use (default: the last)",
    )
    cores.add_argument(
        "--threads",
        dest="cores",
        type=_first_cores,
        metavar="N",
        help="hold every engine to the first N cores and let it use N threads",
    )


def _one_core(text: str) -> tuple[int, ...]:
    """Return the core of this number."""
    core = int(text)
    if core not in usable_cores():
        raise argparse.ArgumentTypeError(f"{core}: not one of {usable_cores()}")
    return (core,)


def _first_cores(text: str) -> Sequence[int]:
    """Return the first cores, as many as `text` says."""
    number, usable = _positive(text), usable_cores()
    if number > len(usable):
        raise argparse.ArgumentTypeError(f"{number} threads need {number} cores; this process may use {len(usable)}")
    return tuple(usable[:number])


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
        raise argparse.ArgumentTypeError(f"{number}: at least 1 is needed")
    return number
