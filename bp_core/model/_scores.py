"""How good predictions are: for classes or for numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Predictions of classes beside the truth.

    Attributes
    ----------
    n_rows : int
    accuracy : float
        Share of the rows whose likeliest class is the right one.
    log_loss : float
        Mean of -log(probability of the right class).
    classes : tuple of str
    confusion : ndarray of int, (n_classes, n_classes)
        Rows by true class (down) and predicted class (across).
    """

    n_rows: int
    accuracy: float
    log_loss: float
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @property
    def score(self) -> float:
        """The one number to compare by: the accuracy."""
        return self.accuracy

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "n_rows": self.n_rows,
            "accuracy": self.accuracy,
            "log_loss": self.log_loss,
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
        }

    def __str__(self) -> str:
        return f"accuracy {self.accuracy:.1%} of {self.n_rows:,} rows, log loss {self.log_loss:.4g}"


@dataclass(frozen=True)
class NumberScores:
    """Predictions of numbers beside the truth, in the target's own units.

    Attributes
    ----------
    n_rows : int
    rmse : float
        Root of the mean squared error.
    mae : float
        Mean absolute error.
    r2 : float
        1 - (squared error) / (squared error of always the mean of these rows); NaN where all are equal.
    """

    n_rows: int
    rmse: float
    mae: float
    r2: float

    @property
    def score(self) -> float:
        """The one number to compare by: R squared."""
        return self.r2

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        r2 = self.r2 if np.isfinite(self.r2) else None
        return {"n_rows": self.n_rows, "rmse": self.rmse, "mae": self.mae, "r2": r2}

    def __str__(self) -> str:
        return f"R\N{SUPERSCRIPT TWO} {self.r2:.4f} over {self.n_rows:,} rows, RMSE {self.rmse:.4g}, MAE {self.mae:.4g}"


Scores = ClassScores | NumberScores


def score_classes(output: Real, right: NDArray[np.int64], classes: tuple[str, ...]) -> ClassScores:
    """Compare probabilities (n, n_classes) with class indices."""
    n, m = output.shape
    likeliest = output.argmax(axis=1)
    confusion = np.bincount(right * m + likeliest, minlength=m * m).reshape(m, m)
    tiny = np.finfo(output.dtype).tiny
    log_loss = float(-np.log(np.maximum(output[np.arange(n), right], tiny), dtype=np.float64).mean())
    return ClassScores(n, float(np.mean(likeliest == right)), log_loss, classes, confusion)


def score_numbers(predicted: Real, right: Real) -> NumberScores:
    """Compare numbers in their own units."""
    error = predicted - right
    squares, spread = float(error @ error), float(((right - right.mean()) ** 2).sum())
    r2 = 1 - squares / spread if spread > 0 else float("nan")
    return NumberScores(len(right), float(np.sqrt(squares / len(right))), float(np.abs(error).mean()), r2)


def read_scores(found: dict[str, Any]) -> Scores:
    """Read what ``to_dict`` of scores wrote; raise where a field is not what it should be."""
    for name, value in found.items():
        if name not in ("classes", "confusion", "r2") and (type(value) not in (int, float) or value < 0):
            raise TypeError(f"{name} is {value!r}")
    if "confusion" in found:
        n = len(found["classes"])
        if not all(isinstance(name, str) for name in found["classes"]) or np.shape(found["confusion"]) != (n, n):
            raise TypeError("the confusion of classes is none")
        confusion = np.array(found["confusion"], np.int64)
        return ClassScores(**{**found, "classes": tuple(found["classes"]), "confusion": confusion})
    return NumberScores(**{**found, "r2": float("nan") if found["r2"] is None else found["r2"]})
