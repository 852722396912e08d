"""Gradient descent on a slice of the loss surface: one or two parameters move, all others stay."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks
from bp_core.learning_rates._course import Course, descend, name_courses
from bp_core.learning_rates._rates import read_rates
from bp_core.learning_rates._slice import Slice
from bp_core.losses import LossLike
from bp_core.network import Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Float = NDArray[np.float64]
Span = tuple[float, float]

AS_HIGH = 4.0
"""The picture holds the points whose loss is at most so many times the first, and a margin around them."""

MARGIN = 0.2


def draw_descent(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    learning_rates: float | Iterable[float],
    *,
    parameters: Iterable[str] = ("W1",),
    steps: int = 30,
    loss: LossLike = "auto",
    span: Sequence[Any] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Descent:
    """Follow plain gradient descent on a slice of the loss surface, once for each learning rate.

    Parameters
    ----------
    net : Network
        Where every descent starts; it is not changed. Its other parameters stay as they are.
    X, y, loss
        As for :meth:`Network.loss`.
    learning_rates : float or iterable of float
        Positive numbers that differ, a panel each, in their order. There are none by default: which are small and
        which are large, only the loss can tell.
    parameters : iterable of str, default ("W1",)
        One or two, by name: "W1", "W2", ... are ``weights[0]`` in C order, then ``weights[1]``; biases "b1" likewise.
    steps : int, default 30
        At most; a descent ends early where a number is no longer finite.
    span : (low, high), or two of them, optional
        What the picture shows of each parameter. None: all points whose loss is at most 4 times the first.
    path : str or path-like, optional
        Also save a picture: the animation where the name ends in ``.gif``, else the still one (.png, .svg, .pdf).

    Returns
    -------
    Descent
        ``.positions``, ``.losses``, ``.verdicts``, ``.plot()``, ``.animate(path)``.

    Raises
    ------
    ValueError
        If there is no such parameter (those there are are named), if a setting is outside its range, if the first loss
        is not finite, and as for :meth:`Network.loss`.
    ImportError
        For a path, without matplotlib, the extra ``plot``.

    Notes
    -----
    Each step is parameter -= learning_rate dLoss/dparameter, with derivatives by :meth:`Network.gradients`. A descent
    is named by the rules of :func:`sweep_learning_rates`, its losses being those after each step, with two more: one
    that does not diverge *overshoots* where its gradient points against the one before in more than a third of the
    steps; and "crawls" is measured by the lowest point that any of the descents has reached at any step: a descent
    crawls if its fall is under half of the fall to there, or if it still falls and has done under half of the way (it
    no longer falls where the last tenth of the steps adds less than 1 % to its fall).

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network.from_arrays([[[3.0]]], None, hidden=(), output="identity")
    >>> found = bp.draw_descent(net, [[1.0]], [[1.0]], (0.01, 0.5, 1.9, 2.1))
    >>> found.verdicts                                  # the loss is (W1 - 1)^2 / 2
    ('crawls', 'converges', 'overshoots', 'diverges')
    >>> found.positions[1][:4, 0]
    array([3.  , 2.  , 1.5 , 1.25])
    """
    if not isinstance(net, Network):
        raise TypeError(f"net is {type(net).__name__}; expected a bp.Network")
    names = _check_names(parameters)
    rates = read_rates(learning_rates)
    steps = _checks.positive_integer("steps", steps)
    surface = Slice(net, X, y, loss, names)
    start = surface.start()
    first = surface.loss(start)
    if not np.isfinite(first):
        raise ValueError(f"the loss is {first} at the start; expected a finite one: scale the inputs or targets")
    courses = [descend(surface, start, rate, steps) for rate in rates]
    found = Descent(surface, names, rates, tuple(courses), name_courses(courses), _spans(span, names, courses))
    if path is not None:
        _save(found, path)
    return found


def _check_names(parameters: Any) -> tuple[str, ...]:
    names = (parameters,) if isinstance(parameters, str) else tuple(parameters)
    if len(names) not in (1, 2) or len(set(names)) != len(names):
        raise ValueError(f'parameters is {parameters!r}; expected one or two names that differ, such as ("W1", "W2")')
    return names


def _spans(span: Any, names: tuple[str, ...], courses: list[Course]) -> tuple[Span, ...]:
    """What the picture shows of each parameter: as asked for, or around the points that are not too high."""
    if span is not None:
        given = np.asarray(span, dtype=np.float64).reshape(-1) if np.size(span) == 2 * len(names) else np.zeros(0)
        low, high = given[0::2], given[1::2]
        if not (given.size and np.isfinite(given).all() and (low < high).all()):
            shape = "(low, high)" if len(names) == 1 else "((low, high), (low, high))"
            raise ValueError(f"span is {span!r}; expected {shape} of {' and '.join(names)}, low below high")
        return tuple(zip(low.tolist(), high.tolist(), strict=True))
    first = courses[0].losses[0]
    shown = np.concatenate([course.positions[course.losses <= AS_HIGH * first] for course in courses])
    low, high = shown.min(axis=0), shown.max(axis=0)
    width = np.maximum(high - low, 1e-3 * np.maximum(1, np.abs(low)))
    return tuple(zip((low - MARGIN * width).tolist(), (high + MARGIN * width).tolist(), strict=True))


def _save(found: Descent, path: str | os.PathLike[str]) -> None:
    if os.fspath(path).lower().endswith(".gif"):
        found.animate(path)
        return
    figure = found.plot()
    import matplotlib.pyplot as plt  # there is one, now that there is a figure

    figure.savefig(path)
    plt.close(figure)


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
    """Gradient descent on a slice of the loss surface, at one or several learning rates.

    Attributes
    ----------
    surface : Slice
        The loss as a function of the parameters: ``surface.loss(position)``.
    parameters : tuple of str
        The names of those that move.
    learning_rates : tuple of float
    courses : tuple of Course
        ``.positions``, ``.losses``, ``.slopes`` of each.
    verdicts : tuple of str
        "diverges", "unstable", "overshoots", "crawls" or "converges" for each rate.
    span : tuple of (low, high)
        What the pictures show of each parameter.
    """

    surface: Slice
    parameters: tuple[str, ...]
    learning_rates: tuple[float, ...]
    courses: tuple[Course, ...]
    verdicts: tuple[str, ...]
    span: tuple[Span, ...]

    @property
    def positions(self) -> tuple[Float, ...]:
        """The parameters from the start on, (steps + 1, parameters) for each rate; fewer rows where it broke off."""
        return tuple(course.positions for course in self.courses)

    @property
    def losses(self) -> tuple[Float, ...]:
        """The loss at each of the positions."""
        return tuple(course.losses for course in self.courses)

    def __repr__(self) -> str:
        rates = ", ".join(f"{r:g} {name}" for r, name in zip(self.learning_rates, self.verdicts, strict=True))
        return f"<Descent along {' and '.join(self.parameters)}: {rates}>"

    def plot(self) -> Figure:
        """Draw a panel for each learning rate: the loss curve with points and tangents, or a contour map with the path.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        ImportError
            Without matplotlib, the extra ``plot``.
        """
        from bp_core.learning_rates import _descent_picture

        return _descent_picture.draw(self)

    def animate(self, path: str | os.PathLike[str], *, fps: int = 4) -> None:
        """Save the descents as an animated GIF, a frame for each step, the last one held for two seconds.

        Parameters
        ----------
        path : str or path-like
            A name that ends in ``.gif``.
        fps : int, default 4
            Frames in a second.

        Raises
        ------
        ValueError
            If the name does not end in ``.gif``.
        ImportError
            Without matplotlib, the extra ``plot``.
        """
        from bp_core.learning_rates import _descent_picture

        if not os.fspath(path).lower().endswith(".gif"):
            raise ValueError(f"path is {os.fspath(path)!r}; expected a name that ends in .gif")
        _descent_picture.animate(self, path, _checks.positive_integer("fps", fps))
