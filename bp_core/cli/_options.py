"""Options that several subcommands share, and how their values are read: a wrong one exits with 2."""

from __future__ import annotations

import argparse
import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from bp_core import activations, optimizers
from bp_core._names import look_up
from bp_core.optimizers import Optimizer

from ._errors import CommandError

Subcommands = argparse._SubParsersAction
"""What ``add_subparsers`` returns, for which argparse has no public name."""

Options = argparse._ActionsContainer
"""A parser, or a group of options."""


# ---------------------------------------------------------------------- values
def whole_number(least: int) -> Callable[[str], int]:
    """Return the reader of a whole number from ``least`` up."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise ArgumentTypeError(f"{text!r}; expected a whole number from {least} up")
        return number

    return read


def positive(text: str) -> float:
    """Read a number above 0."""
    number = _number(text)
    if not number > 0:
        raise ArgumentTypeError(f"{text!r}; expected a positive number")
    return number


def from_zero(text: str) -> float:
    """Read a number from 0 up."""
    number = _number(text)
    if not number >= 0:
        raise ArgumentTypeError(f"{text!r}; expected a number from 0 up")
    return number


def share(text: str) -> float:
    """Read a number from 0 up to, not including, 1."""
    number = _number(text)
    if not 0 <= number < 1:
        raise ArgumentTypeError(f"{text!r}; expected a share from 0 up to, not including, 1, such as 0.2")
    return number


def _number(text: str) -> float:
    """Read a finite number; NaN for all else, which no range holds."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def names(text: str) -> tuple[str, ...]:
    """Read names with commas between them."""
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise ArgumentTypeError(f"{text!r}; expected names with a comma between them")
    return found


def numbers(text: str) -> tuple[float, ...]:
    """Read positive numbers with commas between them."""
    return tuple(positive(part) for part in names(text))


def layers(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers: "16,8", or "none"."""
    if text == "none":
        return ()
    try:
        return tuple(whole_number(1)(part) for part in names(text))
    except ArgumentTypeError:
        raise ArgumentTypeError(f"{text!r}; expected the sizes of the hidden layers, such as 16,8, or none") from None


def known(kind: str, choices: Sequence[str]) -> Callable[[str], str]:
    """Return the reader of one of some names; the nearest is suggested."""

    def read(text: str) -> str:
        try:
            return look_up(kind, text.lower(), choices)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return read


# --------------------------------------------------------------------- options
def add_data(parser: ArgumentParser, name: str = "data") -> None:
    """Add the table as an argument."""
    parser.add_argument(name, metavar=f"{name}.csv", help="CSV, Parquet or NPZ file; - reads CSV from standard input")


def add_model(parser: ArgumentParser) -> None:
    """Add the model file as an argument."""
    parser.add_argument("model", metavar="model.bp", help="a model saved by bp-core train")


def add_json(parser: Options) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")


def add_table_options(parser: ArgumentParser) -> None:
    """Add what says how a table is taken: target, features, kinds, gaps, the split."""
    group = parser.add_argument_group("the table")
    group.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    group.add_argument(
        "--features", type=names, metavar="A,B", help="predict it from these columns; default: all others"
    )
    group.add_argument("--without", type=names, default=(), metavar="A,B", help="leave these columns out")
    group.add_argument(
        "--categorical",
        type=names,
        default=(),
        metavar="A,B",
        help="columns whose numbers are names, such as postcodes",
    )
    group.add_argument("--task", choices=("auto", "classes", "numbers"), default="auto", help="what the target is")
    group.add_argument(
        "--missing",
        choices=("error", "impute"),
        default="error",
        help="a missing value is an error, or counts as the mean",
    )
    group.add_argument(
        "--held-out", type=share, default=0.2, metavar="SHARE", help="rows scored and not trained on; default 0.2"
    )


def add_network_options(parser: ArgumentParser) -> argparse._ArgumentGroup:
    """Add what says which network is trained, and how; return the group, for more of it."""
    group = parser.add_argument_group("the network and its training")
    group.add_argument(
        "--hidden", type=layers, default=(32,), metavar="16,8", help="units of the hidden layers, or none; default 32"
    )
    group.add_argument(
        "--activation",
        type=known("activation", activations.HIDDEN),
        default="relu",
        metavar="NAME",
        help=f"of the hidden layers: {', '.join(activations.HIDDEN)}; default relu",
    )
    group.add_argument("--epochs", type=whole_number(1), metavar="N", help="passes over the rows")
    group.add_argument("--batch-size", type=whole_number(1), default=32, metavar="N", help="rows per step; default 32")
    group.add_argument(
        "--optimizer",
        type=known("optimizer", tuple(optimizers.BY_NAME)),
        default="adam",
        metavar="NAME",
        help=f"{', '.join(optimizers.BY_NAME)}; default adam",
    )
    group.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of split, weights and order; default 0"
    )
    group.add_argument("--threads", type=whole_number(1), metavar="N", help="at most so many; the result is the same")
    return group


def the_optimizer(arguments: Namespace) -> Optimizer:
    """Return the optimizer that was asked for, with its learning rate."""
    chosen = optimizers.resolve(arguments.optimizer)
    rate: float | None = getattr(arguments, "learning_rate", None)
    return chosen if rate is None else optimizers.at_rate(chosen, rate)


def the_features(arguments: Namespace, columns: Sequence[str]) -> tuple[str, ...] | None:
    """Return the features that were asked for; None means all columns but the target."""
    from bp_core.model._columns import suggestion

    features: tuple[str, ...] | None = arguments.features
    if not arguments.without:
        return features
    kept = [name for name in features or columns if name != arguments.target]
    for name in arguments.without:
        if name not in kept:
            raise CommandError(f"--without names {name!r}, which is no feature{suggestion(name, kept)}")
    return tuple(name for name in kept if name not in arguments.without)


def the_settings(arguments: Namespace) -> dict[str, Any]:
    """Return what ``Model.train`` takes of the options above."""
    return {
        "hidden": arguments.hidden,
        "activation": arguments.activation,
        "task": arguments.task,
        "categorical": arguments.categorical,
        "missing": arguments.missing,
        "held_out": arguments.held_out,
        "batch_size": arguments.batch_size,
        "optimizer": the_optimizer(arguments),
        "seed": arguments.seed,
        "n_threads": arguments.threads,
    }
