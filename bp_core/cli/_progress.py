"""A line that shows how a training goes, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bp_core.history import Epoch

from ._extras import need

Callbacks = tuple[Callable[[Epoch], object], ...]


@contextmanager
def progress(epochs: int, *, quiet: bool) -> Iterator[Callbacks]:
    """Show epochs, loss and time left on standard error while a training lasts; yields its callbacks."""
    if quiet or not sys.stderr.isatty():
        yield ()
        return
    parts = need("rich.progress", "showing progress")
    bar = parts.Progress(
        parts.BarColumn(),
        parts.TextColumn("epoch {task.completed}/{task.total}  loss {task.fields[loss]}"),
        parts.TimeRemainingColumn(),
        parts.TextColumn("left, Ctrl-C stops and saves"),
        console=need("rich.console", "showing progress").Console(stderr=True, highlight=False),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=epochs, loss="-")

        def show(epoch: Epoch) -> None:
            bar.update(task, completed=epoch.index + 1, loss=_losses(epoch))

        yield (show,)


def _losses(epoch: Epoch) -> str:
    watched = "" if epoch.validation_loss is None else f", watched {epoch.validation_loss:.4g}"
    return f"{epoch.loss:.4g}{watched}"
