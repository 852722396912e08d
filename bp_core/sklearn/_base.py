"""What classifier and regressor share: settings, the course of a fit, and the network behind ``coefs_``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from bp_core import _csr
from bp_core.losses import Objective
from bp_core.network import Network
from bp_core.optimizers import Optimizer
from bp_core.sklearn import _data, _draws, _lbfgs, _network, _parameters, _stochastic, _stopping
from bp_core.sklearn._descent import Descent
from bp_core.sklearn._engine_run import Problem
from bp_core.sklearn._held_out import Rows, split
from bp_core.sklearn._scores import Score

Real = NDArray[Any]
FEW = 4096
"""Numbers of a plain array that are looked at here, where scikit-learn's checks would take longer than predicting."""


class BaseMLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The base of the two estimators; not to be used on its own."""

    _rules: ClassVar[Mapping[str, Iterable[_parameters.Accepts]]] = _parameters.COMMON
    hidden_layer_sizes: Any
    activation: str | Sequence[str]
    solver: str | Optimizer
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    dropout: float | Sequence[float]
    callbacks: Callable[[Any], object] | Sequence[Callable[[Any], object]] | None
    progress: bool
    n_threads: int | None
    transform_layer: int

    coefs_: list[Real]
    intercepts_: list[Real]
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    n_layers_: int
    n_outputs_: int
    n_features_in_: int
    out_activation_: str
    t_: int

    _network: Network
    _built_for: str | Sequence[str]
    _optimizer: Descent
    _best_parameters: Real
    _no_improvement_count: int

    # ------------------------------------------------------------ what differs
    def _read(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Real, Real]:
        """Check X and y; return X, y and the targets (n, n_outputs)."""
        raise NotImplementedError

    def _read_more(self, X: Any, y: Any) -> tuple[Any, Real]:
        """Check held-out rows of a fitted estimator; return X and the targets."""
        raise NotImplementedError

    def _choose_output(self) -> str:
        """Return the output's activation, by scikit-learn's name."""
        raise NotImplementedError

    def _objective(self) -> Objective:
        raise NotImplementedError

    def _score_for(self, rows: Rows) -> Score:
        raise NotImplementedError

    def _weigh(self, y: Real, weights: Real | None) -> Real | None:
        """Return the row weights, with those of the classes."""
        return weights

    # ---------------------------------------------------------------- training
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        validation_data: Sequence[Any] | None = None,
    ) -> Self:
        """Train on X and y, from new weights or, with ``warm_start``, from those there are.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)
        y : array-like, (n,) or (n, n_outputs)
        sample_weight : array-like, (n,), optional
            Weights of the rows, as they are: a batch's loss is divided by their sum.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows whose score goes to ``validation_scores_`` after each epoch. With ``early_stopping`` they are what is
            watched, and no rows are split off. Not for lbfgs.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For a setting outside its range, for data that do not fit, and where the weights do not stay finite.
        """
        return self._fit(X, y, sample_weight, incremental=False, validation_data=validation_data)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, validation_data: Sequence[Any] | None = None
    ) -> Self:
        started = hasattr(self, "coefs_")
        if not get_config()["skip_parameter_validation"] and not (incremental and started):
            _parameters.check(type(self).__name__, self.get_params(deep=False), self._rules)
        sizes = _parameters.hidden_sizes(self.hidden_layer_sizes)
        afresh = not started or not (self.warm_start or incremental)
        X, y, targets = self._read(X, y, incremental, afresh)
        weights = self._weigh(y, _data.check_weights(sample_weight, X))
        random = check_random_state(self.random_state)
        self.n_outputs_ = targets.shape[1]
        if afresh:
            self._initialize([X.shape[1], *sizes, self.n_outputs_], X.dtype, random)
        else:
            _network.take_over(self)
        rows = Rows(X, targets, weights)
        if self.solver == "lbfgs":
            _lbfgs.train(self, self._problem(rows))
        else:
            self._fit_batches(rows, random, incremental, validation_data)
        if not all(np.isfinite(array).all() for array in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
        return self

    def _initialize(self, sizes: list[int], dtype: Any, random: np.random.RandomState) -> None:
        """Draw new parameters, and start every record afresh."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._choose_output()
        hidden = _parameters.hidden_activations(self.activation, len(sizes) - 2)
        names = (*hidden, _parameters.last_activation(self.activation))
        weights, biases = _draws.initial_parameters(random, sizes, names, dtype)
        if self.solver == "lbfgs":  # SciPy's search is one in float64
            weights, biases = ([array.astype(np.float64) for array in arrays] for arrays in (weights, biases))
        _network.build(self, weights, biases)
        self._best_parameters = self._network.get_parameters()
        if self.solver != "lbfgs":
            _stopping.begin_record(self)

    def _fit_batches(
        self, rows: Rows, random: np.random.RandomState, incremental: bool, validation_data: Sequence[Any] | None
    ) -> None:
        """Train batch by batch, with held-out rows where there are any."""
        optimizer = getattr(self, "_optimizer", None)
        if not incremental or optimizer is None or optimizer.steps.net is not self._network:
            self._optimizer = Descent(self, self._network, random)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        _stopping.go_on_with_record(self)
        held_out = self._given_rows(validation_data)
        if self.early_stopping and held_out is None:
            rows, held_out = split(rows, self.validation_fraction, random, stratified=self._stratified())
        orders = _draws.Orders(random, rows.X.shape[0], self.shuffle)
        plan = _stochastic.Plan(
            self._problem(rows), orders, self._watch(held_out), 1 if incremental else int(self.max_iter)
        )
        _stochastic.train(self, plan, incremental=incremental)

    def _stratified(self) -> bool:
        """Whether held-out rows have their share of every class."""
        return False

    def _problem(self, rows: Rows) -> Problem:
        data = _data.rows(rows.X, rows.targets, rows.weights, self.out_activation_ == "softmax")
        return Problem(data, self._objective(), float(self.alpha))

    def _given_rows(self, validation_data: Sequence[Any] | None) -> Rows | None:
        """Check the user's held-out rows."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            kind = type(validation_data).__name__
            raise ValueError(f"validation_data is a {kind}; expected (X, y) or (X, y, sample_weight)")
        X, y, weights = (*validation_data, None)[:3]
        X, targets = self._read_more(X, y)
        return Rows(X, targets, _data.check_weights(weights, X))

    def _watch(self, held_out: Rows | None) -> Callable[[], float] | None:
        """The score of held-out rows, to be asked for after each epoch."""
        if held_out is None:
            return None
        score, net = self._score_for(held_out), self._network
        X = held_out.X.tocsr() if _csr.is_sparse(held_out.X) else held_out.X
        return lambda: score(net.predict(X, n_threads=self.n_threads))

    def _check_solver(self) -> bool:
        """Raise where there are no batches: ``partial_fit`` then does not exist."""
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
        return True

    # -------------------------------------------------------------- prediction
    def _check_rows(self, X: Any) -> Any:
        """X as the network reads it; a small plain array is looked at here, all else by scikit-learn."""
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)
        plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype.char in "df" and 0 < X.size <= FEW
        if (
            plain
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in self.__dict__
            and np.isfinite(X).all()
        ):
            return X
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _outputs(self, X: Any) -> Real:
        """The network's outputs (n, n_outputs)."""
        rows = self._check_rows(X)
        return _network.current(self).predict(rows, n_threads=self.n_threads)

    def transform(self, X: Any) -> Real:
        """Return the activations of a hidden layer: X as the network sees it from there on.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)

        Returns
        -------
        ndarray, (n, units of the layer)
            Of the hidden layer ``transform_layer``, the last one by default.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        rows = self._check_rows(X)
        return _network.up_to(_network.current(self), self.transform_layer).predict(rows, n_threads=self.n_threads)

    @property
    def _n_features_out(self) -> int:
        """Columns of what ``transform`` returns."""
        net = _network.current(self)
        return net.layer_sizes[_network.hidden_layer(net, self.transform_layer) + 1]

    def input_gradients(self, X: Any) -> Real:
        """Return how every output changes with every feature, at the rows of X.

        Parameters
        ----------
        X : array-like or sparse matrix, (n, n_features)

        Returns
        -------
        ndarray, (n, n_features), or (n, n_outputs, n_features) where there are several outputs
            The partial derivatives of the network's outputs: of a regressor's predictions, or of a classifier's
            probabilities, for two classes that of ``classes_[1]``.
        """
        slopes = _network.current(self).jacobian(_data.dense(self._check_rows(X)))
        return slopes[:, 0, :] if slopes.shape[1] == 1 else slopes

    def to_network(self) -> Network:
        """Return a copy of the trained network, for this library's own ways.

        Returns
        -------
        Network
            Its outputs are a regressor's predictions or a classifier's probabilities, for two classes that of
            ``classes_[1]``.
        """
        check_is_fitted(self)
        return _network.current(self).copy()

    # ------------------------------------------------------------------ copies
    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a pickled state; ``coefs_`` are the network's own again."""
        super().__setstate__(state)
        if "_network" in self.__dict__:
            _network.take_over(self)

    def __sklearn_tags__(self) -> Any:
        """Say what this estimator takes: sparse rows, and float32 as well as float64; lbfgs trains in float64 alone."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64"] if self.solver == "lbfgs" else ["float64", "float32"]
        return tags
