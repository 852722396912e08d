"""The engines that are measured: one adapter module per engine and kind of work, imported only in its process."""

from __future__ import annotations

import ctypes.util
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from data import Problem
from definitions import Prediction, Training, Workload


class FormAbsent(Exception):
    """Raised by an adapter's constructor where this version of its engine has no such form."""


class TrainingAdapter(Protocol):
    """What a training module's class `Engine` offers.

    The constructor takes all time that does not belong to a step: copies, compilation. `start` goes back to the
    initial weights with an optimiser that has not run yet. Only `train` is timed.
    """

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None: ...

    def start(self, *, shuffle: bool) -> None:
        """Go back to the initial weights; the next `train` takes the rows shuffled or in order."""
        ...

    def train(self) -> None:
        """Train `work.epochs` epochs, and return when the work is done (not when it is queued)."""
        ...

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return weights (fan_in, fan_out) and biases (fan_out,), (0,) where there are none."""
        ...


class PredictionAdapter(Protocol):
    """What a prediction module's class `Engine` offers; only `run` is timed."""

    def __init__(self, work: Prediction, problem: Problem, form: str, threads: int) -> None: ...

    def run(self) -> None:
        """Predict all rows `work.epochs` times, `work.batch_size` rows a call."""
        ...

    def outputs(self) -> np.ndarray:
        """Predict all rows once in the same way and return (n_rows, n_out)."""
        ...


@dataclass(frozen=True)
class Way:
    """How an engine does one kind of work: the module of its adapter, and the forms of which the fastest counts."""

    module: str
    forms: tuple[str, ...]
    can_do: Callable[[Any], bool] = lambda work: True

    def load(self) -> type[TrainingAdapter] | type[PredictionAdapter]:
        """Import the adapter and return its class."""
        return importlib.import_module(self.module).Engine


@dataclass(frozen=True)
class EngineInfo:
    """One engine: which package or C library it needs, what is imported to use it, and what it can do."""

    name: str
    distribution: str = ""
    library: str = ""
    imports: str = ""
    training: Way | None = None
    prediction: Way | None = None

    @property
    def version(self) -> str | None:
        """The installed version (of a C library: its file); None where it is absent."""
        if self.library:
            return ctypes.util.find_library(self.library)
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def way(self, work: Workload) -> Way | None:
        """Return how this engine does `work`; None where it has no way."""
        way = self.prediction if isinstance(work, Prediction) else self.training
        return way if way and way.can_do(work) else None

    def forms(self, work: Workload) -> tuple[str, ...]:
        """Return the forms in which this engine takes part in `work`; none where it does not."""
        way = self.way(work)
        if way is None:
            return ()
        return way.forms if work.forms is None else work.forms.get(self.name, ())


def _sklearn_can(work: Training) -> bool:
    """Whether scikit-learn has anything near the work: it knows no dropout."""
    return not work.dropout


def _fann_can(work: Training) -> bool:
    """Whether FANN has the work: plain gradient descent after each row, or after all rows; with biases, in float32.

    Its build for float64 has constants of float32 in it, and fails the check for that.
    """
    plain = work.optimizer.name == "sgd" and work.loss == "half_squared_error" and work.output == "sigmoid"
    plain = plain and work.bias == "unit" and not work.dropout
    return plain and work.dtype == "float32" and work.batch_size in (1, work.n_rows)


_ALL = (
    EngineInfo(
        "bp_core",
        distribution="bp_core",
        imports="bp_core",
        training=Way("engines.bp_core_train", ("fit",)),
        prediction=Way("engines.bp_core_predict", ("predict", "predict out=", "predictor", "predictor out=")),
    ),
    EngineInfo(
        "numpy",
        distribution="numpy",
        imports="numpy",
        training=Way("engines.numpy_loop", ("loop",)),
        prediction=Way("engines.numpy_predict", ("dot out=",)),
    ),
    EngineInfo(
        "sklearn",
        distribution="scikit-learn",
        imports="sklearn.neural_network",
        training=Way("engines.sklearn_mlp", ("fit",), _sklearn_can),
        prediction=Way("engines.sklearn_predict", ("predict",)),
    ),
    EngineInfo(
        "torch",
        distribution="torch",
        imports="torch",
        training=Way("engines.torch_steps", ("eager", "compiled")),
        prediction=Way("engines.torch_predict", ("eager",)),
    ),
    EngineInfo("jax", distribution="jax", imports="jax.numpy", training=Way("engines.jax_scan", ("scan",))),
    EngineInfo("fann", library="floatfann", training=Way("engines.fann_train", ("native loop",), _fann_can)),
    EngineInfo(
        "onnxruntime",
        distribution="onnxruntime",
        imports="onnxruntime",
        prediction=Way("engines.onnxruntime_predict", ("run", "io binding")),
    ),
)

ENGINES: Mapping[str, EngineInfo] = MappingProxyType({engine.name: engine for engine in _ALL})
