"""The engines that are measured: one adapter module each, imported only in the process that runs it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType
from typing import Protocol

import numpy as np
from data import Problem
from definitions import Workload


class Adapter(Protocol):
    """What each adapter module's class `Engine` offers.

    The constructor takes all time that does not belong to a step: copies, compilation. `start` goes back to the
    initial weights with an optimiser that has not run yet. Only `train` is timed.
    """

    def __init__(self, work: Workload, problem: Problem, form: str) -> None: ...

    def start(self, *, shuffle: bool) -> None:
        """Go back to the initial weights; the next `train` takes the rows shuffled or in order."""
        ...

    def train(self) -> None:
        """Train `work.epochs` epochs, and return when the work is done (not when it is queued)."""
        ...

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return weights (fan_in, fan_out) and biases (fan_out,)."""
        ...


@dataclass(frozen=True)
class EngineInfo:
    """One engine: where its adapter is, which package it needs, in which forms it can run."""

    name: str
    distribution: str
    module: str
    forms: tuple[str, ...]

    @property
    def version(self) -> str | None:
        """The installed version; None where the package is absent."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def load(self) -> type[Adapter]:
        """Import the adapter and return its class."""
        return importlib.import_module(self.module).Engine


_ALL = (
    EngineInfo("bp_core", "bp_core", "engines.bp_core_fit", ("fit",)),
    EngineInfo("numpy", "numpy", "engines.numpy_loop", ("loop",)),
    EngineInfo("sklearn", "scikit-learn", "engines.sklearn_mlp", ("fit",)),
    EngineInfo("torch", "torch", "engines.torch_steps", ("eager", "compiled")),
    EngineInfo("jax", "jax", "engines.jax_scan", ("scan",)),
)

ENGINES: Mapping[str, EngineInfo] = MappingProxyType({engine.name: engine for engine in _ALL})
