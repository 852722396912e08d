"""Fitted estimators of scikit-learn's from ours, and ours from those, by public attributes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn import neural_network
from sklearn.base import is_classifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from bp_core.sklearn import _network

if TYPE_CHECKING:
    from bp_core.sklearn._base import BaseMLP

Model = TypeVar("Model", bound="BaseMLP")
FITTED = (
    *("n_layers_", "n_outputs_", "out_activation_", "n_iter_", "t_", "loss_", "loss_curve_", "best_loss_"),
    *("validation_scores_", "best_validation_score_", "n_features_in_", "feature_names_in_", "classes_"),
)
"""The attributes that both have; those of the stochastic solvers may be missing."""

CHOICES = {
    "activation": ("identity", "logistic", "tanh", "relu"),
    "solver": ("lbfgs", "sgd", "adam"),
    "loss": ("squared_error", "poisson"),
    "dropout": (0.0,),
    "class_weight": (None,),
}
"""What scikit-learn knows, where this library knows more."""


def from_sklearn(cls: type[Model], model: Any) -> Model:
    """Our estimator for a fitted one of scikit-learn."""
    counterpart = _counterpart(cls)
    if not isinstance(model, counterpart):
        given = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model is {given}; expected a fitted {counterpart.__name__} of scikit-learn")
    check_is_fitted(model)
    ours = cls(**model.get_params(deep=False))
    _copy_attributes(model, ours)
    if is_classifier(ours):
        ours._label_binarizer = LabelBinarizer().fit(_labels_like(ours))
    _network.build(ours, model.coefs_, model.intercepts_)
    ours._best_parameters = ours._network.get_parameters()
    ours._no_improvement_count = 0
    return ours


def to_sklearn(model: BaseMLP) -> Any:
    """scikit-learn's estimator for a fitted one of ours.

    It is made whole by an epoch of its own over made-up rows, then given our numbers.
    """
    check_is_fitted(model)
    counterpart = _counterpart(type(model))
    settings = _their_settings(model, counterpart)
    loss = {"loss": "poisson"} if model.out_activation_ == "exp" else {}
    units = [W.shape[1] for W in model.coefs_[:-1]]
    theirs = counterpart(hidden_layer_sizes=units, solver="sgd", **loss)
    X = np.zeros((2, model.n_features_in_), dtype=model.coefs_[0].dtype)
    if is_classifier(model):
        y = _labels_like(model)
        theirs.partial_fit(X, np.resize(y, (2, *y.shape[1:])), classes=model.classes_)
    else:
        theirs.partial_fit(X, np.zeros((2, model.n_outputs_)) if model.n_outputs_ > 1 else np.zeros(2))
    vars(theirs).pop("_optimizer", None)  # made for the made-up rows; it makes another where there is none
    theirs.set_params(**settings)
    _copy_attributes(model, theirs)
    theirs.coefs_ = [np.array(array, order="C") for array in model.coefs_]
    theirs.intercepts_ = [np.array(array) for array in model.intercepts_]
    return theirs


def _counterpart(cls: type[BaseMLP]) -> Any:
    """scikit-learn's class of the same name."""
    name = next(base.__name__ for base in cls.__mro__ if hasattr(neural_network, base.__name__))
    return getattr(neural_network, name)


def _labels_like(model: Any) -> Any:
    """Labels of the kind that a classifier was trained on, all classes among them."""
    if model.out_activation_ == "logistic" and model.n_outputs_ > 1:
        return np.arange(2 * model.n_outputs_).reshape(2, -1) % 2
    return model.classes_


def _their_settings(model: BaseMLP, counterpart: Any) -> dict[str, Any]:
    """The settings that scikit-learn has too; raise for a value that it does not know."""
    given, known = model.get_params(deep=False), counterpart().get_params(deep=False)
    for name, choices in CHOICES.items():
        if name in given and given[name] not in choices:
            raise ValueError(f"{name} is {given[name]!r}; scikit-learn's {counterpart.__name__} has no such choice")
    return {name: value for name, value in given.items() if name in known}


def _copy_attributes(source: Any, target: Any) -> None:
    for name in FITTED:
        if hasattr(source, name):
            value = getattr(source, name)
            setattr(target, name, list(value) if isinstance(value, list) else value)
        elif name in vars(target):
            delattr(target, name)
