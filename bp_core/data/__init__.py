"""Real data small enough to travel with the package."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import numpy.typing as npt

__all__ = ["load_digits"]


def load_digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return 1,797 handwritten digits, images and labels.

    The test set of Alpaydin and Kaynak's *Optical Recognition of Handwritten Digits* (UCI, 1998, CC BY 4.0), the values
    of ``sklearn.datasets.load_digits`` in the same order. Read from the installed package; no network is used.

    Returns
    -------
    X : numpy.ndarray, uint8, shape (1797, 64)
        One 8x8 image a row, row by row from the top left; ink per pixel, 0 (none) to 16 (all).
    y : numpy.ndarray, uint8, shape (1797,)
        The digit that was written, 0 to 9.

    Notes
    -----
    Source, licence and citation: ``bp_core/data/digits.md``. Both arrays are new at every call and may be changed.

    Examples
    --------
    >>> from bp_core.data import load_digits
    >>> X, y = load_digits()
    >>> X.shape, X.dtype.name, int(X.max())
    ((1797, 64), 'uint8', 16)
    >>> y[:10].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    >>> for row in X[0].reshape(8, 8):
    ...     print("".join(" .:*#"[ink // 4] for ink in row).rstrip())
      .*:
      **:*.
      *  ::
     .*  ::
     .:  ::
     .:  *.
      *.:*
      .*:
    """
    with (files(__name__) / "digits.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"]
