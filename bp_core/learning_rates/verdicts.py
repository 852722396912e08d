"""The rules by which a training's losses earn it a name: diverges, unstable, crawls or converges.

All trainings of a comparison begin at the same loss, the *first loss*: that of the start, before any step. A training's
losses are those of its epochs. Its *end* is their mean over the last tenth (rounded up to whole epochs), its *fall* the
first loss minus the end. The first rule that holds gives the name:

diverges
    A loss or a parameter is not finite, or the end is above the first loss.
unstable
    The loss rises in more than a third of the steps from one epoch to the next. A rise of less than ``SLIGHT`` times
    the first loss does not count: at the bottom the order of the batches lifts the loss now and then, at any rate.
crawls
    The fall is under half of the best rate's fall, or there is none; the best rate is the one with the largest fall
    among those that do not diverge.
converges
    None of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Losses = NDArray[np.float64]

DIVERGES, UNSTABLE, CRAWLS, CONVERGES = "diverges", "unstable", "crawls", "converges"

SLIGHT = 1e-3
"""A rise or a fall of less than this part of the first loss is none."""

MOST_RISES = 1 / 3
LEAST_FALL = 1 / 2


@dataclass(frozen=True)
class Verdict:
    """What one training is called, why, and the figures that decided it.

    Attributes
    ----------
    name : str
        "diverges", "unstable", "crawls" or "converges".
    reason : str
        Why, in words.
    end : float
        Mean loss of the last tenth of the epochs.
    fall : float
        From the first loss to the end.
    rising : float
        Share of the steps from one epoch to the next in which the loss rises.
    finite : bool
        Whether losses and parameters stayed finite to the end.
    """

    name: str
    reason: str
    end: float
    fall: float
    rising: float
    finite: bool = True

    def adding(self, remark: str) -> Verdict:
        """Return this verdict with a remark to its reason."""
        return replace(self, reason=f"{self.reason}; {remark}") if remark else self


def tenth(losses: Sequence[Any] | Losses) -> int:
    """Return how many epochs a tenth of a training is, at least one."""
    return max(1, math.ceil(len(losses) / 10))


def end_of(losses: Losses) -> float:
    """Return the mean of the last tenth; NaN where there is no loss."""
    if len(losses) == 0:
        return math.nan
    last = losses[-tenth(losses) :]
    return float((last / len(last)).sum())  # divided first: the sum of huge losses would overflow


def rising(first: float, losses: Losses) -> float:
    """Return the share of the steps from one epoch to the next in which the loss rises."""
    if len(losses) < 2:
        return 0.0
    return float(np.mean(np.diff(losses) > SLIGHT * first))


def stands_still(first: float, losses: Losses) -> bool:
    """Whether the last tenth is not lower than the tenth before it."""
    n = tenth(losses)
    if len(losses) < 2 * n:
        return False
    return not end_of(losses) < end_of(losses[:-n][-n:]) - SLIGHT * first


def judge(first: float, courses: Sequence[Losses], finite: Sequence[bool], furthest: float = 0.0) -> list[Verdict]:
    """Return a verdict for the losses of each training that began at the loss ``first``.

    ``finite`` tells which trainings reached their end with finite losses and parameters, ``furthest`` how far the
    loss is known to fall at least.
    """
    ends = [end_of(losses) for losses in courses]
    falls = [first - end for end in ends]
    stay = [bool(ok) and end <= first for ok, end in zip(finite, ends, strict=True)]
    best = max(furthest, *(fall for fall, ok in zip(falls, stay, strict=True) if ok), 0.0)
    verdicts = []
    for losses, end, fall, ok in zip(courses, ends, falls, finite, strict=True):
        share = rising(first, losses)
        name, reason = _name(first, len(losses), end, share, best, ok)
        verdicts.append(Verdict(name, reason, end, fall, share, bool(ok)))
    return verdicts


def _name(first: float, epochs: int, end: float, share: float, best: float, finite: bool) -> tuple[str, str]:
    """The name, and why in words; epochs are counted from 0, so ``epochs`` is the first that is not there."""
    fall = first - end
    if not finite:
        return DIVERGES, f"no longer finite in epoch {epochs}"
    if not fall >= 0:
        return DIVERGES, f"ended at {end:.3g}, above the first loss {first:.3g}"
    if share > MOST_RISES:
        return UNSTABLE, f"rose in {percent(share)} of the epochs"
    if fall == 0:
        return CRAWLS, "did not fall"
    if fall < LEAST_FALL * best:
        return CRAWLS, f"fell {percent(fall / best)} as far as at the best rate"
    return CONVERGES, "fell furthest" if fall == best else f"fell {percent(fall / best)} as far as at the best rate"


def percent(share: float) -> str:
    """Return a share in words: "45 %", "0.3 %"."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def recommend(rates: Sequence[float], verdicts: Sequence[Verdict], ends: Sequence[float]) -> float | None:
    """Return the converging rate with the lowest end; None where none converges."""
    found = [(end, rate) for rate, verdict, end in zip(rates, verdicts, ends, strict=True) if verdict.name == CONVERGES]
    return min(found)[1] if found else None


def advise(rates: Sequence[float], verdicts: Sequence[Verdict], ends: Sequence[float], best: float | None) -> str:
    """Return what to do next, in a sentence or two."""
    if best is None:
        return _without_best(rates, verdicts)
    said = [f"Recommended: {best:g}.", *_lower(rates, verdicts, ends, ends[list(rates).index(best)])]
    if best == max(rates) and len(rates) > 1:
        said.append("It is the largest rate tried: a larger one may do better.")
    elif best == min(rates) and len(rates) > 1:
        said.append("It is the smallest rate tried: a smaller one may do better.")
    return " ".join(said)


def _without_best(rates: Sequence[float], verdicts: Sequence[Verdict]) -> str:
    if all(verdict.name == DIVERGES for verdict in verdicts):
        return f"Every rate diverges: try rates below {min(rates):g}, or scale the inputs."
    unstable = [rate for rate, verdict in zip(rates, verdicts, strict=True) if verdict.name == UNSTABLE]
    if unstable:
        return f"No rate converges: try rates just below {min(unstable):g}."
    return "The loss does not fall at any rate: the rate is not what is wrong."


def _lower(rates: Sequence[float], verdicts: Sequence[Verdict], ends: Sequence[float], end: float) -> list[str]:
    """What is said of the unstable rate that ended lowest, if that is lower than the best."""
    unstable = [
        (found, rate) for rate, verdict, found in zip(rates, verdicts, ends, strict=True) if verdict.name == UNSTABLE
    ]
    if not unstable or not min(unstable)[0] < end:
        return []
    lowest, rate = min(unstable)
    return [f"The rate {rate:g} ended lower ({lowest:.3g}, not {end:.3g}), but jumps about."]
