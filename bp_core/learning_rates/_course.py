"""One descent at one learning rate: its steps, and what it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bp_core.learning_rates import verdicts
from bp_core.learning_rates._slice import Slice

Float = NDArray[np.float64]

OVERSHOOTS = "overshoots"

MOST_TURNS = 1 / 3
"""A descent overshoots where its slope turns round in more than this part of its steps."""

LEAST_WAY = 1 / 2
"""Of the way from the start to the lowest point found; one that still falls and has done less crawls."""

STILL = 0.01
"""One whose last tenth of the steps adds less than this part to its fall no longer falls: it has found a bottom."""


@dataclass(frozen=True, eq=False)
class Course:
    """One descent: where it was, the loss there and its slope, from the start on; ``finite``: up to the last step."""

    positions: Float
    losses: Float
    slopes: Float
    finite: bool


def descend(surface: Slice, start: Float, rate: float, steps: int) -> Course:
    """Return the steps of gradient descent, up to the last point where all is finite."""
    points = [(start, *surface.slope(start))]
    while len(points) <= steps:
        position, _, slope = points[-1]
        with np.errstate(over="ignore", invalid="ignore"):
            position = position - rate * slope
        if not surface.holds(position):
            break
        value, slope = surface.slope(position)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            break
        points.append((position, value, slope))
    positions, losses, slopes = zip(*points, strict=True)
    return Course(np.array(positions), np.array(losses), np.array(slopes), len(points) == steps + 1)


def name_courses(courses: Sequence[Course]) -> tuple[str, ...]:
    """Return what each of some descents from the same start is called beside the others."""
    first = float(courses[0].losses[0])
    lowest = min(courses, key=lambda course: float(course.losses.min()))
    at = int(lowest.losses.argmin())
    furthest = first - float(lowest.losses[at])
    judged = verdicts.judge(first, [c.losses[1:] for c in courses], [c.finite for c in courses], furthest)
    return tuple(
        _name(verdict.name, course, lowest.positions[at]) for verdict, course in zip(judged, courses, strict=True)
    )


def _name(verdict: str, course: Course, lowest: Float) -> str:
    if verdict == verdicts.DIVERGES:
        return verdict
    if _turns(course.slopes) > MOST_TURNS:
        return OVERSHOOTS
    if verdict == verdicts.CONVERGES and _has_far_to_go(course, lowest):
        return verdicts.CRAWLS
    return verdict


def _turns(slopes: Float) -> float:
    """The share of the steps in which the slope points against the one before."""
    scale = np.abs(slopes).max(axis=1, keepdims=True)
    directions = slopes / np.where(scale > 0, scale, 1)
    return float(((directions[1:] * directions[:-1]).sum(axis=1) < 0).mean())


def _has_far_to_go(course: Course, lowest: Float) -> bool:
    """Whether it still falls, and has not done half the way to the lowest point found."""
    losses = course.losses
    fall, newest = losses[0] - losses[-1], losses[-1 - verdicts.tenth(losses[1:])] - losses[-1]
    way, left = (float(np.linalg.norm(lowest - point)) for point in (course.positions[0], course.positions[-1]))
    return bool(newest > STILL * fall and left > (1 - LEAST_WAY) * way)
