"""How many threads a call uses when the user leaves it open."""

from __future__ import annotations

import os

MOST = 64
FLOPS_A_THREAD = 6e6
"""Work of one training step that makes up for the two meetings of a thread with the others."""

FLOPS_A_PREDICTION_THREAD = 1e7
"""Work of one prediction that makes up for starting a thread."""


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


def _quota() -> int:
    """Whole cores that a control group (version 2, then 1) leaves to this process."""
    old = "/sys/fs/cgroup/cpu/cpu.cfs_{}_us"
    for words in (_words("/sys/fs/cgroup/cpu.max"), _words(old.format("quota")) + _words(old.format("period"))):
        if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0:
            return max(1, round(int(words[0]) / int(words[1])))
    return MOST


def _words(path: str) -> list[str]:
    """The words of a small file of the system; none where it cannot be read."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def _for_work(n_threads: int | None, flops: float, flops_a_thread: float) -> int:
    if n_threads is not None:
        return min(n_threads, MOST)
    if flops < 2 * flops_a_thread:
        return 1
    return min(usable(), int(flops / flops_a_thread))


def for_training(n_threads: int | None, n_parameters: int, batch_size: int) -> int:
    """Threads for steps of so many rows; forward, gradient and delta take 2 flops a parameter each."""
    return _for_work(n_threads, 6.0 * n_parameters * batch_size, FLOPS_A_THREAD)


def for_step(n_threads: int | None) -> int:
    """Threads for a single step: one, unless the user says more."""
    return min(n_threads or 1, MOST)


def for_prediction(n_threads: int | None, n_parameters: int, rows: int) -> int:
    """Threads for the prediction of so many rows."""
    return _for_work(n_threads, 2.0 * n_parameters * rows, FLOPS_A_PREDICTION_THREAD)


class Crew:
    """Chooses between one thread and several, call by call, by what either has reached.

    The bits do not depend on it. A busy neighbour can make several threads slower than one; it may come and go, so
    the other choice is tried again now and then, in a short call.
    """

    SHORT = 0.005
    """Seconds of a trial."""

    EVERY = 40
    """Calls from one trial to the next."""

    def __init__(self, several: int, fixed: bool) -> None:
        self._choices = (several,) if fixed or several == 1 else (1, several)
        self._rates: dict[int, float] = {}
        self._calls = 0
        self.threads = self._choices[0]

    def next(self) -> float:
        """Choose the threads of the next call; return how long it may take: infinity, or the length of a trial."""
        self._calls += 1
        missing = [choice for choice in self._choices if choice not in self._rates]
        if len(self._choices) == 1:
            return float("inf")
        if missing or self._calls % self.EVERY == 0:
            self.threads = missing[0] if missing else min(self._choices, key=lambda choice: self._rates[choice])
            return self.SHORT
        self.threads = max(self._choices, key=lambda choice: self._rates[choice])
        return float("inf")

    def report(self, rows: int, seconds: float) -> None:
        """Take a call's speed into account."""
        if rows > 0 and seconds > 0:
            self._rates[self.threads] = rows / seconds
