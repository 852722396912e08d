"""``bp-core gradcheck``: the gradients of a model against central differences."""

from __future__ import annotations

import argparse

import numpy as np

from ._errors import CommandError
from ._options import Subcommands, add_data, add_json, add_model, whole_number


def add_parser(subcommands: Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``gradcheck`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "gradcheck",
        help="check the gradients of a model against central differences",
        description="Compare what backpropagation gives for some rows with central differences of the loss, in "
        "float64. Exits with 1 where they differ by more than a millionth.",
        epilog="example: bp-core gradcheck iris.bp iris.csv --rows 16",
    )
    add_model(parser)
    add_data(parser)
    parser.add_argument("--rows", type=whole_number(1), default=32, metavar="N", help="the first so many; default 32")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare and tell."""
    from ._models import load_model
    from ._output import print_facts, print_json
    from ._tables import read, texts_of

    model = load_model(arguments.model)
    data = read(arguments.data, texts_of(model))
    rows = data.table.rows(np.arange(min(arguments.rows, data.table.n_rows)))
    with data.naming_lines():
        X, y = model.encode(rows), model.target.encode(rows.column(model.target.name))
    found = model.network.check_gradients(X, y)
    if arguments.json:
        print_json({"data": data.name, "rows": rows.n_rows, **found.__dict__})
    else:
        print_facts(
            [
                ("rows", f"{rows.n_rows:,} of {data.name}, {found.rows_left_out:,} left out, too near a kink"),
                ("derivatives", f"{found.n_checked:,} compared"),
                ("largest error", f"{found.max_error:.2g} at {found.worst}; at most 1e-06 is right"),
            ]
        )
    if not found.ok:
        raise CommandError(f"backpropagation and central differences differ by {found.max_error:.2g} at {found.worst}")
    return 0
