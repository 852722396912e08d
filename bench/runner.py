"""Runs the measurement: a pinned process per engine and form, answers checked, then rounds in turns."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import reference
from data import Problem, make_problem
from definitions import WORKLOADS, Workload
from engines import EngineInfo
from machine import clean_environment, python_command
from peak import Peak

READY_SECONDS = 240.0  # imports, data, compilation, and the epochs of the check
ROUND_SECONDS = 240.0  # far above any round: only a hang is longer
LOSS_TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # |loss - expected| as a part of the expected loss
PATH_TOLERANCE = {"float32": 1e-3, "float64": 1e-9}  # |parameters - expected| as a part of the way they went


@dataclass(frozen=True)
class Settings:
    """How to measure: the core, the number of rounds and their length, the dtype."""

    core: int
    rounds: int
    seconds: float
    dtype: str


@dataclass
class Result:
    """One engine in one form on one workload; times only where the answer is right."""

    work: Workload
    engine: str
    form: str
    status: str = "ok"  # or "wrong answer" or "failed"
    message: str = ""
    note: str = ""
    isa: str | None = None
    loss: float | None = None
    expected_loss: float | None = None
    path_error: float | None = None
    seconds_per_step: list[float] = field(default_factory=list)
    core_share: list[float] = field(default_factory=list)  # CPU time / wall time of each round

    @property
    def best(self) -> float | None:
        """Seconds per step in the best round."""
        return min(self.seconds_per_step) if self.status == "ok" and self.seconds_per_step else None


class WorkerFailed(Exception):
    """The worker ended, or did not answer in time; the message is what it said last."""


class Worker:
    """A process running `worker.py`, and the exchange of one line for another with it."""

    def __init__(self, work: Workload, engine: EngineInfo, form: str, core: int) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self.process = subprocess.Popen(
            python_command("worker.py", work.name, engine.name, form, work.dtype, str(core)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=clean_environment(),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def ask(self, command: str, limit: float) -> dict[str, Any]:
        """Send a command and return the answer; `limit` is in seconds."""
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise WorkerFailed(self._last_words()) from error
        return self.listen(limit)

    def listen(self, limit: float) -> dict[str, Any]:
        """Return the next answer."""
        timer = threading.Timer(limit, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timed_out = not timer.is_alive()
        timer.cancel()
        if not line:
            raise WorkerFailed(f"no answer within {limit:g} s" if timed_out else self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        """Return the last line of standard error."""
        self.process.wait()
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors if line.strip()]
        return lines[-1][:200] if lines else f"ended with status {self.process.returncode}"


def run_workload(
    name: str, engines: Sequence[EngineInfo], settings: Settings, peak: Peak, say: Callable[[str], None]
) -> list[Result]:
    """Measure `engines` on one workload and return a result for each of their forms."""
    work = replace(WORKLOADS[name], dtype=settings.dtype)
    say(f"{name}: {work.describe()}")
    problem = make_problem(work)
    answers: dict[Workload, reference.Answer] = {}
    results = []
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        running: list[tuple[Result, Worker]] = []
        for engine in engines:
            done_work = work.as_done_by(engine.name)
            if done_work not in answers:
                answers[done_work] = reference.expected_answer(done_work, problem)
            note = work.nearest[engine.name].note if engine.name in work.nearest else ""
            for form in engine.forms:
                result = Result(done_work, engine.name, form, note=note)
                results.append(result)
                worker = stack.enter_context(Worker(done_work, engine, form, settings.core))
                _check(result, worker, answers[done_work], problem, Path(folder) / "parameters.npz")
                say(f"  {engine.name} ({form}): {_check_line(result)}")
                if result.status == "ok":
                    running.append((result, worker))
        _time_in_turns(running, settings, peak, say)
    return results


def _check(result: Result, worker: Worker, answer: reference.Answer, problem: Problem, path: Path) -> None:
    """Have the worker train the first epochs, and compare with the expected answer."""
    try:
        result.isa = worker.listen(READY_SECONDS)["isa"]
        worker.ask(f"check {path}", READY_SECONDS)
    except WorkerFailed as error:
        result.status, result.message = "failed", str(error)
        return
    with np.load(path) as saved:
        arrays = [saved[name].astype(np.float64) for name in saved.files]
    n_layers = len(answer.weights)
    result.loss = reference.loss_of(result.work, arrays[:n_layers], arrays[n_layers:], problem)
    result.expected_loss = answer.loss
    result.path_error = _path_error(arrays, answer, problem)
    loss_error = abs(result.loss - answer.loss) / answer.loss
    dtype = result.work.dtype
    right = loss_error <= LOSS_TOLERANCE[dtype] and result.path_error <= PATH_TOLERANCE[dtype]
    result.status = "ok" if right else "wrong answer"


def _path_error(arrays: list[np.ndarray], answer: reference.Answer, problem: Problem) -> float:
    """Return the distance between parameters and expected ones, over the way from the initial to the expected ones."""
    expected = np.concatenate([p.ravel() for p in answer.weights + answer.biases])
    initial = np.concatenate([p.ravel() for p in problem.weights + problem.biases])
    found = np.concatenate([p.ravel() for p in arrays])
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - initial))


def _check_line(result: Result) -> str:
    """Return the outcome of the check in words."""
    if result.status == "failed":
        return f"failed: {result.message}"
    steps = result.work.steps(result.work.check_epochs)
    verdict = "answer right" if result.status == "ok" else "WRONG ANSWER"
    loss = f"loss {result.loss:.6g}, expected {result.expected_loss:.6g} after {steps} steps"
    return f"{verdict}: {loss}; parameters off by {result.path_error:.1e} of the way"


def _time_in_turns(
    running: list[tuple[Result, Worker]], settings: Settings, peak: Peak, say: Callable[[str], None]
) -> None:
    """Let the peak loop and every engine run once a round, each round starting with another engine."""
    for turn in range(settings.rounds if running else 0):
        peak.measure(settings.core)
        first = turn % len(running)
        for result, worker in running[first:] + running[:first]:
            if result.status != "ok":
                continue
            try:
                answer = worker.ask(f"time {settings.seconds}", ROUND_SECONDS)
            except WorkerFailed as error:
                result.status, result.message = "failed", str(error)
                say(f"  {result.engine} ({result.form}): failed: {error}")
                continue
            steps = answer["calls"] * result.work.steps(result.work.epochs)
            result.seconds_per_step.append(answer["wall"] / steps)
            result.core_share.append(answer["cpu"] / answer["wall"])
        times = ", ".join(f"{r.engine} ({r.form}) {r.seconds_per_step[-1] * 1e6:.4g}" for r, _ in running if r.best)
        say(f"  round {turn + 1} of {settings.rounds}, us/step: {times}")
