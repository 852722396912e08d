"""``bp-core explain``: what each column did to one prediction."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from ._errors import CommandError
from ._options import Subcommands, add_data, add_json, add_model, whole_number

if TYPE_CHECKING:
    from bp_core.model import ModelExplanation

MOST_COLUMNS = 20


def add_parser(subcommands: Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``explain`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "explain",
        help="explain one prediction by the columns of the table",
        description="Explain the prediction for one row: what each column did to it.",
        epilog="example: bp-core explain iris.bp new.csv --row 3",
    )
    add_model(parser)
    add_data(parser, "row")
    parser.add_argument(
        "--row",
        type=whole_number(1),
        default=1,
        dest="number",
        metavar="N",
        help="which row, counted from 1; default 1",
    )
    parser.add_argument(
        "--html", metavar="page.html", help="save a page with every number of its backpropagation; needs the target"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain one row."""
    from bp_core.model._table import Table

    from ._models import load_model
    from ._output import print_json
    from ._tables import read, texts_of

    model = load_model(arguments.model)
    data = read(arguments.row, texts_of(model))
    first = arguments.number - 1
    if first >= data.table.n_rows:
        raise CommandError(f"{data.name} has {data.table.n_rows:,} rows; --row is {arguments.number:,}")
    row = data.table.rows(np.array([first]))
    if not arguments.html:  # the target is not needed, and may be unknown
        row = Table({name: values for name, values in row.columns.items() if name != model.target.name})
    with data.naming_lines(first):
        found = model.explain(row)
    if arguments.html:
        if found.network is None:
            raise CommandError(f"{data.name} has no column {model.target.name!r}, which the page of --html needs")
        found.network.save_html(arguments.html)
    if arguments.json:
        print_json({"data": data.name, "row": arguments.number, **found.to_dict()})
    else:
        _tell(found, f"{data.name}, row {arguments.number:,} of {data.table.n_rows:,} ({data.place(first)})")
    return 0


def _tell(found: ModelExplanation, where: str) -> None:
    from bp_core.model._explain import HEADER

    from ._output import print_facts, print_table

    print_facts([("row", where), ("prediction", found.heading())])
    rows = found.rows()
    print_table(HEADER, rows[:MOST_COLUMNS])
    if len(rows) > MOST_COLUMNS:
        print(f"and {len(rows) - MOST_COLUMNS:,} columns with smaller effects; --json prints all\n")
    print(f"effect: how much higher the {found.score_name} is")
    print("        than with the column at its mean, or with no category")
    print("per unit: how it changes with one unit more, the other columns held constant")
