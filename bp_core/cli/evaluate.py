"""``bp-core evaluate``: predictions beside the truth."""

from __future__ import annotations

import argparse

from ._options import Subcommands, add_data, add_json, add_model


def add_parser(subcommands: Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``evaluate`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "evaluate",
        help="compare predictions with the truth: metrics, confusion table",
        description="Predict the target of every row and compare it with the target column of the table.",
        epilog="example: bp-core evaluate iris.bp test.csv",
    )
    add_model(parser)
    add_data(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and compare."""
    from bp_core.model import ClassScores

    from ._models import load_model
    from ._output import print_confusion, print_facts, print_json
    from ._tables import read, texts_of

    model = load_model(arguments.model)
    data = read(arguments.data, texts_of(model))
    with data.naming_lines():
        scores = model.evaluate(data.table)
    if arguments.json:
        print_json({"data": data.name, "target": model.target.name, **scores.to_dict()})
        return 0
    facts = [("data", data.name), ("rows", f"{scores.n_rows:,}"), ("target", model.target.name)]
    if isinstance(scores, ClassScores):
        print_facts([*facts, ("accuracy", f"{scores.accuracy:.2%}"), ("log loss", f"{scores.log_loss:.4g}")])
        print_confusion(scores)
    else:
        numbers = [("R squared", scores.r2), ("RMSE", scores.rmse), ("MAE", scores.mae)]
        print_facts([*facts, *((name, f"{value:.5g}") for name, value in numbers)])
    return 0
