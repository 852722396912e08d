"""The work whose cost is followed: one number of it grows, the rest stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from definitions import Training
from workloads import ADAM, MNIST, TAB


@dataclass(frozen=True)
class Series:
    """A row of workloads, by the number that grows; `threads` counts cores instead, with the same work each time."""

    name: str
    about: str
    works: Mapping[int, Training]


def _stack(name: str, layer_sizes: Sequence[int], batch_size: int) -> Training:
    """Return the training of a relu network on normal inputs."""
    return Training(
        name=name,
        layer_sizes=tuple(layer_sizes), hidden="relu", output="identity",
        loss="mse", optimizer=ADAM,
        batch_size=batch_size, n_rows=64 * batch_size, inputs="normal", check_steps=10,
    )  # fmt: skip


WIDTHS = (4, 8, 16, 24, 32, 45, 46, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
DEPTHS = (1, 2, 4, 8, 16, 32)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
ROWS = (1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20)
MAX_THREADS = 64
FEW_STEPS = replace(TAB, check_steps=10)

SERIES = (
    Series(
        "width", "10-w-w-10 relu, Adam, batch 128",
        {w: _stack(f"width-{w}", (10, w, w, 10), 128) for w in WIDTHS},
    ),
    Series(
        "depth", "hidden layers of 64 relu, Adam, batch 64",
        {n: _stack(f"depth-{n}", (64, *[64] * n, 64), 64) for n in DEPTHS},
    ),
    Series(
        "batch", "rows a step, 30-64-64-1 relu, Adam",
        {n: replace(FEW_STEPS, name=f"batch-{n}", batch_size=n, n_rows=max(4_096, 16 * n)) for n in BATCHES},
    ),
    Series(
        "rows", "rows of data, 30-64-64-1 relu, Adam, batch 32",
        {n: replace(FEW_STEPS, name=f"rows-{n}", n_rows=n) for n in ROWS},
    ),
    Series(
        "threads", "cores, 784-128-10 relu, Adam, batch 128",
        {n: replace(MNIST, name=f"threads-{n}", n_rows=12_800) for n in range(1, MAX_THREADS + 1)},
    ),
)  # fmt: skip

SCALING_WORKLOADS: Mapping[str, Training] = MappingProxyType(
    {work.name: work for series in SERIES for work in series.works.values()}
)


def bytes_per_step(work: Training) -> int:
    """Return the bytes that a step would move if nothing stayed in a cache.

    Rows and targets are read once. Weights are read by the forward and the backward pass, and read and written by the
    update, as are the optimiser's arrays. Activations and deltas are written once and read once.
    """
    n_parameters = sum((m + 1) * n if work.bias == "unit" else m * n for m, n in work.fans)
    optimizer_arrays = {"sgd": 0, "rmsprop": 1, "adam": 2}[work.optimizer.name]
    parameters = (2 + 2 + 2 * optimizer_arrays) * n_parameters
    rows = work.batch_size * (work.layer_sizes[0] + work.layer_sizes[-1])
    units = 4 * work.batch_size * sum(work.layer_sizes[1:])
    return (parameters + rows + units) * {"float32": 4, "float64": 8}[work.dtype]
