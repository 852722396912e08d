"""The parent's side of a worker: starts the process, sends commands, waits for answers within a limit."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import Any

from definitions import Workload
from engines import EngineInfo
from machine import clean_environment, python_command


class WorkerFailed(Exception):
    """The worker ended, or did not answer in time; the message is what it said last."""


class Worker:
    """A process running `worker.py`, and the exchange of one line for another with it."""

    def __init__(self, work: Workload, engine: EngineInfo, form: str, cores: Sequence[int]) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self.process = subprocess.Popen(
            python_command("worker.py", work.name, engine.name, form, work.dtype, ",".join(map(str, cores))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=clean_environment(len(cores)),
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
