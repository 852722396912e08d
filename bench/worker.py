"""The process that runs one engine on one workload, held to its cores; `runner.py` starts it and talks to it.

It reads one command a line from standard input and answers each with one line of JSON: `check PATH` computes the
answer of the check and saves it, `time SECONDS` makes one timed round, `save PATH` saves the answer that the last
timed call left.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from machine import peak_memory, pin

if TYPE_CHECKING:
    from jobs import Job


def main(workload: str, engine: str, form: str, dtype: str, cores: str) -> None:
    """Set up, say so, then obey until standard input ends."""
    replies = _take_standard_output()
    pin([int(core) for core in cores.split(",")])
    import numpy as np
    from engines import ENGINES, FormAbsent
    from jobs import make_job
    from scaling_work import SCALING_WORKLOADS
    from workloads import WORKLOADS

    found = WORKLOADS.get(workload) or SCALING_WORKLOADS[workload]
    work = replace(found.as_done_by(engine), dtype=dtype)
    try:
        job = make_job(work, ENGINES[engine], form, threads=len(cores.split(",")))
    except FormAbsent as absent:
        _reply(replies, {"absent": str(absent)})
        return
    _reply(replies, {"isa": job.isa})
    for line in sys.stdin:
        command, argument = line.rstrip("\n").split(" ", 1)
        if command == "time":
            _reply(replies, timed_round(job, float(argument)) | {"memory": peak_memory()})
            continue
        np.savez(argument, *(job.check() if command == "check" else job.answer()))
        _reply(replies, {})


def timed_round(job: Job, seconds: float) -> dict[str, float]:
    """Call the job until `seconds` are spent; return wall time, CPU time and the number of calls.

    The first call warms the caches and does not count, unless it alone took the whole round.
    """
    calls = [_timed_call(job)]
    if calls[0][0] < seconds:
        calls.clear()
    while sum(wall for wall, _ in calls) < seconds:
        calls.append(_timed_call(job))
    return {"wall": sum(wall for wall, _ in calls), "cpu": sum(cpu for _, cpu in calls), "calls": len(calls)}


def _timed_call(job: Job) -> tuple[float, float]:
    """Return wall and CPU seconds of one call."""
    call = job.prepare()
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _take_standard_output() -> IO[str]:
    """Keep standard output for replies; whatever a library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return replies


def _reply(replies: IO[str], message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()


if __name__ == "__main__":
    main(*sys.argv[1:6])
