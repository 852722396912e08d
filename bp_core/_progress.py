"""A progress bar over the epochs of a fit."""

from __future__ import annotations

from typing import Any

from bp_core.history import History


def tqdm_bar(epochs: int) -> Any:
    """A bar over so many epochs."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True needs tqdm: pip install tqdm") from None
    return tqdm(total=epochs, unit="epoch")


class Progress:
    """A bar with the latest losses."""

    def __init__(self, epochs: int) -> None:
        self._bar = tqdm_bar(epochs)

    def show(self, history: History) -> None:
        """Bring the bar up to date."""
        if len(history) > self._bar.n:
            self._bar.set_postfix_str(_losses_text(history), refresh=False)
            self._bar.update(len(history) - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def _losses_text(history: History) -> str:
    names = {"loss": "loss", "validation_loss": "validation", "monitored": "monitored"}
    return ", ".join(f"{names[column]} {history._last(column):.4g}" for column in names if history._has(column))
