"""The command ``bp-core``: a parser here, and one file for each subcommand.

A subcommand is a module with ``add_parser(subcommands)``, which adds its parser and sets ``run`` as its default, and
``run(arguments)``, which does the work and returns the exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import bp_core as bp

from . import demo, draw, evaluate, explain, gradcheck, info, predict, sweep, train
from ._errors import EXIT_ERROR, EXIT_INTERRUPTED, CommandError, one_line, say

__all__ = ["build_parser", "main"]

SUBCOMMANDS = (demo, train, predict, evaluate, explain, info, sweep, draw, gradcheck)

FAILURES = (CommandError, bp.DivergenceError, ImportError, MemoryError, OSError, TypeError, ValueError)
"""What is said in one line; any other exception is a mistake of this program, and shows where."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``bp-core`` with all its subcommands."""
    parser = argparse.ArgumentParser(
        prog="bp-core",
        description="Train small neural networks by backpropagation, in compiled code.",
        epilog="Start with: bp-core demo. Exit codes: 0 done, 1 not done, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"bp-core {bp.__version__}")
    subcommands = parser.add_subparsers(title="commands", metavar="command", required=True)
    for subcommand in SUBCOMMANDS:
        subcommand.add_parser(subcommands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; None takes them from ``sys.argv``.

    Returns
    -------
    int
        0 done; 1 not done, said in one line on standard error; 130 interrupted. A wrong argument exits with 2.

    Examples
    --------
    >>> from bp_core.cli import main
    >>> main(["demo"])  # doctest: +SKIP
    0
    """
    arguments = build_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        _discard_output()
        return EXIT_ERROR
    except FAILURES as error:
        return _fail(f"error: {one_line(error)}", EXIT_ERROR)
    return status


def _fail(message: str, status: int) -> int:
    """Say why the command ends, after what it has printed so far, and return ``status``."""
    try:
        sys.stdout.flush()
    except OSError:  # that may be why: a full disk behind it
        _discard_output()
    say(message)
    return status


def _discard_output() -> None:
    """Let the interpreter's last flush succeed when the reader of our output (``head``) has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
