"""What training writes down: one Epoch at a time for callbacks, the History of a fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bp_core.network import Network
    from bp_core.trainer import Trainer


@dataclass(frozen=True, eq=False)
class Epoch:
    """One finished epoch, as a callback gets it.

    Attributes
    ----------
    index : int
        Counted from 0 over the life of the trainer: a second ``fit`` goes on counting.
    loss : float
        Mean over the rows of the batch losses, each before its update.
    validation_loss : float or None
        The loss on ``validation_data`` after the epoch.
    learning_rate : float
        The rate of the epoch's steps.
    seconds : float
        Time spent in the epoch's steps.
    trainer : Trainer
    network : Network
        Shows the parameters after the epoch.
    """

    index: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float
    trainer: Trainer
    network: Network


@dataclass(eq=False)
class History:
    """What happened in one ``fit``: a list entry for each finished epoch.

    Attributes
    ----------
    index, loss, validation_loss, learning_rate, seconds : list
        See :class:`Epoch`; ``validation_loss`` is empty without validation data.
    stop_reason : str or None
        "epochs", "target_loss", "patience", "max_seconds", "callback", "interrupted" or "diverged";
        None while the fit runs.
    """

    index: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stop_reason: str | None = None

    @property
    def best_epoch(self) -> int | None:
        """Index of the epoch with the lowest watched loss: validation where there is any, else training."""
        watched = self.validation_loss or self.loss
        return self.index[watched.index(min(watched))] if watched else None

    def __len__(self) -> int:
        return len(self.loss)
