"""The whole state of a Trainer, and the one call by which steps and epochs change it.

Nothing else outlives a native call: the arrays below are up to date after every step, whatever
interrupts the Python that called.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core import _dispatch, _parameters, _schedule
from bp_core._csr import Csr
from bp_core._recipe import Recipe
from bp_core._targets import Data
from bp_core.losses import Objective
from bp_core.network import Network
from bp_core.optimizers import Optimizer

Real = NDArray[Any]
STEP, EPOCH, POSITION = range(3)
NO_LIMIT = float("inf")
POWERS = "beta1_power", "beta2_power", "decay_power"
"""The running products that some optimizers keep: beta1^t, or NAdam's product of momenta; beta2^t; 0.96^(t decay)."""


class Run(NamedTuple):
    """How a native call goes through the rows, and where it writes."""

    epochs: int
    batch_size: int
    target_loss: float
    budget: float
    order: NDArray[np.int64]
    given_order: bool
    losses: NDArray[np.float64]
    seconds: NDArray[np.float64]
    random: object
    threads: int
    rates: NDArray[np.float64]
    varies: bool


class TrainerState:
    """The optimizer's arrays, step, epoch, position in the epoch, and the random stream."""

    def __init__(self, net: Network, words: np.random.PCG64) -> None:
        self._net = net
        self._words = words
        self._kind: type[Optimizer] | None = None
        self._arrays: dict[str, Real] = {}
        self.counters = np.zeros(3, dtype=np.int64)
        self._running = np.zeros(len(POWERS) + 2)  # the powers, the epoch's sum of losses, the last rate
        self._running[: len(POWERS)] = 1.0
        self._step_rate = np.zeros(1)
        self.rule = _schedule.fresh_state()  # what a rule of the schedule has seen
        self.mean: Real | None = None
        self.dropout_key = 0
        self._order = np.zeros(0, dtype=np.int64)
        self._step_results = np.zeros(1), np.zeros(1), np.zeros(3, dtype=np.int64)
        self._workspaces: dict[bool, tuple[tuple[Any, ...], Real]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """All but the workspaces: where a copy's memory lies, and at which level it is used, is not known."""
        return {**self.__dict__, "_workspaces": {}}

    @property
    def epoch(self) -> int:
        """Epochs finished since the trainer was made."""
        return int(self.counters[EPOCH])

    def rows_seen(self, n: int) -> int:
        """Rows that steps have taken in, with n rows an epoch."""
        return int(self.counters[EPOCH]) * n + int(self.counters[POSITION])

    def _kind_name(self) -> str:
        return "" if self._kind is None else self._kind.__name__

    # ----------------------------------------------------------- the dictionary
    def to_dict(self, *, untouched: bool = True) -> dict[str, Any]:
        """The whole state as arrays and numbers; copies. Without ``untouched`` no arrays that are still zeros."""
        arrays = self._arrays if untouched or self.counters[STEP] else {}
        if self.mean is not None:
            arrays = {**arrays, "mean": self.mean}
        return {
            **{name: array.copy() for name, array in arrays.items()},
            "optimizer": self._kind_name(),
            "step": int(self.counters[STEP]),
            "epoch": int(self.counters[EPOCH]),
            "position": int(self.counters[POSITION]),
            **{name: float(power) for name, power in zip(POWERS, self._running, strict=False)},
            "loss_sum": float(self._running[-2]),
            "last_rate": float(self._running[-1]),
            "rule": self.rule.copy(),
            "dropout_key": self.dropout_key,
            "order": self._order.copy(),
            "random_state": int(self._words.state["state"]["state"]),
            "random_increment": int(self._words.state["state"]["inc"]),
        }

    def from_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`to_dict` gave; arrays it lacks, or of another optimizer, start afresh."""
        self.forget()
        same = state["optimizer"] == self._kind_name() and self._arrays.keys() <= state.keys()
        for name, array in self._arrays.items():
            if same and name in state:
                array[...] = state[name]
        if self.mean is not None and "mean" in state:
            self.mean[...] = state["mean"]
        self.dropout_key = state["dropout_key"]
        self.counters[:] = state["step"], state["epoch"], state["position"]
        powers = [state[name] for name in POWERS] if same else [1.0] * len(POWERS)
        self._running[:] = *powers, state["loss_sum"], state["last_rate"] if same else 0.0
        self.rule[:] = state["rule"]
        self._order = state["order"].copy()
        words = self._words.state
        words["state"] = {"state": state["random_state"], "inc": state["random_increment"]}
        self._words.state = words

    # ------------------------------------------------------------- the optimizer
    def prepare(self, optimizer: Optimizer) -> None:
        """Make the arrays an optimizer needs; one of the same kind keeps those there are."""
        names = optimizer._states()
        if type(optimizer) is self._kind and set(names) == set(self._arrays):
            return
        self._kind = type(optimizer)
        self._arrays = {name: _parameters.zeros(self._net._layout[0], self._net.dtype) for name in names}
        self._start_running()

    def forget(self) -> None:
        """Start the optimizer's arrays afresh."""
        for array in self._arrays.values():
            array[...] = 0
        if self.mean is not None:
            self.mean[...] = self._net._parameters
        self._start_running()

    def keep_mean(self) -> None:
        """Keep a moving average of the parameters from the first step on."""
        self.mean = _parameters.zeros(self._net._layout[0], self._net.dtype)

    def draw_dropout_key(self) -> None:
        """The key of all masks: one word of the random stream."""
        self.dropout_key = int(self._words.random_raw())

    def _start_running(self) -> None:
        self._running[: len(POWERS)], self._running[-1] = 1.0, 0.0

    def _optimizer_arrays(self) -> tuple[Real | None, ...]:
        return self._arrays.get("m"), self._arrays.get("v"), self.mean

    # -------------------------------------------------- methods of all rows at once
    @property
    def damping(self) -> float:
        """What Levenberg-Marquardt's next step is damped with; 0 before the first. It lies where others' rate does."""
        return float(self._running[-1])

    @damping.setter
    def damping(self, damping: float) -> None:
        self._running[-1] = damping

    def count_epoch(self, steps: int) -> None:
        """Count an epoch, and steps of it that were not yet counted."""
        self.counters[STEP] += steps
        self.counters[EPOCH] += 1

    # ----------------------------------------------------------- the native call
    def begin_fit(self, n: int) -> None:
        """Begin a new epoch with n rows."""
        self.counters[POSITION] = 0
        if self._order.size != n:
            self._order = np.zeros(n, dtype=np.int64)

    def shuffled(self) -> NDArray[np.int64]:
        """A new order of the rows, drawn as a native call draws it."""
        with self._words.lock:
            self._net._engine.shuffle(self._order, self._words.capsule)
        return self._order.copy()

    def train(
        self,
        recipe: Recipe,
        data: Data,
        objective: Objective,
        batch_size: int,
        order: bool | NDArray[np.int64],
        limits: tuple[int, float, float],
        threads: int,
        losses: NDArray[np.float64],
        seconds: NDArray[np.float64],
        rates: NDArray[np.float64],
        varies: bool = False,
    ) -> tuple[int, int]:
        """Run steps until (epochs, target_loss, budget) ends them; returns the status and a bad row.

        ``order`` is whether to shuffle, or the order of the rows (n,) in every epoch of this call. ``losses`` and
        ``seconds`` are written per finished epoch; ``counters`` tell how many. The first of ``rates`` is the learning
        rate of all steps; if it ``varies``, there is one for each, and the call ends with the last of them.
        """
        given = isinstance(order, np.ndarray)
        if given:
            self._order[...] = order
        with self._words.lock:
            random = self._words.capsule if order is True else None
            epochs, target_loss, budget = limits
            how = self._order, given, losses, seconds, random, threads, rates, varies
            run = Run(epochs, batch_size, target_loss, budget, *how)
            status, bad_row = self._call(recipe, data, objective, run, self.counters)
        return status, bad_row

    def step(
        self, recipe: Recipe, data: Data, objective: Objective, threads: int, rate: float
    ) -> tuple[int, float, int]:
        """One step over all rows as one batch; returns the status, the loss and a bad row."""
        n = data[0].shape[0]
        loss, seconds, counters = self._step_results
        counters[:] = self.counters[STEP], 0, 0
        self._step_rate[0] = rate
        how = self._order, False, loss, seconds, None, threads, self._step_rate, False
        run = Run(1, n, -NO_LIMIT, NO_LIMIT, *how)
        status, bad_row = self._call(recipe, data, objective, run, counters)
        self.counters[STEP] = counters[STEP]
        return status, float(loss[0]), bad_row

    def prepare_step(
        self,
        recipe: Recipe,
        objective: Objective,
        rows: int,
        threads: int,
        rates: NDArray[np.float64],
        first: int,
    ) -> tuple[Any, ...]:
        """What the engine's ``step`` takes for batches of so many rows; memory opens faster than an array.

        ``rates`` must not change; they are those of the steps from ``first`` on, or the one of all steps if it is -1.
        """
        net = self._net
        arrays = (*self._optimizer_arrays(), self._step_results[2], self._running)
        state = tuple(None if array is None else array.data for array in arrays)
        workspace = self._workspace_for((rows, rows), objective.code, recipe, threads).data
        acquire, release = net._training.acquire, net._training.release
        return (
            *(acquire, release, self.counters.data, net._plan, net._parameters_memory),
            *(tuple(recipe), state, tuple(objective), rows, workspace, rates.data, first, threads),
        )

    def _call(
        self,
        recipe: Recipe,
        data: Data,
        objective: Objective,
        run: Run,
        counters: NDArray[np.int64],
    ) -> tuple[int, int]:
        net = self._net
        if self.mean is not None and counters[STEP] == 0:
            self.mean[...] = net._parameters
        state = (*self._optimizer_arrays(), counters, self._running)
        rows = data.X.shape[0], run.batch_size
        workspace = self._workspace_for(rows, objective.code, recipe, run.threads, isinstance(data.X, Csr))
        result: tuple[int, int] = net._engine.train(
            net._plan, net._parameters, recipe, state, data, objective, run, workspace
        )
        return result

    def _workspace_for(
        self, rows: tuple[int, int], loss: int, recipe: Recipe, threads: int, sparse: bool = False
    ) -> Real:
        """The engine's workspace for so many rows in batches of so many; one and several threads each keep theirs."""
        needs = loss, recipe.clip_norm > 0, bool(recipe.dropout), threads, sparse
        key = (rows, needs, _dispatch.isa())
        kept = self._workspaces.get(threads > 1)
        if kept is None or kept[0] != key:
            size = self._net._engine.training_workspace(self._net._plan, *rows, *needs)
            kept = self._workspaces[threads > 1] = key, np.zeros(size, self._net.dtype)
        return kept[1]
