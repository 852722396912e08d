"""Results as rows of figures: what the table prints and the record keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from definitions import Prediction
from peak import Peak
from runner import Result

SHARED_CORE = 0.95  # CPU time / wall time below which something else ran on the core
MB = 1e6


@dataclass(frozen=True)
class Row:
    """The figures of one engine in one form on one workload; None where there is no right answer to time."""

    workload: str
    kind: str  # "training" or "prediction"
    engine: str
    form: str
    is_best_form: bool
    is_shown: bool
    status: str
    message: str
    note: str
    work: str
    dtype: str
    threads: int
    isa: str | None
    us_per_step: float | None
    samples_per_s: float | None
    gflops: float | None
    peak_gflops: float | None
    peak_level: str | None
    percent_of_peak: float | None
    ratio_to_bp_core: float | None
    ratio_range: tuple[float, ...]  # (lowest, highest) over the rounds
    spread: float | None
    core_share: float | None
    core_was_shared: bool  # in the best round of this row, or of bp_core, which its ratio is taken to
    memory_mb: float | None
    rounds_us_per_step: tuple[float, ...]
    loss: float | None
    expected_loss: float | None
    path_error: float | None
    output_error: float | None
    trained_loss: float | None


def make_rows(results: Sequence[Result], peak: Peak) -> list[Row]:
    """Return the rows of one workload."""
    best_forms = {engine: _best_form(engine, results) for engine in {r.engine for r in results}}
    bp_core = best_forms.get("bp_core")
    return [
        _make_row(r, best_forms[r.engine] is r, bp_core if bp_core and bp_core.best else None, peak) for r in results
    ]


def ratio_range(rounds: Sequence[float], base: Sequence[float]) -> tuple[float, ...]:
    """Return the lowest and the highest ratio of times that were taken in the same round; () without rounds."""
    ratios = [time / base_time for time, base_time in zip(rounds, base, strict=False)]
    return (min(ratios), max(ratios)) if ratios else ()


def _best_form(engine: str, results: Sequence[Result]) -> Result:
    """Return the result that stands for the engine: the fastest right one, else a wrong answer, else a failure."""
    forms = [r for r in results if r.engine == engine]
    return min(forms, key=lambda r: (r.best or float("inf"), r.status != "wrong answer"))


def _make_row(result: Result, is_best_form: bool, bp_core: Result | None, peak: Peak) -> Row:
    work, best, verdict = result.work, result.best, result.verdict
    gflops = work.flops_per_step / best * 1e-9 if best else None
    peak_gflops = peak.best.get(work.dtype)
    shares = [_share_of_best(r) for r in (result, bp_core) if r and r.best]
    return Row(
        workload=work.name,
        kind="prediction" if isinstance(work, Prediction) else "training",
        engine=result.engine,
        form=result.form,
        is_best_form=is_best_form,
        is_shown=is_best_form or work.shows_every_form,
        status=result.status,
        message=result.message,
        note=result.note,
        work=work.describe(),
        dtype=work.dtype,
        threads=result.threads,
        isa=result.isa,
        us_per_step=best * 1e6 if best else None,
        samples_per_s=work.batch_size / best if best else None,
        gflops=gflops,
        peak_gflops=peak_gflops,
        peak_level=peak.level.get(work.dtype),
        percent_of_peak=100 * gflops / peak_gflops if gflops and peak_gflops else None,
        ratio_to_bp_core=best / bp_core.best if best and bp_core else None,
        ratio_range=ratio_range(result.seconds_per_step, bp_core.seconds_per_step) if best and bp_core else (),
        spread=max(result.seconds_per_step) / best - 1 if best else None,
        core_share=_share_of_best(result) if best else None,
        core_was_shared=any(share < SHARED_CORE for share in shares),
        memory_mb=result.memory / MB if result.memory else None,
        rounds_us_per_step=tuple(s * 1e6 for s in result.seconds_per_step) if best else (),
        loss=verdict.loss if verdict else None,
        expected_loss=verdict.expected_loss if verdict else None,
        path_error=verdict.path_error if verdict else None,
        output_error=verdict.output_error if verdict else None,
        trained_loss=result.trained_loss,
    )


def _share_of_best(result: Result) -> float:
    """Return CPU time over wall time in the best round."""
    return result.core_share[result.seconds_per_step.index(min(result.seconds_per_step))]


def as_record(row: Row) -> dict[str, object]:
    """Return the row as a plain dictionary, floats cut to six digits."""
    return {name: _rounded(value) for name, value in asdict(row).items()}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return value
