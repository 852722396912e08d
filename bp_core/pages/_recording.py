"""What a Replay hands over to its page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]


class Snapshot(NamedTuple):
    """The parameters after so many epochs, in the order of ``Network.get_parameters``."""

    epoch: int
    parameters: Real


@dataclass(frozen=True)
class Rows:
    """The rows that a page shows: which they are, their inputs and their targets."""

    which: NDArray[np.int64]
    X: Real
    y: Real
    """Class indices (n,), or rows of numbers (n, n_out)."""

    n_rows: int

    @cached_property
    def labels(self) -> NDArray[np.int64] | None:
        """The class of each row; None where the targets are numbers."""
        if self.y.ndim == 1:
            return self.y.astype(np.int64)
        zeros_and_ones = np.isin(self.y, (0, 1)).all()
        if self.y.shape[1] > 1:
            one_each = zeros_and_ones and (self.y.sum(axis=1) == 1).all()
            return self.y.argmax(axis=1) if one_each else None
        values, found = np.unique(self.y, return_inverse=True)
        return found.reshape(-1).astype(np.int64) if values.size == 2 else None


@dataclass(frozen=True)
class Recording:
    """A network of one's own, its snapshots, the loss of every epoch, and the rows to show."""

    net: Network
    snapshots: list[Snapshot]
    epochs: list[int]
    """After each epoch seen, how many are done: its index and 1."""

    losses: list[float]
    validation_losses: list[float]
    rows: Rows
    input_names: tuple[str, ...]
    class_names: tuple[str, ...] | None
