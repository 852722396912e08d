"""Trainer: gradient descent on a network, until the desired result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _regularisation, _targets, _threads, initializers, losses, optimizers
from bp_core._csr import Csr, Sparse
from bp_core._fit import Fit, Limits, Watch
from bp_core._rates import Rates
from bp_core._schedule import ScheduleLike, fresh_state
from bp_core._state import STEP, TrainerState
from bp_core._targets import Data
from bp_core.errors import DivergenceError
from bp_core.history import Epoch, History
from bp_core.losses import LossLike, Objective
from bp_core.network import Network
from bp_core.optimizers import Optimizer, Recipe
from bp_core.whole_batch import WholeBatch

Real = NDArray[Any]


class TrainingLock:
    """Holds a network for training while a ``with`` lasts; raises at once where another holds it."""

    def __init__(self, net: Network) -> None:
        self._lock = net._training

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this network is being trained by another fit or step; wait for it, or train a copy")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Trainer:
    """Trains a network: backpropagation computes the change, the optimizer applies it.

    Parameters
    ----------
    net : Network
        Its parameters are changed in place.
    loss : str, Huber or Quantile, default "auto"
        cross_entropy for a softmax output, else half_squared_error; see :mod:`bp_core.losses`.
    optimizer : str or optimizer, default "sgd"
        A name (sgd, rmsprop, adagrad, adam, adamw, nadam, rprop) means the defaults of :class:`SGD`,
        :class:`RMSprop`, :class:`Adagrad`, :class:`Adam`, :class:`AdamW`, :class:`NAdam`, :class:`Rprop`; so do
        levenberg_marquardt and lbfgs of :class:`LevenbergMarquardt` and :class:`LBFGS`, which take all rows at once
        whatever ``batch_size`` says.
    schedule : schedule, rule or function, optional
        How the learning rate changes: one of :mod:`bp_core.schedules`, or a function of the step that gives the factor
        of the optimizer's learning rate; a factor that is below 0 or not finite is a ValueError when its step is due.
        None: the rate stays as it is.
    batch_size : int or "full", default 32
        Rows per step; more than there are means all.
    shuffle : bool, default True
        Draw a new order of the rows for each epoch; an epoch that is one batch keeps its order.
    seed : int, optional
        Of the orders and the masks of dropout; the same seed gives the same bits.
    l2, l1 : float, default 0.0
        Adds l2/2 sum W^2 + l1 sum abs(W), over weights and never biases, to the loss.
    dropout : float or sequence of float, default 0.0
        The share of the units of every hidden layer, or of each of them, that each row of each step does without; the
        others are scaled up by 1 / (1 - share). Only training drops units (N. Srivastava et al., 2014).
    clip_norm : float, optional
        A gradient, penalties included, with a larger norm over all parameters is scaled down to it.
    max_norm : float, optional
        After every step the weights into a unit whose norm is larger are scaled down to it; biases are not.
    average_decay : float, optional
        Keep a moving average of the parameters, mean = decay mean + (1 - decay) parameters after every step;
        :meth:`averaged_network` returns it.
    n_threads : int, optional
        At most so many threads, 64 in all. None: as many as help, by the work of a step and by what was measured;
        at most the usable cores, or what the environment variable ``BP_CORE_NUM_THREADS``, else
        ``OMP_NUM_THREADS`` says; ``step`` then uses one. The result does not depend on it.

    Attributes
    ----------
    history : History or None
        Of the latest ``fit``.

    Raises
    ------
    ValueError
        For a setting outside its range, and for a loss that does not fit the output.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", seed=3)
    >>> trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=5.0), batch_size="full")
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> history = trainer.fit(X, y, epochs=5000, target_loss=0.001)
    >>> history.stop_reason
    'target_loss'
    """

    def __init__(
        self,
        net: Network,
        *,
        loss: LossLike = "auto",
        optimizer: Optimizer | str = "sgd",
        schedule: ScheduleLike | None = None,
        batch_size: int | str = 32,
        shuffle: bool = True,
        seed: int | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        clip_norm: float | None = None,
        max_norm: float | None = None,
        average_decay: float | None = None,
        n_threads: int | None = None,
    ) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net is {type(net).__name__}; expected a bp_core.Network")
        if not isinstance(shuffle, (bool, np.bool_)):
            raise TypeError(f"shuffle is {shuffle!r}; expected True or False")
        _checks.check_threads(n_threads)
        self._network = net
        self._objective = losses.resolve(loss, net.output)
        self._loss: LossLike = self._objective[0] if isinstance(loss, str) else loss
        self._batch_size = _check_batch_size(batch_size)
        self._shuffle = bool(shuffle)
        self._n_threads = n_threads
        self._regularisation = _regularisation.check(
            net.dtype,
            len(net.layer_sizes) - 2,
            l2=l2,
            l1=l1,
            dropout=dropout,
            clip_norm=clip_norm,
            max_norm=max_norm,
            average_decay=average_decay,
        )
        losses.check_parameter(*self._objective, net.dtype)
        seed = _checks.check_seed(seed)
        words = initializers.generator(np.random.SeedSequence().entropy if seed is None else seed, 1)  # type: ignore[arg-type]
        self._state = TrainerState(net, words)
        self._schedule: ScheduleLike | None = None
        if self._regularisation.dropout:
            self._state.draw_dropout_key()
        if average_decay is not None:
            self._state.keep_mean()
        self.optimizer = optimizers.resolve(optimizer)
        self.schedule = schedule
        self.history: History | None = None

    def __repr__(self) -> str:
        return f"<Trainer of {self.network!r}: {self.loss}, {self.optimizer}, batch_size {self.batch_size}>"

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return self._network

    @property
    def loss(self) -> LossLike:
        """The loss, by name or as a Huber or Quantile."""
        return self._loss

    @property
    def batch_size(self) -> int | str:
        """Rows per step, or "full"."""
        return self._batch_size

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer of the next step; may be replaced, in a callback too.

        ``trainer.optimizer = bp.SGD(learning_rate=0.001)``: one of the same kind keeps its state, another
        starts afresh.
        """
        return self._optimizer

    @optimizer.setter
    def optimizer(self, optimizer: Optimizer | str) -> None:
        new = optimizers.resolve(optimizer)
        new._check_use(self._objective[0], self._regularisation, self.network.n_parameters)
        _check_scheduled(new, self._schedule)
        for name in ("learning_rate", "epsilon", "smallest", "largest"):
            if hasattr(new, name):
                _checks.check_representable(name, getattr(new, name), self.network.dtype)
        self._state.prepare(new)
        self._optimizer = new
        self._forget_prepared()

    @property
    def schedule(self) -> ScheduleLike | None:
        """The schedule from the next step on; may be replaced, in a callback too.

        The steps are counted on, from the first one of the trainer. A rule of the same kind keeps what the one before
        has seen and come to, another starts afresh.
        """
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: ScheduleLike | None) -> None:
        _check_scheduled(self._optimizer, schedule)
        self._rates = Rates(schedule, self._state, self.network.dtype)
        if type(schedule) is not type(self._schedule):
            self._state.rule[:] = fresh_state()
        self._schedule = schedule
        self._forget_prepared()

    def _forget_prepared(self) -> None:
        """Let the next step go the longer way, which prepares the shorter one afresh."""
        self._prepared: tuple[Any, ...] | None = None  # one attribute: another thread may set it at any time

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_prepared": None}

    def fit(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        epochs: int,
        validation_data: Sequence[ArrayLike | Sparse] | None = None,
        sample_weight: ArrayLike | None = None,
        target_loss: float | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        max_seconds: float | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
        progress: bool = False,
    ) -> History:
        """Train for some epochs, or until the result is good.

        A further ``fit`` continues: ``fit(epochs=2)`` and ``fit(epochs=3)`` give the bits of ``fit(epochs=5)``.

        Parameters
        ----------
        X : array_like or CSR matrix, (n, n_in)
            Any real numbers in any memory layout; rows are converted as they are read, X is never copied whole.
        y : array_like
            Targets (n, n_out); (n,) where n_out is 1; for cross_entropy class indices (n,) or probability rows.
        epochs : int
            At most so many passes over the rows.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Its loss is taken after every epoch.
        sample_weight : array_like, (n,), optional
            Weights of the rows, divided by their mean.
        target_loss : float, optional
            Stop after an epoch whose training loss is at most this.
        patience : int, optional
            Stop after so many epochs without a better watched loss (validation where given, else training);
            the parameters of the best epoch are restored when the fit ends.
        min_delta : float, default 0.0
            Better means lower by more than this.
        max_seconds : float, optional
            Stop after the first step that ends later.
        callbacks : sequence of callables
            Each is called with an :class:`Epoch` after every epoch; returning True stops.
        progress : bool, default False
            Show a bar (needs tqdm).

        Returns
        -------
        History
            Loss, rate and time of each epoch, and why the fit stopped.

        Raises
        ------
        ValueError
            If shapes do not fit or a number is not finite (row and column are named); the network is then as
            it was before.
        DivergenceError
            If the loss becomes infinite or NaN; the network goes back to its newest finite parameters.
        RuntimeError
            If another ``fit`` or ``step`` is training the same network.
        KeyboardInterrupt
            Goes on after the step in hand; the network holds the last complete step.
        """
        rows, _ = _checks.rows_of(X, self.network.layer_sizes[0], row_allowed=False)
        data = self._check_data(rows, y, sample_weight)
        limits = Limits(
            epochs=_checks.positive_integer("epochs", epochs),
            target_loss=_optional_number("target_loss", target_loss),
            max_seconds=None if max_seconds is None else _checks.positive_number("max_seconds", max_seconds),
        )
        watch = Watch(
            validation=self._check_validation(validation_data),
            patience=None if patience is None else _checks.positive_integer("patience", patience),
            min_delta=_checks.number_from_zero("min_delta", min_delta),
            callbacks=_check_callbacks(callbacks),
            progress=bool(progress),
            rule=self._rates.rule is not None,
        )
        with TrainingLock(self.network):
            self.history = History()
            try:
                Fit(self, data, limits, watch, self.history).run()
            finally:
                self._forget_prepared()  # a rule may have changed the rate
        return self.history

    def step(self, X: ArrayLike | Sparse, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
        """Take one step with these rows as one batch.

        Parameters
        ----------
        X : array_like or CSR matrix, (n, n_in)
        y : array_like
            As for :meth:`fit`.
        sample_weight : array_like, (n,), optional
            Divided by their mean over these rows.

        Returns
        -------
        float
            The loss before the update, penalties included.

        Raises
        ------
        ValueError
            If shapes do not fit or a number is not finite; nothing is changed then.
        DivergenceError
            If the loss is infinite or NaN; the parameters stay as they were.
        RuntimeError
            If another ``fit`` or ``step`` is training the same network.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[1.0]]], None, hidden="relu", output="identity")
        >>> bp.Trainer(net, optimizer=bp.SGD(learning_rate=0.1)).step([[2.0]], [[3.0]])
        0.5
        >>> net.weights[0]                              # 1 - 0.1 (a - y) x = 1 - 0.1 (2 - 3) 2
        array([[1.2]])
        """
        prepared = self._prepared
        if prepared is not None and sample_weight is None:
            plain: float | None = self.network._engine.step(prepared, X, y)
            if plain is not None:
                return plain
        if isinstance(self._optimizer, WholeBatch):
            raise ValueError(f"{type(self._optimizer).__name__} takes all rows at once and steps of its own: use fit")
        rows, _ = _checks.rows_of(X, self.network.layer_sizes[0], row_allowed=False)
        data = self._check_data(rows, y, sample_weight, finite=False)
        return self._step(data)

    def averaged_network(self) -> Network:
        """Return a copy of the network with the moving average of its parameters.

        Returns
        -------
        Network
            Before the first step the parameters as they are.

        Raises
        ------
        ValueError
            Without ``average_decay``.

        Examples
        --------
        >>> import bp_core as bp
        >>> net = bp.Network.from_arrays([[[1.0]]], None, hidden="relu", output="identity")
        >>> trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=0.1), average_decay=0.5)
        >>> trainer.step([[2.0]], [[3.0]])
        0.5
        >>> trainer.averaged_network().weights[0]       # 0.5 * 1 + 0.5 * 1.2
        array([[1.1]])
        """
        if self._state.mean is None:
            raise ValueError("this trainer keeps no average of the parameters; make it with average_decay=0.999, say")
        copy = self.network.copy()
        if self._state.counters[0] > 0:
            copy._parameters[...] = self._state.mean
        return copy

    def _step(self, data: Data) -> float:
        """Take one step with checked data; prepare the shorter way for the next of so many rows."""
        with TrainingLock(self.network):
            optimizer, source, step = self._optimizer, self._rates, int(self._state.counters[STEP])
            how = self._recipe(), self._engine_objective(), _threads.for_step(self._n_threads)
            rates = source.ahead(optimizer.learning_rate, 1)
            status, loss, bad_row = self._state.step(how[0], data, *how[1:], rates[0])
            if not isinstance(data.X, Csr) and not self._regularisation.dropout:  # a mask needs the step's number
                of_rates = rates, step if source.varies else -1
                prepared = self._state.prepare_step(*how[:2], data.X.shape[0], how[2], *of_rates)
                if self._optimizer is optimizer and self._rates is source:
                    self._prepared = prepared
        if status == _checks.STATUS_NOT_FINITE:
            raise DivergenceError(
                self._state.epoch,
                float(rates[0]),
                "the loss is not finite",
                "the parameters are as they were before the step",
            )
        if status:
            _checks.raise_bad_row(status, bad_row, data, self.network.dtype)
        return loss

    # ------------------------------------------------------------------ checks
    def _check_data(self, rows: Real | Csr, y: object, sample_weight: object, *, finite: bool = True) -> Data:
        """What the engine takes, checked but for X, whose numbers are looked at as they are read."""
        _checks.require_rows(rows)
        n, n_out, name = rows.shape[0], self.network.layer_sizes[-1], self._objective[0]
        targets = _targets.check(y, n, n_out, name, self.network.dtype, finite=finite)
        return Data(rows, targets.rows, targets.classes, _checks.sample_weights(sample_weight, n))

    def _check_validation(self, validation_data: object) -> Data | None:
        """What the engine takes for the validation rows, all finite."""
        if validation_data is None:
            return None
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            kind = type(validation_data).__name__
            raise ValueError(f"validation_data is a {kind}; expected (X, y) or (X, y, sample_weight)")
        try:
            X, y, weight = (*validation_data, None)[:3]
            rows, _ = _checks.rows_of(X, self.network.layer_sizes[0], row_allowed=False)
            data = self._check_data(rows, y, weight)
            _checks.check_finite("X", rows, self.network.dtype)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation_data: {error}") from None
        return data

    # -------------------------------------------------------------- the engine
    def _recipe(self) -> Recipe:
        """The engine's recipe: the optimizer's numbers, penalties, clipping."""
        return self._regularisation.complete(self._optimizer._recipe(), self._state.dropout_key)

    def _engine_objective(self) -> Objective:
        return losses.objective(*self._objective, self.network.layer_sizes[-1])


def _check_scheduled(optimizer: Optimizer, schedule: ScheduleLike | None) -> None:
    if schedule is not None and isinstance(optimizer, WholeBatch):
        raise ValueError(f"schedule is {schedule!r}; {type(optimizer).__name__} has no learning rate to change")


def _check_batch_size(batch_size: object) -> int | str:
    if batch_size == "full":
        return "full"
    return _checks.positive_integer("batch_size", batch_size, "or 'full'")


def _optional_number(name: str, value: object) -> float | None:
    if value is not None and not _checks.is_number(value):
        raise ValueError(f"{name} is {value!r}; expected None or a number")
    return None if value is None else float(value)  # type: ignore[arg-type]


def _check_callbacks(callbacks: Any) -> tuple[Callable[[Epoch], object], ...]:
    if not callable(callbacks) and not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is {callbacks!r}; expected a sequence of functions of an Epoch")
    found: tuple[Any, ...] = (callbacks,) if callable(callbacks) else tuple(callbacks)
    for f in found:
        if not callable(f):
            raise TypeError(f"callbacks holds {f!r}; expected functions of an Epoch")
    return found
