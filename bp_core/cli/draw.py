"""``bp-core draw``: a picture of the network of a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from ._errors import CommandError
from ._options import Subcommands, whole_number


def add_parser(subcommands: Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``draw`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "draw",
        help="draw the network of a model as a picture",
        description="Draw the network of a model, or a network: a circle for each unit, a line for each weight.",
        epilog="example: bp-core draw iris.bp iris.svg",
    )
    parser.add_argument("model", metavar="model.bp", help="a model, or a network saved by Network.save")
    parser.add_argument("picture", metavar="out.svg", help="the ending says which kind: svg, png, pdf")
    parser.add_argument(
        "--max-units", type=whole_number(2), default=16, metavar="N", help="units drawn of a large layer; default 16"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load and draw."""
    import bp_core as bp

    from ._models import check_writable, load_any

    found = load_any(arguments.model)
    if Path(arguments.picture).suffix.lower() not in (".svg", ".png", ".pdf"):
        raise CommandError(f"{arguments.picture} ends in no .svg, .png or .pdf, which say what to draw")
    check_writable(arguments.picture)
    inputs = outputs = None
    if isinstance(found, bp.Network):
        net = found
    else:
        net = found.network
        inputs = [unit for column in found.columns for unit in column.units]
        outputs = [*getattr(found.target, "classes", (found.target.name,))]
    net.draw(path=arguments.picture, max_units=arguments.max_units, input_names=inputs, output_names=outputs)
    return 0
