"""Trainer: gradient descent on a network, until the desired result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import (
    _checks,
    _loss_function,
    _regularisation,
    _steps,
    _targets,
    _threads,
    initializers,
    losses,
    optimizers,
)
from bp_core._batches import BatchesLike, Stream
from bp_core._csr import Csr, Sparse
from bp_core._fit import Fit, Limits, Watch
from bp_core._fit_arguments import check_batch_size, check_limits, check_watch
from bp_core._intake import Intake
from bp_core._loss_function import Function, LossFunction
from bp_core._monitor import MonitorLike
from bp_core._rates import Rates
from bp_core._recipe import Recipe
from bp_core._schedule import ScheduleLike, fresh_state
from bp_core._state import STEP, TrainerState
from bp_core._targets import Data
from bp_core._training_lock import TrainingLock
from bp_core._weights import ClassWeight
from bp_core.errors import DivergenceError
from bp_core.history import Epoch, History
from bp_core.losses import LossLike, Objective
from bp_core.network import Network
from bp_core.optimizers import Optimizer
from bp_core.whole_batch import WholeBatch

Real = NDArray[Any]


class Trainer:
    """Trains a network: backpropagation computes the change, the optimizer applies it.

    Parameters
    ----------
    net : Network
        Its parameters are changed in place.
    loss : str, Huber, Quantile or function, default "auto"
        cross_entropy for a softmax output, else half_squared_error; see :mod:`bp_core.losses`. A function
        ``f(outputs, targets) -> (losses, derivatives)`` gets a batch's outputs (n, n_out) and targets, and returns the
        loss of each row (n,) and its derivatives by the outputs (n, n_out); the mean over the rows is minimised.
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
    label_smoothing : float, default 0.0
        For cross_entropy the share e of each target that is spread evenly over the m classes,
        y = (1 - e) y + e / m (C. Szegedy et al., 2016); for binary_cross_entropy y = (1 - e) y + e / 2. The
        validation loss is smoothed too.
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
        Of the latest ``fit`` or ``fit_batches``.

    Raises
    ------
    ValueError
        For a setting outside its range, for a loss that does not fit the output, and for dropout with a loss that is
        a function, which would see outputs without it.

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
        loss: LossLike | Function = "auto",
        optimizer: Optimizer | str = "sgd",
        schedule: ScheduleLike | None = None,
        batch_size: int | str = 32,
        shuffle: bool = True,
        seed: int | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        label_smoothing: float = 0.0,
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
        self._function = LossFunction(loss, net) if _loss_function.check(loss) else None  # type: ignore[arg-type]
        self._objective = (_loss_function.NAME, 1.0) if self._function else losses.resolve(loss, net.output)  # type: ignore[arg-type]
        self._loss: LossLike | Function = self._objective[0] if isinstance(loss, str) else loss
        self._intake = Intake(net, self._objective[0])
        self._batch_size = check_batch_size(batch_size)
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
        if self._function is not None and self._regularisation.dropout:
            raise ValueError(f"dropout is {dropout!r}; a loss that is a function sees outputs without dropout")
        self._label_smoothing = losses.check_smoothing(label_smoothing, self._objective[0])
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
        schedule = "" if self._schedule is None else f", {self._schedule}"
        batches = "all rows" if isinstance(self._optimizer, WholeBatch) else f"batch_size {self.batch_size}"
        return f"<Trainer of {self.network!r}: {self.loss}, {self.optimizer}{schedule}, {batches}>"

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return self._network

    @property
    def loss(self) -> LossLike | Function:
        """The loss, by name, as a Huber or Quantile, or as a function."""
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
        if self._function is not None and isinstance(new, WholeBatch):
            raise ValueError(f"{type(new).__name__} takes the losses of this library, not a function")
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
        class_weight: ClassWeight | None = None,
        missing_targets: str = "error",
        target_loss: float | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        monitor: MonitorLike | None = None,
        mode: str | None = None,
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
        class_weight : "balanced", dict or sequence, optional
            For a softmax output and y of class indices or rows with a single 1, or for one unit with sigmoid and
            y of 0 and 1: weights of the classes, by which those of the rows are multiplied before they are divided by
            their mean. Classes that a dict leaves out weigh 1. "balanced": n / (number of classes, count of the class)
            over the rows of this call, by their weights; a class that is not there weighs 1. Validation rows are not
            weighted.
        missing_targets : "error" or "ignore", default "error"
            What to do about NaN in y, of the validation data too. "ignore": such a target drops out of the loss, of
            the gradient and of what they are divided by; a row then counts by the share of its targets that are
            there. A missing class is NaN among class indices given as floats, or a row of NaN.
        target_loss : float, optional
            Stop after an epoch whose training loss is at most this.
        patience : int, optional
            Stop after so many epochs without a better value of what is watched; the parameters of the best epoch are
            restored when the fit ends.
        min_delta : float, default 0.0
            Better means lower, or higher, by more than this.
        monitor : str or function, optional
            What ``patience`` watches and the history keeps as ``monitored``: "loss", "validation_loss", "accuracy" or
            "r2" of the validation data, or a function ``f(network, X, y)`` of them that returns a number. None: the
            validation loss where there is one, else the training loss.
        mode : "min" or "max", optional
            Whether lower or higher is better; None: what fits the name, and "min" for a function.
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
        TypeError
            If a loss or a monitor that is a function returns what is none.
        KeyboardInterrupt
            Goes on after the step in hand; the network holds the last complete step.
        """
        missing = _targets.check_missing(missing_targets)
        data = self._intake.data(X, y, sample_weight, class_weight, missing)
        limits = check_limits(epochs, target_loss, max_seconds)
        watch = check_watch(
            self._intake,
            missing,
            validation_data=validation_data,
            monitor=monitor,
            mode=mode,
            patience=patience,
            min_delta=min_delta,
            callbacks=callbacks,
            progress=progress,
        )
        return self._run(data, limits, watch)

    def partial_fit(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight | None = None,
        missing_targets: str = "error",
    ) -> float:
        """Train for one epoch over these rows.

        This is ``fit(X, y, epochs=1)`` to the bit, batches and order included, but that ``history`` stays that of the
        latest ``fit``. As scikit-learn's method of this name, it goes once over the rows in batches and continues all
        state; unlike it, it returns the loss.

        Parameters
        ----------
        X, y, sample_weight, class_weight, missing_targets
            As for :meth:`fit`; "balanced" and the mean of the weights are those of these rows.

        Returns
        -------
        float
            The mean over the rows of the batch losses, each before its update, penalties included.

        Raises
        ------
        ValueError, DivergenceError, RuntimeError, KeyboardInterrupt
            As for :meth:`fit`.

        Examples
        --------
        >>> import bp_core as bp
        >>> X, y = bp.data.load_digits()
        >>> trainer = bp.Trainer(bp.Network((64, 16, 10), output="softmax", seed=0), seed=0)
        >>> losses = [trainer.partial_fit(X[i : i + 300] / 16, y[i : i + 300]) for i in range(0, 1500, 300)]
        >>> losses[-1] < losses[0]
        True
        """
        missing = _targets.check_missing(missing_targets)
        data = self._intake.data(X, y, sample_weight, class_weight, missing)
        history = History()
        with TrainingLock(self.network):
            self._fit(data, Limits(epochs=1), Watch(), history)
        return history._last("loss")

    def fit_batches(
        self,
        batches: BatchesLike,
        *,
        epochs: int = 1,
        validation_data: Sequence[ArrayLike] | None = None,
        class_weight: ClassWeight | None = None,
        missing_targets: str = "error",
        target_loss: float | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        monitor: MonitorLike | None = None,
        mode: str | None = None,
        max_seconds: float | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
        progress: bool = False,
    ) -> History:
        """Train on batches that come one after the other, each of them one step: memory needs to hold two.

        Batches that are slices of the rows give the bits of :meth:`fit` with ``shuffle=False``.

        Parameters
        ----------
        batches : iterable or function
            Each time it is iterated, or each time the function is called and its result is iterated, it gives the
            batches of an epoch: (X, y) or (X, y, sample_weight), in shapes as for :meth:`fit`. The weights of a batch
            are divided by their mean over it, as in :meth:`step`.
        epochs : int, default 1
            An iterator, as a generator is one, serves for one epoch only.
        class_weight : dict or sequence, optional
            As for :meth:`fit`, but not "balanced".
        validation_data, missing_targets, target_loss, patience, min_delta, monitor, mode
            As for :meth:`fit`. Validation data are rows, not batches.
        max_seconds, callbacks, progress
            As for :meth:`fit`.

        Returns
        -------
        History
            The loss of an epoch is the mean over its rows of the batch losses, each before its update.

        Raises
        ------
        ValueError, TypeError
            If a batch cannot be used, with its number, or there is none; the network holds the last complete step.
        DivergenceError, RuntimeError, KeyboardInterrupt
            As for :meth:`fit`.

        Examples
        --------
        >>> import numpy as np
        >>> import bp_core as bp
        >>> trainer = bp.Trainer(bp.Network((2, 1), seed=0), optimizer=bp.SGD(learning_rate=0.1))
        >>> def batches():
        ...     for seed in range(20):
        ...         X = np.random.default_rng(seed).uniform(-1, 1, (32, 2))
        ...         yield X, X @ [3.0, -2.0]
        >>> history = trainer.fit_batches(batches, epochs=30)
        >>> trainer.network.weights[0].round(2).tolist()
        [[3.0], [-2.0]]
        """
        if isinstance(self._optimizer, WholeBatch):
            raise ValueError(f"{type(self._optimizer).__name__} takes all rows at once: use fit")
        missing = _targets.check_missing(missing_targets)
        limits = check_limits(epochs, target_loss, max_seconds)
        watch = check_watch(
            self._intake,
            missing,
            validation_data=validation_data,
            monitor=monitor,
            mode=mode,
            patience=patience,
            min_delta=min_delta,
            callbacks=callbacks,
            progress=progress,
        )
        return self._run(Stream(batches, self._intake, class_weight, missing, limits.epochs), limits, watch)

    def step(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight | None = None,
        missing_targets: str = "error",
    ) -> float:
        """Take one step with these rows as one batch.

        Parameters
        ----------
        X : array_like or CSR matrix, (n, n_in)
        y : array_like
            As for :meth:`fit`.
        sample_weight : array_like, (n,), optional
            Divided by their mean over these rows.
        class_weight, missing_targets
            As for :meth:`fit`.

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
        if prepared is not None and sample_weight is None and class_weight is None and missing_targets == "error":
            plain: float | None = self.network._engine.step(prepared, X, y)
            if plain is not None:
                return plain
        if isinstance(self._optimizer, WholeBatch):
            raise ValueError(f"{type(self._optimizer).__name__} takes all rows at once and steps of its own: use fit")
        missing = _targets.check_missing(missing_targets)
        return self._step(self._intake.data(X, y, sample_weight, class_weight, missing, finite=False))

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

    def _run(self, data: Data | Stream, limits: Limits, watch: Watch) -> History:
        """A fit, whose history becomes the trainer's."""
        with TrainingLock(self.network):
            self.history = history = History()
            self._fit(data, limits, watch, history)
        return history

    def _fit(self, data: Data | Stream, limits: Limits, watch: Watch, history: History) -> None:
        try:
            Fit(self, data, limits, watch, history).run()
        finally:
            self._forget_prepared()  # a rule may have changed the rate

    def _step(self, data: Data) -> float:
        """Take one step with checked data; prepare the shorter way for the next of so many rows."""
        with TrainingLock(self.network):
            optimizer, source, number = self._optimizer, self._rates, int(self._state.counters[STEP])
            threads, rates = _threads.for_step(self._n_threads), source.ahead(optimizer.learning_rate, 1)
            step = _steps.take(self, data, threads, float(rates[0]))
            plain = self._function is None and not isinstance(data.X, Csr)
            if plain and not self._regularisation.dropout:  # a mask needs the step's number
                of_rates = rates, number if source.varies else -1
                how = self._recipe(), self._engine_objective(), data.X.shape[0], threads
                prepared = self._state.prepare_step(*how, *of_rates)
                if self._optimizer is optimizer and self._rates is source:
                    self._prepared = prepared
        if step.status == _checks.STATUS_NOT_FINITE:
            outcome = "the parameters are as they were before the step"
            raise DivergenceError(self._state.epoch, float(rates[0]), step.what, outcome)
        if step.status:
            missing = "ignore" if data.missing else "error"
            _checks.raise_bad_row(step.status, step.bad_row, data, self.network.dtype, missing)
        return step.loss

    # -------------------------------------------------------------- the engine
    def _recipe(self) -> Recipe:
        """The engine's recipe: the optimizer's numbers, penalties, clipping."""
        return self._regularisation.complete(self._optimizer._recipe(), self._state.dropout_key)

    def _engine_objective(self) -> Objective:
        if self._function is not None:
            return self._function.objective
        objective = losses.objective(*self._objective, self.network.layer_sizes[-1])
        return objective._replace(smoothing=self._label_smoothing)


def _check_scheduled(optimizer: Optimizer, schedule: ScheduleLike | None) -> None:
    if schedule is not None and isinstance(optimizer, WholeBatch):
        raise ValueError(f"schedule is {schedule!r}; {type(optimizer).__name__} has no learning rate to change")
