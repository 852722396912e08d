"""``bp-core sweep``: which learning rate suits a table."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import _options

if TYPE_CHECKING:
    from bp_core.learning_rates import Sweep

    from ._tables import TableFile

RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
EPOCHS = 30


def add_parser(subcommands: _options.Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``sweep`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "sweep",
        help="try learning rates side by side, and recommend one",
        description="Train the same start at several learning rates side by side, and say what became of each. "
        "The rows held out decide between those that converge.",
        epilog="example: bp-core sweep iris.csv --target species --learning-rates 0.001,0.01,0.1",
    )
    _options.add_data(parser)
    _options.add_table_options(parser)
    _options.add_network_options(parser)
    group = parser.add_argument_group("the sweep")
    group.add_argument(
        "--learning-rates",
        type=_options.numbers,
        default=RATES,
        metavar="R,R",
        help=f"which to try; default {','.join(f'{rate:g}' for rate in RATES)}; --epochs is {EPOCHS} by default",
    )
    _options.add_json(group)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train at every rate and tell."""
    from ._output import print_json
    from ._tables import read

    data = read(arguments.data, arguments.categorical)
    found = _sweep(arguments, data)
    if arguments.json:
        print_json(_as_json(found))
    else:
        _tell(found)
    return 0


def _sweep(arguments: argparse.Namespace, data: TableFile) -> Sweep:
    """Sweep over the rows that ``train`` would train on, encoded as there."""
    import bp_core as bp
    from bp_core.model._training import Settings, prepare

    features = _options.the_features(arguments, data.table.names)
    chosen = _options.the_settings(arguments)
    settings = Settings(**chosen, epochs=None, schedule=None, l2=0.0, patience=None, callbacks=(), progress=False)
    with data.naming_lines():
        ready = prepare(data.table, arguments.target, features, settings)
    X, y, kept, held_out = ready.X, ready.y, ready.kept, ready.held_out
    return bp.sweep_learning_rates(
        ready.network,
        X[kept],
        y[kept],
        arguments.learning_rates,
        epochs=arguments.epochs or EPOCHS,
        optimizer=chosen["optimizer"],
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        validation_data=(X[held_out], y[held_out]) if len(held_out) else None,
        n_threads=arguments.threads,
    )


def _as_json(found: Sweep) -> dict[str, object]:
    parts = zip(found.learning_rates, found.judged, found.losses, found.validation_losses, strict=True)
    return {
        "best": found.best,
        "advice": found.advice,
        "first_loss": found.first_loss,
        "epochs": found.epochs,
        "learning_rates": [
            {
                "learning_rate": rate,
                "verdict": verdict.name,
                "why": verdict.reason,
                "losses": losses.tolist(),
                "held_out_losses": watched.tolist(),
            }
            for rate, verdict, losses, watched in parts
        ],
    }


def _tell(found: Sweep) -> None:
    from ._output import print_table

    rows = [
        [f"{rate:g}", _last(losses), _last(watched), verdict.name, verdict.reason]
        for rate, verdict, losses, watched in zip(
            found.learning_rates, found.judged, found.losses, found.validation_losses, strict=True
        )
    ]
    print(f"loss before training: {found.first_loss:.4g}; after {found.epochs:,} epochs:")
    print_table(["rate", "loss", "held out", "verdict", "why"], rows, left=(3, 4))
    print(found.advice)


def _last(losses: object) -> str:
    values = list(losses)  # type: ignore[call-overload]
    return f"{values[-1]:.4g}" if values else "-"
