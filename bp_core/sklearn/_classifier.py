"""MLPClassifier: scikit-learn's, on this library's engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from bp_core.losses import CODES, Objective
from bp_core.optimizers import Optimizer
from bp_core.sklearn import _convert, _parameters
from bp_core.sklearn._base import BaseMLP
from bp_core.sklearn._held_out import Rows
from bp_core.sklearn._scores import Accuracy

Real = NDArray[Any]
FLOATS = (np.float64, np.float32)


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A multi-layer perceptron that tells classes apart, with the settings and the numbers of scikit-learn's.

    Settings up to ``max_fun`` are those of ``sklearn.neural_network.MLPClassifier``, with its defaults; those
    behind it are new, and change nothing by default.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer; () for none.
    activation : str or list of str, default "relu"
        Of the hidden layers: "identity", "logistic", "tanh", "relu"; beyond scikit-learn "leaky_relu", "elu", "gelu",
        "silu", "softplus", "softsign", and a list with one for each hidden layer.
    solver : str or optimizer, default "adam"
        "lbfgs" (SciPy's L-BFGS-B on all rows), "sgd", "adam"; beyond scikit-learn this library's other optimizers that
        take batches, "rmsprop", "adagrad", "adamw", "nadam", "rprop", or one with its own settings:
        ``bp.RMSprop(rho=0.9)``.
    alpha : float, default 0.0001
        Strength of the L2 penalty: alpha / 2 sum W^2, divided by the size of the batch, is added to its loss.
    batch_size : int or "auto", default "auto"
        Rows of a batch; "auto" is 200, or all rows where there are fewer. Not for lbfgs.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        For sgd. "invscaling": ``learning_rate_init / (t_ + 1) ** power_t``, set after each epoch. "adaptive": divided
        by 5 each time that training would have stopped for want of an improvement, and the end once it is below 1e-6.
    learning_rate_init : float, default 0.001
        The rate at the start; not for lbfgs, nor for a solver given as an object, which has its own.
    power_t : float, default 0.5
        Exponent of "invscaling".
    max_iter : int, default 200
        Most epochs, or iterations of lbfgs.
    shuffle : bool, default True
        Go through the rows in a new order in each epoch.
    random_state : int, RandomState or None, default None
        Of initial weights, orders and the rows held out: the draws are scikit-learn's, one by one.
    tol : float, default 0.0001
        What counts as an improvement of the loss, or of the score with ``early_stopping``.
    verbose : bool or int, default False
        Print the loss of each epoch.
    warm_start : bool, default False
        Let ``fit`` go on from the parameters there are.
    momentum : float, default 0.9
        For sgd, from 0 to 1.
    nesterovs_momentum : bool, default True
        For sgd.
    early_stopping : bool, default False
        Hold rows out, stop once their score no longer improves, and go back to the best parameters. Not for lbfgs.
    validation_fraction : float, default 0.1
        The share of rows that ``early_stopping`` holds out.
    beta_1, beta_2 : float, default 0.9, 0.999
        Decay of adam's two means.
    epsilon : float, default 1e-8
        Beside the root in adam's denominator.
    n_iter_no_change : int, default 10
        Epochs without an improvement that end the training.
    max_fun : int, default 15000
        Most evaluations of the loss by lbfgs.
    class_weight : dict, "balanced" or None, default None
        Weight of each class, which multiplies the rows' weights; "balanced": n / (classes * rows of the class).
    dropout : float or list of float, default 0.0
        The share of a hidden layer's units that each row leaves out in training, one for all layers or one each; what
        is left is scaled up. Not for lbfgs. The masks come from ``random_state``, after the draws of scikit-learn.
    callbacks : callable or list of callables, optional
        Each is called with the estimator after each epoch: ``n_iter_``, ``loss_``, ``coefs_`` and all else are up to
        date. Returning True ends the training. Not for lbfgs.
    progress : bool, default False
        Show a bar over the epochs (needs tqdm). Not for lbfgs.
    n_threads : int, optional
        At most so many threads; None: as many as help. The result does not depend on it.
    transform_layer : int, default -1
        The hidden layer whose activations ``transform`` returns, counted from 0; -1 is the last.

    Attributes
    ----------
    classes_ : ndarray
        The labels, sorted.
    coefs_, intercepts_ : list of ndarray
        W (fan_in, fan_out) and b (fan_out,) of each layer: what predictions use, to be changed in place or replaced.
    loss_ : float
        The latest loss, penalty included.
    loss_curve_ : list of float
        The loss of each epoch: the mean over its rows of the batches' losses, each before its step. Not for lbfgs.
    best_loss_ : float or None
        The lowest; None with ``early_stopping``.
    validation_scores_ : list of float or None
        The held-out rows' score after each epoch: the share of rows all of whose labels are right.
    best_validation_score_ : float or None
        The highest.
    n_iter_, t_ : int
        Epochs of the latest fit; rows seen in all.
    n_layers_, n_outputs_ : int
        Layers, inputs and outputs counted too; columns of the output.
    out_activation_ : str
        "softmax" for three classes and more, else "logistic".
    n_features_in_, feature_names_in_
        Columns of X; their names, where X had any.

    Notes
    -----
    With p the output, y the indicators and w the weights, a batch's loss is -sum_s w_s sum_j y log p / sum_s w_s for
    "softmax", with (1 - y) log(1 - p) added for "logistic"; then comes the penalty.

    Examples
    --------
    >>> import bp_core as bp
    >>> from bp_core.sklearn import MLPClassifier
    >>> X, y = bp.data.load_digits()
    >>> model = MLPClassifier((32,), tol=0.005, n_iter_no_change=3, random_state=0).fit(X[:1000] / 16, y[:1000])
    >>> bool(model.score(X[1000:] / 16, y[1000:]) > 0.9)
    True
    """

    loss = "log_loss"
    class_weight: Mapping[Any, float] | str | None
    classes_: NDArray[Any]
    _label_binarizer: LabelBinarizer
    _rules: ClassVar = {
        **_parameters.COMMON,
        "class_weight": (
            _parameters.NONE,
            _parameters.word("balanced"),
            _parameters.instance(dict, "dict"),
            _parameters.instance(list, "list"),
        ),
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Mapping[Any, float] | str | None = None,
        dropout: float | Sequence[float] = 0.0,
        callbacks: Callable[[Any], object] | Sequence[Callable[[Any], object]] | None = None,
        progress: bool = False,
        n_threads: int | None = None,
        transform_layer: int = -1,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.dropout = dropout
        self.callbacks = callbacks
        self.progress = progress
        self.n_threads = n_threads
        self.transform_layer = transform_layer

    # ---------------------------------------------------------------- training
    @available_if(lambda model: model._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch over these rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        classes : array-like, (n_classes,), optional
            All labels there will be; needed in the first call, and the same in every call that names them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For labels that are not among the classes, and with ``early_stopping`` or a "balanced" ``class_weight``.
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight 'balanced' needs all rows at once; for partial_fit give a dict of weights")
        if self._meets_classes(classes):
            self._label_binarizer = LabelBinarizer()
            self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _meets_classes(self, classes: ArrayLike | None) -> bool:
        """Take over the labels of a first call; raise where they are missing, or not those of before."""
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is None:
            return False
        labels = unique_labels(classes)
        if known is not None and not np.array_equal(known, labels):
            raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}")
        self.classes_ = labels
        return known is None

    def _read(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Real, Real]:
        X, y = validate_data(self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=FLOATS, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if hasattr(self, "classes_") and (self.warm_start or incremental):
            self._check_labels(unique_labels(y))
            return X, y, self._indicators(y)
        self._label_binarizer = LabelBinarizer().fit(y)
        self.classes_ = self._label_binarizer.classes_
        return X, y, self._indicators_of_known(y)

    def _check_labels(self, labels: Real) -> None:
        """Raise for labels that are not those of before."""
        if self.warm_start:
            if set(labels) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {labels}"
                )
        elif len(np.setdiff1d(labels, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {labels}."
            )

    def _indicators(self, y: Any) -> Real:
        """The labels as rows of True and False."""
        targets: Real = self._label_binarizer.transform(y).astype(bool)
        return targets

    def _indicators_of_known(self, y: Any) -> Real:
        """The same of labels whose kind and classes the binarizer has just seen: it would look for both again."""
        several = self._label_binarizer.y_type_ == "multiclass"
        if y.ndim != 1 or not (several or len(self.classes_) == 2):
            return self._indicators(y)
        targets: Real = y[:, None] == (self.classes_ if several else self.classes_[1:])
        return targets

    def _read_more(self, X: Any, y: Any) -> tuple[Any, Real]:
        X, y = validate_data(self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=FLOATS, reset=False)
        return X, self._indicators(y)

    def _weigh(self, y: Real, weights: Real | None) -> Real | None:
        if self.class_weight is None:
            return weights
        of_classes: Real = compute_sample_weight(self.class_weight, y)
        return of_classes if weights is None else of_classes * weights

    def _choose_output(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _objective(self) -> Objective:
        return Objective(CODES["cross_entropy" if self.out_activation_ == "softmax" else "binary_cross_entropy"])

    def _stratified(self) -> bool:
        return self.n_outputs_ == 1

    def _score_for(self, rows: Rows) -> Accuracy:
        return Accuracy(rows.targets, rows.weights, self.out_activation_ == "softmax")

    # -------------------------------------------------------------- prediction
    def predict(self, X: Any) -> Real:
        """Return the most likely label of each row.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)

        Returns
        -------
        ndarray, (n,), or (n, n_outputs) indicators where a row may have several labels
        """
        p = self._outputs(X)
        labels: Real
        if self.out_activation_ == "softmax":
            labels = self.classes_[p.argmax(axis=1)]
        elif self.n_outputs_ == 1 and len(self.classes_) == 2:
            labels = self.classes_[(p[:, 0] > 0.5).astype(np.intp)]
        else:
            labels = self._label_binarizer.inverse_transform(p[:, 0] if self.n_outputs_ == 1 else p)
        return labels

    def predict_proba(self, X: Any) -> Real:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)

        Returns
        -------
        ndarray, (n, n_classes)
            In the order of ``classes_``; where a row may have several labels, each column for itself.
        """
        p = self._outputs(X)
        return np.concatenate([1 - p, p], axis=1) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> Real:
        """Return the logarithm of :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)

        Returns
        -------
        ndarray, (n, n_classes)
        """
        p = self.predict_proba(X)
        logarithms: Real = np.log(p, out=p)
        return logarithms

    # -------------------------------------------------------------- conversion
    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Return this class's estimator for a fitted one of scikit-learn: same settings, same predictions.

        Parameters
        ----------
        model : sklearn.neural_network.MLPClassifier

        Returns
        -------
        MLPClassifier
            Ready to predict, and to be trained further; the optimizer starts afresh.

        Raises
        ------
        TypeError
            If ``model`` is something else.
        """
        return _convert.from_sklearn(cls, model)

    def to_sklearn(self) -> Any:
        """Return scikit-learn's estimator for this fitted one: same settings, same predictions.

        Returns
        -------
        sklearn.neural_network.MLPClassifier

        Raises
        ------
        ValueError
            For settings that scikit-learn lacks.
        """
        return _convert.to_sklearn(self)

    def __sklearn_tags__(self) -> Any:
        """Say that rows may have several labels."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
