"""Runs the measurement: a pinned process per engine and form, answers checked, then rounds in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from answers import Judge
from data import make_problem
from definitions import WORKLOADS, Workload
from engines import EngineInfo
from peak import Peak
from worker_process import Worker, WorkerFailed

READY_SECONDS = 240.0  # imports, data, compilation, and the steps of the check
ROUND_SECONDS = 240.0  # far above any round: only a hang is longer


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
    note: str = ""
    status: str = "ok"  # or "wrong answer" or "failed"
    message: str = ""
    isa: str | None = None
    loss: float | None = None
    expected_loss: float | None = None
    path_error: float | None = None
    trained_loss: float | None = None  # after a whole timed call
    seconds_per_step: list[float] = field(default_factory=list)
    core_share: list[float] = field(default_factory=list)  # CPU time / wall time of each round

    @property
    def best(self) -> float | None:
        """Seconds per step in the best round."""
        return min(self.seconds_per_step) if self.status == "ok" and self.seconds_per_step else None

    def fail(self, error: WorkerFailed) -> None:
        """Note that the worker is gone."""
        self.status, self.message = "failed", str(error)


@dataclass(frozen=True)
class Entrant:
    """A running worker, with the judge of its answers and the result to fill."""

    result: Result
    worker: Worker
    judge: Judge
    parameters: Path  # where the worker saves them

    def check(self) -> str:
        """Have the steps of the check trained and judged; return the outcome in words."""
        result = self.result
        try:
            result.isa = self.worker.listen(READY_SECONDS)["isa"]
            self.worker.ask(f"check {self.parameters}", READY_SECONDS)
        except WorkerFailed as error:
            result.fail(error)
            return f"failed: {error}"
        verdict = self.judge.judge_check(self.parameters)
        result.loss, result.expected_loss, result.path_error = verdict.loss, verdict.expected_loss, verdict.path_error
        if not verdict.is_right:
            result.status, result.message = "wrong answer", "after the steps of the check"
        words = "answer right" if verdict.is_right else "WRONG ANSWER"
        losses = f"loss {verdict.loss:.6g}, expected {verdict.expected_loss:.6g} after {self.judge.work.steps} steps"
        return f"{words}: {losses}; parameters off by {verdict.path_error:.1e} of the way"

    def time_round(self, seconds: float) -> str:
        """Have one round timed; return microseconds per step in words."""
        try:
            answer = self.worker.ask(f"time {seconds}", ROUND_SECONDS)
        except WorkerFailed as error:
            self.result.fail(error)
            return f"failed: {error}"
        per_step = answer["wall"] / (answer["calls"] * self.result.work.steps)
        self.result.seconds_per_step.append(per_step)
        self.result.core_share.append(answer["cpu"] / answer["wall"])
        return f"{per_step * 1e6:.4g}"

    def check_trained(self) -> None:
        """Judge what the last timed call has learned."""
        try:
            self.worker.ask(f"save {self.parameters}", READY_SECONDS)
        except WorkerFailed as error:
            self.result.fail(error)
            return
        has_trained, self.result.trained_loss = self.judge.has_trained(self.parameters)
        if not has_trained:
            self.result.status = "wrong answer"
            self.result.message = f"the timed call has not learned: loss {self.result.trained_loss:.6g} after it"


def run_workload(
    name: str, engines: Sequence[EngineInfo], settings: Settings, peak: Peak, say: Callable[[str], None]
) -> list[Result]:
    """Measure `engines` on one workload and return a result for each of their forms."""
    work = replace(WORKLOADS[name], dtype=settings.dtype)
    say(f"{name}: {work.describe()}")
    problem = make_problem(work)
    judges: dict[Workload, Judge] = {}
    entrants = []
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        for engine in engines:
            its_work = work.as_done_by(engine.name)
            if its_work not in judges:
                judges[its_work] = Judge(its_work, problem)
            note = work.nearest[engine.name].note if engine.name in work.nearest else ""
            for form in engine.forms:
                worker = stack.enter_context(Worker(its_work, engine, form, settings.core))
                result = Result(its_work, engine.name, form, note)
                entrant = Entrant(result, worker, judges[its_work], Path(folder) / "parameters.npz")
                say(f"  {engine.name} ({form}): {entrant.check()}")
                entrants.append(entrant)
        _time_in_turns(entrants, settings, peak, say)
    return [entrant.result for entrant in entrants]


def _time_in_turns(entrants: Sequence[Entrant], settings: Settings, peak: Peak, say: Callable[[str], None]) -> None:
    """Let the peak loop and every engine run once a round, each round starting with another engine."""
    for turn in range(settings.rounds):
        running = [entrant for entrant in entrants if entrant.result.status == "ok"]
        if not running:
            return
        peak.measure(settings.core)
        first = turn % len(running)
        times = []
        for entrant in running[first:] + running[:first]:
            times.append(f"{entrant.result.engine} ({entrant.result.form}) {entrant.time_round(settings.seconds)}")
        say(f"  round {turn + 1} of {settings.rounds}, us/step: {', '.join(times)}")
    for entrant in entrants:
        if entrant.result.status == "ok":
            entrant.check_trained()
