"""The process that runs one engine on one workload, pinned to one core; `runner.py` starts it and talks to it.

It reads one command a line from standard input and answers each with one line of JSON:
`check PATH` trains the unshuffled steps of the check and saves the parameters, `time SECONDS` makes one timed
round, `save PATH` saves the parameters that the last timed call left.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from typing import IO, Any

from machine import pin


def main(workload: str, engine: str, form: str, dtype: str, core: int) -> None:
    """Set up, say so, then obey until standard input ends."""
    replies = _take_standard_output()
    pin(core)
    from data import make_problem
    from definitions import WORKLOADS
    from engines import ENGINES

    work = replace(WORKLOADS[workload].as_done_by(engine), dtype=dtype)
    problem, check_work = make_problem(work), work.for_check()
    make_adapter = ENGINES[engine].load()
    checked = make_adapter(check_work, problem.head(check_work.n_rows), form)
    adapter = make_adapter(work, problem, form)
    _reply(replies, {"isa": getattr(adapter, "isa", None)})
    for line in sys.stdin:
        command, argument = line.rstrip("\n").split(" ", 1)
        if command == "time":
            _reply(replies, timed_round(adapter, float(argument)))
            continue
        if command == "check":
            checked.start(shuffle=False)
            checked.train()
        _save(checked if command == "check" else adapter, argument)
        _reply(replies, {})


def timed_round(adapter: Any, seconds: float) -> dict[str, float]:
    """Call `train` until `seconds` are spent; return wall time, CPU time and the number of calls.

    Every call starts from the initial weights, outside the clock. The first call warms the caches and does not
    count, unless it alone took the whole round.
    """
    calls = [_timed_call(adapter)]
    if calls[0][0] < seconds:
        calls.clear()
    while sum(wall for wall, _ in calls) < seconds:
        calls.append(_timed_call(adapter))
    return {"wall": sum(wall for wall, _ in calls), "cpu": sum(cpu for _, cpu in calls), "calls": len(calls)}


def _timed_call(adapter: Any) -> tuple[float, float]:
    """Return wall and CPU seconds of one call of `train` from a fresh start."""
    adapter.start(shuffle=True)
    cpu, wall = time.process_time(), time.perf_counter()
    adapter.train()
    return time.perf_counter() - wall, time.process_time() - cpu


def _save(adapter: Any, path: str) -> None:
    """Save the adapter's parameters, weights first."""
    import numpy as np

    weights, biases = adapter.parameters()
    np.savez(path, *weights, *biases)


def _take_standard_output() -> IO[str]:
    """Keep standard output for replies; whatever a library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _reply(replies: IO[str], message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:5], core=int(sys.argv[5]))
