"""What a method that takes all rows as one batch works on, and whom it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from bp_core._recipe import Recipe
from bp_core._targets import Data
from bp_core.losses import Objective
from bp_core.network import Network

if TYPE_CHECKING:
    from bp_core._state import TrainerState


class AllRows(NamedTuple):
    """A network, the rows it learns, what it is to lower, and what outlives a fit."""

    net: Network
    data: Data
    objective: Objective
    recipe: Recipe
    """Read for its penalties."""
    state: TrainerState

    @property
    def size(self) -> float:
        """What the rows count for as a batch."""
        return float(self.data.X.shape[0] if self.data.sizes is None else self.data.sizes.sum() or 1.0)


class Books(Protocol):
    """Where a method reports."""

    def end_epoch(self, loss: float, rate: float, stop: str | None = None) -> bool:
        """Book an epoch that began with this loss and what stands for its learning rate; returns whether to go on."""

    def fail(self, status: int, bad_row: int = 0) -> NoReturn:
        """Raise for rows that could not be read, or a loss that is not finite."""

    def conclude(self, stop: str) -> None:
        """Give the reason why the method has nothing left to do."""
