"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks
from bp_core._names import read_names
from bp_core.plot._canvas import new_axes
from bp_core.plot._classes import Classes, read_class_names, read_classes, refuse_probabilities

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Real = NDArray[Any]

MOST_CLASSES = 100


def confusion_matrix(
    y_true: ArrayLike,
    y_predicted: ArrayLike,
    *,
    class_names: Sequence[object] | None = None,
    normalize: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each class was taken for each.

    Parameters
    ----------
    y_true, y_predicted : array_like
        Class indices (n,); or rows (n, classes), of which the largest number tells the class, as a softmax output
        gives them; or probabilities (n,) or (n, 1) of class 1, as one sigmoid gives them, cut at 0.5.
    class_names : sequence of str, optional
        In the order of the indices.
    normalize : bool, default False
        Write the share of each true class in percent instead of counts; a class without rows shows none.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib Axes
        The title tells how many were right.

    Raises
    ------
    ValueError
        If the lengths differ, a number is neither class nor probability, or one probability a row is given and there
        are more than two classes; more than 100 classes.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> ax = bp.plot.confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2], class_names=["cat", "dog", "owl"])
    >>> ax.get_title()
    '3 of 4 right (75.0 %)'
    >>> plt.close(ax.figure)
    """
    true, predicted = read_classes("y_true", y_true), read_classes("y_predicted", y_predicted)
    if len(true.of_row) != len(predicted.of_row):
        raise ValueError(
            f"y_true has {len(true.of_row)} rows and y_predicted {len(predicted.of_row)}; expected as many"
        )
    n_classes = _count_classes(true, predicted, class_names)
    names = read_class_names(class_names, n_classes)
    for name, classes in (("y_true", true), ("y_predicted", predicted)):
        refuse_probabilities(name, classes, n_classes)
    normalize = _checks.boolean("normalize", normalize)
    counts = _count(true.of_row, predicted.of_row, n_classes)
    side = max(3.6, 1.8 + 0.42 * n_classes)
    axes = new_axes(ax, (side, side))
    _paint(axes, counts, normalize)
    _write_axes(axes, names, counts)
    return axes


def _count_classes(true: Classes, predicted: Classes, class_names: object) -> int:
    """As many as any of the arguments knows of, two at least."""
    named = read_names("class_names", class_names) or ()
    n_classes = max(2, true.at_least, predicted.at_least, len(named))
    if n_classes > MOST_CLASSES:
        raise ValueError(f"there are {n_classes} classes; expected at most {MOST_CLASSES}, whose numbers one can read")
    return n_classes


def _count(true: Real, predicted: Real, n_classes: int) -> NDArray[np.int64]:
    """How many rows of each true class (row) were taken for each (column)."""
    return np.bincount(true * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def _paint(axes: Axes, counts: NDArray[np.int64], normalize: bool) -> None:
    """Cells darker by their share of the true class, each with its number."""
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    letters = 4 if normalize else len(str(counts.max()))
    size = max(4.0, min(10.0, _cell_points(axes, len(counts)) / (0.6 * letters + 0.8)))
    for (row, column), count in np.ndenumerate(counts):
        text = _percent(shares[row, column], rows[row, 0]) if normalize else str(count)
        colour = "white" if shares[row, column] > 0.5 else "#999999" if count == 0 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _cell_points(axes: Axes, n_classes: int) -> float:
    """How wide a cell is."""
    return float(axes.get_window_extent().width) * 72 / axes.figure.dpi / n_classes


def _percent(share: float, rows: int) -> str:
    return f"{100 * share:.0f}%" if rows else "\N{EN DASH}"


def _write_axes(axes: Axes, names: tuple[str, ...], counts: NDArray[np.int64]) -> None:
    """Names of the classes, and how many were right."""
    right, total = int(np.trace(counts)), int(counts.sum())
    axes.set_title(f"{right} of {total} right ({right / total:.1%})".replace("%", " %"))
    long = max(map(len, names)) > 3
    axes.set_xticks(range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
