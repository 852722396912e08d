"""Learning rates as people give them: one number, or several that differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bp_core import _checks

EXPECTED = "expected positive numbers that differ, such as (0.001, 0.01, 0.1)"


def read_rates(given: Any) -> tuple[float, ...]:
    """Return the rates as floats, in their order; one number is a tuple of one."""
    if _checks.is_number(given):
        given = (given,)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"learning_rates is {given!r}; {EXPECTED}")
    rates: list[float] = []
    for rate in given:
        if not _checks.is_number(rate) or rate <= 0:
            raise ValueError(f"learning_rates holds {rate!r}; {EXPECTED}")
        if rate in rates:
            raise ValueError(f"learning_rates holds {rate!r} twice; {EXPECTED}")
        rates.append(float(rate))
    if not rates:
        raise ValueError(f"learning_rates is empty; {EXPECTED}")
    return tuple(rates)
