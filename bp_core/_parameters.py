"""The one buffer of a network's parameters, and the views users see of it."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _engine_f32, _engine_f64

Real = NDArray[Any]
Layout = tuple[int, list[tuple[int, int, int, int, bool, int, int]]]

ENGINES: dict[str, ModuleType] = {"float32": _engine_f32, "float64": _engine_f64}
LINE_BYTES = 64


def engine_for(dtype: object) -> ModuleType:
    """The engine of a dtype; raise for any but float32 and float64."""
    try:
        name = np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = repr(dtype)
    if name not in ENGINES:
        raise ValueError(f"dtype is {dtype!r}; expected float32 or float64")
    return ENGINES[name]


def make_plan(sizes: tuple[int, ...], activations: list[int], biases: list[int]) -> bytes:
    """A network's structure as the engine reads it."""
    return np.array([len(activations), *sizes, *activations, *biases], dtype=np.int64).tobytes()


def zeros(size: int, dtype: np.dtype[Any]) -> Real:
    """Zeros that start a 64-byte line."""
    try:
        raw = np.zeros(size * dtype.itemsize + LINE_BYTES, dtype=np.uint8)
    except (MemoryError, ValueError):
        raise MemoryError(f"no memory for {size:,} parameters, {size * dtype.itemsize / 2**30:.1f} GiB") from None
    start = -raw.ctypes.data % LINE_BYTES
    return raw[start : start + size * dtype.itemsize].view(dtype)


def weight_views(buffer: Real, layout: Layout) -> tuple[Real, ...]:
    """W of every layer, (fan_in, fan_out) each, without the padding; a narrow layer stores its transpose."""
    views = []
    for W_at, rows, columns, stride, narrow, _, _ in layout[1]:
        stored = buffer[W_at : W_at + rows * stride].reshape(rows, stride)[:, :columns]
        views.append(stored.T if narrow else stored)
    return tuple(views)


def bias_views(buffer: Real, layout: Layout) -> tuple[Real, ...]:
    """The bias of every layer: (fan_out,), (1,) or (0,)."""
    return tuple(buffer[b_at : b_at + length] for *_, b_at, length in layout[1])


def join(weights: tuple[Real, ...], biases: tuple[Real, ...]) -> Real:
    """One contiguous copy: weights[0], biases[0], weights[1], ..."""
    return np.concatenate([part.ravel() for pair in zip(weights, biases, strict=True) for part in pair])


def split_into(vector: Real, weights: tuple[Real, ...], biases: tuple[Real, ...]) -> None:
    """Write a vector of the order of :func:`join` into the views."""
    at = 0
    for pair in zip(weights, biases, strict=True):
        for part in pair:
            part[...] = vector[at : at + part.size].reshape(part.shape)
            at += part.size
