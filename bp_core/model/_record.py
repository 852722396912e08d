"""What is kept of a model's training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bp_core.model._scores import Scores, read_scores

MOST_LOSSES = 1000
"""Losses that are kept, evenly spread over the epochs, first and last among them."""


@dataclass(frozen=True, eq=False)
class Record:
    """What happened when a model was trained.

    Attributes
    ----------
    n_trained, n_held_out : int
        Rows.
    epochs : int
    losses : tuple of float
        Training loss of the epochs; of more than 1,000 evenly spread ones.
    stop_reason : str
        As in :class:`History`.
    seconds : float
        Spent in training; reading and encoding are not counted.
    seed : int
    scores : ClassScores, NumberScores or None
        On the rows held out; None where there are none.
    """

    n_trained: int
    n_held_out: int
    epochs: int
    losses: tuple[float, ...]
    stop_reason: str
    seconds: float
    seed: int
    scores: Scores | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        scores = None if self.scores is None else self.scores.to_dict()
        return {**self.__dict__, "losses": list(self.losses), "scores": scores}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Record:
        """Read what :meth:`to_dict` wrote; raise where a field is not what it should be."""
        for name in ("n_trained", "n_held_out", "epochs", "seed"):
            if type(found[name]) is not int or found[name] < 0:
                raise TypeError(f"{name} is {found[name]!r}")
        if not isinstance(found["stop_reason"], str) or not isinstance(found["seconds"], float):
            raise TypeError(f"stop_reason is {found['stop_reason']!r}, seconds {found['seconds']!r}")
        scores = None if found["scores"] is None else read_scores(found["scores"])
        return cls(**{**found, "losses": tuple(map(float, found["losses"])), "scores": scores})


def thinned(losses: list[float]) -> tuple[float, ...]:
    """All losses, or evenly spread ones."""
    if len(losses) <= MOST_LOSSES:
        return tuple(losses)
    last = len(losses) - 1
    return tuple(losses[round(i * last / (MOST_LOSSES - 1))] for i in range(MOST_LOSSES))
