"""What a trainer and every way to fit are told, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bp_core import _checks, _monitor
from bp_core._fit import Limits, Watch
from bp_core._intake import Intake
from bp_core.history import Epoch


def check_batch_size(batch_size: object) -> int | str:
    """Rows per step, or "full"."""
    return "full" if batch_size == "full" else _checks.positive_integer("batch_size", batch_size, "or 'full'")


def check_limits(epochs: object, target_loss: object, max_seconds: object) -> Limits:
    """What ends a fit from within a native call."""
    if target_loss is not None and not _checks.is_number(target_loss):
        raise ValueError(f"target_loss is {target_loss!r}; expected None or a number")
    return Limits(
        epochs=_checks.positive_integer("epochs", epochs),
        target_loss=None if target_loss is None else float(target_loss),  # type: ignore[arg-type]
        max_seconds=None if max_seconds is None else _checks.positive_number("max_seconds", max_seconds),
    )


def check_watch(
    intake: Intake,
    missing: str,
    *,
    validation_data: Any,
    monitor: object,
    mode: object,
    patience: object,
    min_delta: object,
    callbacks: object,
    progress: object,
) -> Watch:
    """What Python does after an epoch."""
    validation = intake.validation(validation_data, missing)
    return Watch(
        validation=validation,
        monitor=_monitor.check(monitor, mode, intake.network, validation, validation_data),
        patience=None if patience is None else _checks.positive_integer("patience", patience),
        min_delta=_checks.number_from_zero("min_delta", min_delta),
        callbacks=_check_callbacks(callbacks),
        progress=bool(progress),
    )


def _check_callbacks(callbacks: Any) -> tuple[Callable[[Epoch], object], ...]:
    if not callable(callbacks) and not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is {callbacks!r}; expected a function of an Epoch, or a sequence of them")
    found: tuple[Any, ...] = (callbacks,) if callable(callbacks) else tuple(callbacks)
    for f in found:
        if not callable(f):
            raise TypeError(f"callbacks holds {f!r}; expected functions of an Epoch")
    return found
