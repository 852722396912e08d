"""``bp-core predict``: a prediction for every row of a table, as CSV."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from typing import TYPE_CHECKING, Any

from ._errors import CommandError
from ._options import Subcommands, add_data, add_json, add_model

if TYPE_CHECKING:
    from bp_core.model import Model


def add_parser(subcommands: Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``predict`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "predict",
        help="predict the target of every row",
        description="Predict the target of every row, as a CSV file with a line for each.",
        epilog="example: bp-core predict iris.bp new.csv --proba --output predictions.csv",
    )
    add_model(parser)
    add_data(parser, "new")
    parser.add_argument("--proba", action="store_true", help="the probability of every class beside it")
    parser.add_argument("--output", default="-", metavar="out.csv", help="where to; -, the default, is standard output")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and write."""
    from bp_core._file import write_whole

    from ._models import check_writable, load_model
    from ._tables import read, texts_of

    model = load_model(arguments.model)
    if arguments.output != "-":
        check_writable(arguments.output)
    data = read(arguments.new, texts_of(model))
    with data.naming_lines():
        columns = _columns(model, data.table, arguments.proba)
    text = _json(model, columns) if arguments.json else _csv(columns)
    if arguments.output == "-":
        sys.stdout.write(text)
    else:
        write_whole(arguments.output, text.encode())
    return 0


def _columns(model: Model, table: Any, proba: bool) -> dict[str, list[Any]]:
    """The prediction under the target's name, then the probability of every class."""
    columns = {model.target.name: model.predict(table).tolist()}
    if proba:
        shares = model.predict_proba(table)
        for j, name in enumerate(model.target.classes):  # type: ignore[union-attr]
            if f"p_{name}" in columns:
                raise CommandError(f"two columns would be called 'p_{name}'; give the target another name")
            columns[f"p_{name}"] = [float(f"{share:.7g}") for share in shares[:, j].tolist()]
    return columns


def _csv(columns: dict[str, list[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(_cell, values) for values in columns.values()), strict=True))
    return out.getvalue()


def _cell(value: Any) -> str:
    """A value as text, of a number all its digits."""
    return repr(value) if isinstance(value, float) else str(value)


def _json(model: Model, columns: dict[str, list[Any]]) -> str:
    name, *classes = columns
    found: dict[str, Any] = {"target": name, "predictions": columns[name]}
    if classes:
        found["probabilities"] = {label[len("p_") :]: columns[label] for label in classes}
    from ._output import json_text

    return json_text(found)
