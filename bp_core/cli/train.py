"""``bp-core train``: from a table to a saved model."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from bp_core._wording import count

from . import _options
from ._errors import EXIT_INTERRUPTED, CommandError, say

if TYPE_CHECKING:
    from bp_core.model import Model

    from ._tables import TableFile

SCHEDULES = ("cosine", "one_cycle", "plateau", "adaptive")
STOPPED_BY = {
    "epochs": "all epochs done",
    "patience": "no better loss for a while",
    "smallest_rate": "no better loss at the smallest learning rate",
    "interrupted": "interrupted",
}


def add_parser(subcommands: _options.Subcommands[argparse.ArgumentParser]) -> None:
    """Add ``train`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "train",
        help="train a model on a table, score it on rows held out, save it",
        description="Train a model on a table, score it on rows held out, and save it. Numeric columns are "
        "standardised, columns of text become categories. Ctrl-C stops the training and saves the model so far.",
        epilog="example: bp-core train iris.csv --target species --hidden 16,8 --output iris.bp",
    )
    _options.add_data(parser)
    _options.add_table_options(parser)
    group = _options.add_network_options(parser)
    group.add_argument("--learning-rate", type=_options.positive, metavar="R", help="default: the optimizer's own")
    group.add_argument("--l2", type=_options.from_zero, metavar="R", help="penalty of large weights; default 4 / rows")
    group.add_argument(
        "--patience",
        type=_options.whole_number(1),
        metavar="N",
        help="watch a tenth of the rows, and stop after N epochs without a better loss",
    )
    group.add_argument(
        "--schedule",
        type=_options.known("schedule", SCHEDULES),
        metavar="NAME",
        help=f"how the learning rate changes: {', '.join(SCHEDULES)}; default: not at all",
    )
    group = parser.add_argument_group("what comes out")
    group.add_argument("--output", default="model.bp", metavar="model.bp", help="where to save; default model.bp")
    _options.add_json(group)
    group.add_argument("--quiet", action="store_true", help="print nothing, and show no progress")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read, train, save, tell."""
    from ._models import check_writable
    from ._tables import read

    if arguments.output == "-":
        raise CommandError("a model is saved to a file; --output takes its name")
    check_writable(arguments.output)
    data = read(arguments.data, arguments.categorical)
    model = _train(arguments, data)
    model.save(arguments.output)
    if not arguments.quiet:
        _tell(arguments, data, model)
    if model.record.stop_reason == "interrupted":
        say(f"interrupted; the model so far is saved to {arguments.output}")
        return EXIT_INTERRUPTED
    return 0


def _train(arguments: argparse.Namespace, data: TableFile) -> Model:
    """Train with the progress shown; the number of epochs is decided here, so that it can be."""
    import bp_core as bp
    from bp_core.model._training import default_epochs, split

    from ._progress import progress

    features = _options.the_features(arguments, data.table.names)
    kept, _ = split(data.table.n_rows, arguments.held_out, arguments.seed)
    epochs = arguments.epochs or default_epochs(len(kept))
    with data.naming_lines(), progress(epochs, quiet=arguments.quiet) as callbacks:
        return bp.Model.train(
            data.table,
            arguments.target,
            features=features,
            epochs=epochs,
            l2=arguments.l2,
            patience=arguments.patience,
            schedule=arguments.schedule,
            callbacks=callbacks,
            **_options.the_settings(arguments),
        )


def _tell(arguments: argparse.Namespace, data: TableFile, model: Model) -> None:
    from bp_core.model import ClassScores

    from ._output import print_confusion, print_facts, print_json, scores_in_words, seconds

    if arguments.json:
        print_json(_as_json(arguments, data, model))
        return
    record = model.record
    losses = f"; loss with penalty {record.losses[0]:.4g} -> {record.losses[-1]:.4g}" if record.losses else ""
    reason = STOPPED_BY.get(record.stop_reason, record.stop_reason)
    print_facts(
        [
            ("data", _data_in_words(data)),
            ("read in", seconds(data.seconds)),
            ("target", _target_in_words(model)),
            ("network", _network_in_words(model)),
            ("trained on", f"{record.n_trained:,} rows in {seconds(record.seconds)}"),
            ("epochs", f"{record.epochs:,} ({reason}){losses}"),
            ("held-out score", scores_in_words(record.scores)),
            ("saved to", f"{arguments.output} ({os.path.getsize(arguments.output):,} bytes)"),
        ]
    )
    if isinstance(record.scores, ClassScores):
        print_confusion(record.scores)


def _data_in_words(data: TableFile) -> str:
    unnamed = f"; {data.n_unnamed:,} without a name left out" if data.n_unnamed else ""
    return f"{data.name}, {count(data.table.n_rows, 'row')}, {count(len(data.table.names), 'column')}{unnamed}"


def _target_in_words(model: Model) -> str:
    from bp_core.model import ClassTarget

    target = model.target
    what = f"{len(target.classes):,} classes" if isinstance(target, ClassTarget) else "numbers"
    return f"{target.name}, {what}, from {count(len(model.columns), 'column')}"


def _network_in_words(model: Model) -> str:
    net = model.network
    sizes, names = "-".join(map(str, net.layer_sizes)), ", ".join((*net.hidden, net.output))
    return f"{sizes} ({names}), {net.n_parameters:,} parameters"


def _as_json(arguments: argparse.Namespace, data: TableFile, model: Model) -> dict[str, Any]:
    record = model.record.to_dict()
    losses = record.pop("losses")
    return {
        "data": data.name,
        "rows": data.table.n_rows,
        "target": model.target.name,
        "classes": list(getattr(model.target, "classes", ())) or None,
        "features": list(model.feature_names),
        "layer_sizes": list(model.network.layer_sizes),
        "loss": losses[-1] if losses else None,
        **{name: record[name] for name in ("epochs", "stop_reason", "n_trained", "n_held_out", "seed", "scores")},
        "seconds": {"reading": data.seconds, "training": record["seconds"]},
        "output": arguments.output,
    }
