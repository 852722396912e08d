"""``bp-core info``: what a model or network file holds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._options import Subcommands, add_json

if TYPE_CHECKING:
    from bp_core.model import CategoryColumn, Model, NumberColumn
    from bp_core.network import Network

MOST_COLUMNS = 40
MOST_NAMES = 6


def add_parser(subcommands: Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``info`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "info",
        help="tell what a model or network file holds",
        description="Tell what a model file, or a network file, holds.",
        epilog="example: bp-core info iris.bp",
    )
    parser.add_argument("model", metavar="model.bp", help="a model, or a network saved by Network.save")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load and tell."""
    import bp_core as bp

    from ._models import load_any
    from ._output import print_json

    found = load_any(arguments.model)
    if arguments.json:
        alone = isinstance(found, bp.Network)
        described = {"network": _network(found)} if isinstance(found, bp.Network) else _model(found)
        print_json({"file": arguments.model, "kind": "network" if alone else "model", **described})
    elif isinstance(found, bp.Network):
        print(f"{arguments.model}: a network, without columns or classes\n\n{found.summary()}")
    else:
        _tell(found, arguments.model)
    return 0


def _network(net: Network) -> dict[str, Any]:
    return {
        "layer_sizes": list(net.layer_sizes),
        "hidden": list(net.hidden),
        "output": net.output,
        "bias": list(net.bias),
        "dtype": net.dtype.name,
        "n_parameters": net.n_parameters,
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "target": dict(model.target.__dict__),
        "columns": [dict(column.__dict__) for column in model.columns],
        "record": model.record.to_dict(),
        "network": _network(model.network),
    }


def _tell(model: Model, path: str) -> None:
    from ._output import print_facts, print_table, scores_in_words, seconds

    record, classes = model.record, getattr(model.target, "classes", ())
    print_facts(
        [
            ("file", f"{path}: a model"),
            ("target", f"{model.target.name}: {_listed(classes) if classes else 'numbers'}"),
            ("trained on", f"{record.n_trained:,} rows, {record.epochs:,} epochs in {seconds(record.seconds)}"),
            ("stopped by", record.stop_reason),
            ("seed", str(record.seed)),
            ("held-out score", scores_in_words(record.scores)),
        ]
    )
    rows = [_column(column) for column in model.columns[:MOST_COLUMNS]]
    print_table(["column", "kind", "mean", "std", "categories"], rows, left=(0, 1, 4))
    if len(model.columns) > MOST_COLUMNS:
        print(f"and {len(model.columns) - MOST_COLUMNS:,} columns more; --json prints all\n")
    print(model.network.summary())


def _column(column: NumberColumn | CategoryColumn) -> list[str]:
    categories = getattr(column, "categories", None)
    if categories is not None:
        return [column.name, "categories", "", "", _listed(categories)]
    return [column.name, "number", f"{column.mean:.4g}", f"{column.std:.4g}", ""]  # type: ignore[union-attr]


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
