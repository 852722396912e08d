"""Runs the measurement: a pinned process per engine and form, answers checked, then rounds in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from answers import Judge, Verdict, make_judge
from data import make_problem
from definitions import Workload
from engines import EngineInfo
from peak import Peak
from worker_process import Worker, WorkerFailed

READY_SECONDS = 240.0  # imports, data, compilation, and the steps of the check
ROUND_SECONDS = 240.0  # far above any round: only a hang is longer


@dataclass(frozen=True)
class Settings:
    """How to measure: the cores (a thread each), the number of rounds and their length, the dtype."""

    cores: tuple[int, ...]
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
    threads: int = 1
    status: str = "ok"  # or "wrong answer", "failed", or "absent"
    message: str = ""
    isa: str | None = None
    verdict: Verdict | None = None
    trained_loss: float | None = None  # after a whole timed call of a training
    seconds_per_step: list[float] = field(default_factory=list)  # of each round
    core_share: list[float] = field(default_factory=list)  # CPU time / wall time of each round
    memory: int | None = None  # bytes, at most

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
    saved: Path  # where the worker saves its answers

    def check(self) -> str:
        """Have the answer of the check computed and judged; return the outcome in words."""
        result = self.result
        try:
            ready = self.worker.listen(READY_SECONDS)
            if "absent" in ready:
                result.status, result.message = "absent", ready["absent"]
                return f"absent: {result.message}"
            result.isa = ready["isa"]
            self.worker.ask(f"check {self.saved}", READY_SECONDS)
        except WorkerFailed as error:
            result.fail(error)
            return f"failed: {error}"
        result.verdict = self.judge.judge_check(self.saved)
        if not result.verdict.is_right:
            result.status, result.message = "wrong answer", result.verdict.words
        return f"{'answer right' if result.verdict.is_right else 'WRONG ANSWER'}: {result.verdict.words}"

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
        self.result.memory = answer["memory"]
        return f"{per_step * 1e6:.4g}"

    def check_timed(self) -> None:
        """Judge what the last timed call left."""
        try:
            self.worker.ask(f"save {self.saved}", READY_SECONDS)
        except WorkerFailed as error:
            self.result.fail(error)
            return
        verdict = self.judge.judge_timed(self.saved)
        self.result.trained_loss = verdict.loss
        if not verdict.is_right:
            self.result.status, self.result.message = "wrong answer", verdict.words


def run_workload(
    work: Workload, engines: Sequence[EngineInfo], settings: Settings, peak: Peak, say: Callable[[str], None]
) -> list[Result]:
    """Measure `engines` on one workload and return a result for each of their forms that is there."""
    work = replace(work, dtype=settings.dtype)
    say(f"{work.name}: {work.describe()}")
    judges: dict[Workload, Judge] = {}
    entrants = []
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        for engine in engines:
            its_work = work.as_done_by(engine.name)
            for form in engine.forms(work):
                if its_work not in judges:
                    judges[its_work] = make_judge(its_work, make_problem(its_work))
                worker = stack.enter_context(Worker(its_work, engine, form, settings.cores))
                result = Result(its_work, engine.name, form, work.note_on(engine.name), len(settings.cores))
                entrant = Entrant(result, worker, judges[its_work], Path(folder) / "answer.npz")
                say(f"  {engine.name} ({form}): {entrant.check()}")
                entrants.append(entrant)
        _time_in_turns(entrants, settings, peak, say)
    return [entrant.result for entrant in entrants if entrant.result.status != "absent"]


def _time_in_turns(entrants: Sequence[Entrant], settings: Settings, peak: Peak, say: Callable[[str], None]) -> None:
    """Let the peak loop and every engine run once a round, each round starting with another engine."""
    for turn in range(settings.rounds):
        running = [entrant for entrant in entrants if entrant.result.status == "ok"]
        if not running:
            return
        peak.measure(settings.cores)
        first = turn % len(running)
        times = []
        for entrant in running[first:] + running[:first]:
            times.append(f"{entrant.result.engine} ({entrant.result.form}) {entrant.time_round(settings.seconds)}")
        say(f"  round {turn + 1} of {settings.rounds}, us/step: {', '.join(times)}")
    for entrant in entrants:
        if entrant.result.status == "ok":
            entrant.check_timed()
