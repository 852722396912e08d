"""MLPRegressor: scikit-learn's, on this library's engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from bp_core import losses
from bp_core.losses import CODES, Objective
from bp_core.optimizers import Optimizer
from bp_core.sklearn import _convert, _parameters
from bp_core.sklearn._base import BaseMLP
from bp_core.sklearn._held_out import Rows
from bp_core.sklearn._scores import R2

Real = NDArray[Any]
OWN_LOSSES = ("mae", "huber", "quantile", "log_cosh")
"""Losses that scikit-learn lacks, by this library's names."""


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A multi-layer perceptron that estimates numbers, with the settings and the numbers of scikit-learn's.

    Settings up to ``max_fun`` are those of ``sklearn.neural_network.MLPRegressor``, with its defaults; those
    behind it are new, and change nothing by default.

    Parameters
    ----------
    loss : str or loss, default "squared_error"
        "squared_error"; "poisson", for counts: the output is exp(z), and y is at least 0. Beyond scikit-learn "mae",
        "huber", "quantile" (the median), "log_cosh", ``bp.Huber(threshold=...)``, ``bp.Quantile(level=...)``.
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
    coefs_, intercepts_ : list of ndarray
        W (fan_in, fan_out) and b (fan_out,) of each layer: what predictions use, to be changed in place or replaced.
    loss_ : float
        The latest loss, penalty included.
    loss_curve_ : list of float
        The loss of each epoch: the mean over its rows of the batches' losses, each before its step. Not for lbfgs.
    best_loss_ : float or None
        The lowest; None with ``early_stopping``.
    validation_scores_ : list of float or None
        The held-out rows' score after each epoch: R squared.
    best_validation_score_ : float or None
        The highest.
    n_iter_, t_ : int
        Epochs of the latest fit; rows seen in all.
    n_layers_, n_outputs_ : int
        Layers, inputs and outputs counted too; columns of the output.
    out_activation_ : str
        "identity", or "exp" for poisson.
    n_features_in_, feature_names_in_
        Columns of X; their names, where X had any.

    Notes
    -----
    With a the output and w the weights, a batch's loss is, divided by sum_s w_s, for "squared_error"
    1/2 sum_s w_s mean_j (y - a)^2, with the gradient of the sum over j, as in scikit-learn; for "poisson"
    sum_s w_s sum_j (y log(y / a) - y + a); for the others that of :mod:`bp_core.losses`. Then comes the penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from bp_core.sklearn import MLPRegressor
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=20, solver="lbfgs", tol=0.01, random_state=0).fit(X, np.sin(X[:, 0]))
    >>> bool(model.score(X, np.sin(X[:, 0])) > 0.99)
    True
    """

    loss: Any
    _rules: ClassVar = {
        **_parameters.COMMON,
        "loss": (
            _parameters.word("squared_error", "poisson", *OWN_LOSSES),
            _parameters.instance(losses.Huber, "bp_core.Huber"),
            _parameters.instance(losses.Quantile, "bp_core.Quantile"),
        ),
    }

    def __init__(
        self,
        loss: Any = "squared_error",
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
        dropout: float | Sequence[float] = 0.0,
        callbacks: Callable[[Any], object] | Sequence[Callable[[Any], object]] | None = None,
        progress: bool = False,
        n_threads: int | None = None,
        transform_layer: int = -1,
    ) -> None:
        self.loss = loss
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
        self.dropout = dropout
        self.callbacks = callbacks
        self.progress = progress
        self.n_threads = n_threads
        self.transform_layer = transform_layer

    # ---------------------------------------------------------------- training
    @available_if(lambda model: model._check_solver())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch over these rows.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            With ``early_stopping``.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def _read(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Real, Real]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y has dtype {y.dtype}; expected numbers. For names of classes use MLPClassifier")
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"y holds {y.min():g}; loss='poisson' takes targets from 0 up")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y, y.reshape(len(y), -1)

    def _read_more(self, X: Any, y: Any) -> tuple[Any, Real]:
        X, _, targets = self._read(X, y, True, False)
        return X, targets

    def _choose_output(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _objective(self) -> Objective:
        if self.loss == "squared_error":  # the value is a mean over the outputs, the gradient is not
            return Objective(CODES["half_squared_error"], value_outputs=float(self.n_outputs_))
        if self.loss == "poisson":
            return Objective(CODES["poisson"])
        name, parameter = losses.resolve(self.loss, self.out_activation_)
        return losses.objective(name, parameter, self.n_outputs_)

    def _score_for(self, rows: Rows) -> R2:
        return R2(rows.targets, rows.weights)

    # -------------------------------------------------------------- prediction
    def predict(self, X: Any) -> Real:
        """Return the estimate for each row.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)

        Returns
        -------
        ndarray, (n,), or (n, n_outputs) where there are several
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    # -------------------------------------------------------------- conversion
    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Return this class's estimator for a fitted one of scikit-learn: same settings, same predictions.

        Parameters
        ----------
        model : sklearn.neural_network.MLPRegressor

        Returns
        -------
        MLPRegressor
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
        sklearn.neural_network.MLPRegressor

        Raises
        ------
        ValueError
            For settings that scikit-learn lacks.
        """
        return _convert.to_sklearn(self)
