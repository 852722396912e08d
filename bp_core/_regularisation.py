"""What a trainer is told about regularisation, checked and put as the engine's recipe takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bp_core import _checks
from bp_core._recipe import Recipe


class Regularisation(NamedTuple):
    """Penalties, bounds, dropout and averaging, as given but checked."""

    l2: float
    l1: float
    dropout: tuple[float, ...]
    clip_norm: float | None
    max_norm: float | None
    average_decay: float | None

    def complete(self, recipe: Recipe, dropout_key: int) -> Recipe:
        """The recipe with all of this."""
        return recipe._replace(
            l2=self.l2,
            l1=self.l1,
            clip_norm=self.clip_norm or 0.0,
            max_norm=self.max_norm or 0.0,
            average_share=0.0 if self.average_decay is None else 1.0 - self.average_decay,
            dropout=self.dropout,
            dropout_key=dropout_key,
        )


def check(
    dtype: np.dtype[Any],
    n_hidden: int,
    *,
    l2: object,
    l1: object,
    dropout: object,
    clip_norm: object,
    max_norm: object,
    average_decay: object,
) -> Regularisation:
    """Raise for a setting outside its range."""
    found = Regularisation(
        _checks.number_from_zero("l2", l2),
        _checks.number_from_zero("l1", l1),
        dropout_rates(dropout, n_hidden),
        None if clip_norm is None else _checks.positive_number("clip_norm", clip_norm),
        None if max_norm is None else _checks.positive_number("max_norm", max_norm),
        None if average_decay is None else _decay(average_decay),
    )
    for name in ("l2", "l1"):
        _checks.check_representable(name, getattr(found, name), dtype)
    return found


def dropout_rates(dropout: object, n_hidden: int) -> tuple[float, ...]:
    """A rate for each hidden layer; none where nothing is dropped."""
    if isinstance(dropout, (Sequence, np.ndarray)) and not isinstance(dropout, str):
        rates = tuple(_rate(rate) for rate in dropout)
        if len(rates) != n_hidden:
            raise ValueError(f"dropout has {len(rates)} rates; expected one for each of the {n_hidden} hidden layers")
    else:
        rates = (_rate(dropout),) * n_hidden
        if n_hidden == 0 and dropout != 0:
            raise ValueError(f"dropout is {dropout!r}; this network has no hidden layer to drop units of")
    return rates if any(rates) else ()


def _rate(rate: object) -> float:
    if not _checks.is_number(rate) or not 0 <= rate <= 0.999:  # type: ignore[operator]
        raise ValueError(f"dropout is {rate!r}; expected the share of units to drop, from 0 to 0.999")
    return float(rate)  # type: ignore[arg-type]


def _decay(decay: object) -> float:
    if not _checks.is_number(decay) or not 0 <= decay < 1:  # type: ignore[operator]
        raise ValueError(f"average_decay is {decay!r}; expected None or a number from 0 up to, not including, 1")
    return float(decay)  # type: ignore[arg-type]
