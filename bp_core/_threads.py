"""How many threads a call uses when the user leaves it open."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from bp_core._csr import Csr

if TYPE_CHECKING:
    from bp_core.network import Network

MOST = 64
FLOPS_A_THREAD = 4e6
"""Work of one training step that makes up for a thread's exchange of rows with the others."""

FLOPS_APART = 9e3
"""The same where threads exchange nothing but the gradients of blocks."""

BLOCK_ROWS, MOST_EXCHANGED = 128, 1 << 20
"""Rows of a block, and parameters times blocks up to which gradients are exchanged, as in ``_engine_blocks.pxi``."""

FLOPS_A_PREDICTION_THREAD = 3e7
"""Work of one prediction that makes up for starting a thread, and for its reading what another core has written."""

FLOPS_AN_UPDATE = 12
"""The update of a weight that no row of a batch meets, where X is sparse: else there is more to do for each."""

FLOPS_A_UNIT = 128
"""What the activation of a unit weighs in a prediction, with the small layers' loss of speed."""


def usable() -> int:
    """Threads this process may use: what the environment says, else its cores, at most its quota of them.

    Raises
    ------
    ValueError
        If ``BP_CORE_NUM_THREADS`` is no whole number from 1 up.
    """
    own = os.environ.get("BP_CORE_NUM_THREADS", "").strip()
    if own:
        if not own.isdecimal() or int(own) < 1:
            raise ValueError(f"BP_CORE_NUM_THREADS={own}: expected a whole number from 1 up")
        return min(int(own), MOST)
    others = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if others.isdecimal() and int(others) > 0:
        return min(int(others), MOST)
    return min(_cores(), _quota(), MOST)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_quota() -> int:
    """Whole cores that the control groups of this process, and those they lie in, leave to it.

    A container sees its own group as the root; elsewhere the group has a path below it.
    """
    least = MOST
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            parts = [part for part in path.split("/") if part not in ("", "..")]
            for depth in range(len(parts) + 1):
                least = min(least, _quota_of(controllers, "/".join(parts[:depth])))
    return max(1, least)


_quota: Callable[[], int] = lru_cache(maxsize=1)(_read_quota)


def _quota_of(controllers: str, path: str) -> int:
    """Whole cores that one group leaves: version 2 has no controllers in its line, version 1 a folder for them."""
    if controllers == "":
        words = " ".join(_lines(f"/sys/fs/cgroup/{path}/cpu.max")).split()
    else:
        files = [f"/sys/fs/cgroup/{controllers}/{path}/cpu.cfs_{name}_us" for name in ("quota", "period")]
        words = [word for file in files for word in _lines(file)]
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return MOST
    return int(words[0]) // int(words[1])


def _lines(path: str) -> list[str]:
    """The lines of a small file of the system; none where it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except (OSError, ValueError):
        return []


def _choose(n_threads: int | None, helpful: float) -> int:
    """As many as the user says, else as many as help."""
    if n_threads is not None:
        return min(n_threads, MOST)
    return min(usable(), int(helpful)) if helpful >= 2 else 1


def unmet(net: Network, X: object) -> float:
    """How many weights a row of X, on average, does not meet, because it stores no number for them."""
    return (X.shape[1] - X.entries_a_row()) * net.layer_sizes[1] if isinstance(X, Csr) else 0.0


def for_training(n_threads: int | None, n_parameters: int, batch_size: int, unmet: float = 0.0) -> int:
    """Threads for steps of so many rows; forward, gradient and delta take 2 flops a parameter met."""
    flops = 6.0 * (n_parameters - unmet) * batch_size + FLOPS_AN_UPDATE * unmet
    blocks = -(-batch_size // BLOCK_ROWS)
    together, apart = _choose(n_threads, flops / FLOPS_A_THREAD), 1
    if n_threads is None and n_parameters * blocks <= MOST_EXCHANGED:
        apart = _even_shares(batch_size, _choose(None, min(blocks, flops / FLOPS_APART)))
    return apart if 2 * apart > together else together


def _even_shares(rows: int, most: int) -> int:
    """The fewest threads whose largest share of the blocks is that of ``most``; 1 where that is far from even."""
    blocks = -(-rows // BLOCK_ROWS)
    share = -(-blocks // most)
    threads = -(-blocks // share)
    return threads if 3 * share * BLOCK_ROWS * threads <= 4 * rows else 1


def for_step(n_threads: int | None) -> int:
    """Threads for a single step: one, unless the user says more."""
    return min(n_threads or 1, MOST)


def for_prediction(n_threads: int | None, net: Network, rows: int, unmet: float = 0.0) -> int:
    """Threads for the prediction of so many rows."""
    flops = 2.0 * (net.n_parameters - unmet) + FLOPS_A_UNIT * sum(net.layer_sizes[1:])
    return _choose(n_threads, rows * flops / FLOPS_A_PREDICTION_THREAD)


class Crew:
    """Chooses between one thread and several, call by call, by what either has reached.

    The bits do not depend on it. A busy neighbour can make several threads slower than one; it may come and go, so
    the other choice is tried again now and then, in a short call. In doubt it is one thread: a slow call is blamed
    on several threads at once, on one thread by half.
    """

    FIRST, SHORT = 0.01, 0.003
    """Seconds of the first two calls, of one thread, and of a trial."""

    APART = 60
    """From one trial to the next, in its own time: a trial that gets nowhere costs less than 2 %."""

    def __init__(self, several: int, fixed: bool) -> None:
        self._choices = (several,) if fixed or several == 1 else (1, several)
        self._first = [] if len(self._choices) == 1 else [1, 1, several, several]  # the second finds all in the cache
        self._rates: dict[int, float] = {}
        self._wait = 0.0
        self._trial = False
        self.threads = self._choices[0]

    def next(self) -> float:
        """Choose the threads of the next call; return how long it may take: infinity, or the length of a trial."""
        if len(self._choices) == 1:
            return float("inf")
        self._trial = bool(self._first) or self._wait <= 0
        if self._first:
            self.threads = self._first.pop(0)
            return self.FIRST if self.threads == 1 else self.SHORT
        slower, faster = sorted(self._choices, key=lambda choice: self._rates.get(choice, 0.0))
        self.threads = slower if self._trial else faster
        return self.SHORT if self._trial else float("inf")

    def report(self, rows: int, seconds: float) -> None:
        """Take a call's speed into account."""
        if rows <= 0 or seconds <= 0:
            return
        self._wait = self.APART * seconds if self._trial else self._wait - seconds
        rate = rows / seconds
        if not self._trial:
            mean = (rate + self._rates.get(self.threads, rate)) / 2
            rate = max(rate, mean) if self.threads == 1 else min(rate, mean)
        self._rates[self.threads] = rate
