"""scikit-learn's multi-layer perceptrons on this library's engine: the same numbers from the same settings, sooner.

>>> from bp_core.sklearn import MLPClassifier, MLPRegressor

Needs the extra ``sklearn``: ``pip install "bp-core[sklearn]"``.
"""

from importlib.util import find_spec as _find_spec

if _find_spec("sklearn") is None:
    raise ImportError("bp_core.sklearn needs scikit-learn 1.6 or newer: pip install 'bp-core[sklearn]'", name="sklearn")

from bp_core.sklearn._classifier import MLPClassifier
from bp_core.sklearn._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
