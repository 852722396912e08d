"""The logic of bench/: what counts as a right answer, what records tell, how two compare. Nothing is timed."""

import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"
RECORDS = sorted((BENCH / "record").glob("*.jsonl"))

pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="bench/ is not beside the tests")


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)


def module(name):
    return importlib.import_module(name)


def every_workload():
    return [*module("workloads").WORKLOADS.values(), *module("scaling_work").SCALING_WORKLOADS.values()]


def line(workload="tab", engine="bp_core", rounds=(10.0, 11.0, 12.0), **changes):
    """A line of a record, with what compare and chart read."""
    machine = {"cpu": "A", "architecture": "x86_64", "system": "Linux", "cores": 2, "python": "3.11.7"}
    defaults = {
        "kind": "training", "workload": workload, "engine": engine, "form": "fit", "is_best_form": True, "note": "",
        "work": "30-64-64-1, relu, identity; mse, adam 0.001; 16384 rows, batch 32", "dtype": "float32", "threads": 1,
        "isa": "v3", "peak_gflops": 100.0, "percent_of_peak": 50.0, "source": "abc", "machine": machine,
        "versions": {"bp_core": "0.1.0"}, "date": "2026-11-24T01:31:46+00:00",
        "us_per_step": min(rounds), "rounds_us_per_step": list(rounds),
    }  # fmt: skip
    return defaults | changes


# ------------------------------------------------------------------ the work
def test_every_step_of_a_workload_is_the_same_work():
    for work in every_workload():
        assert work.n_rows % work.batch_size == 0, work.name


def test_a_timed_call_is_not_shorter_than_the_check():
    training = module("definitions").Training
    for work in every_workload():
        if isinstance(work, training):
            assert work.steps >= work.check_steps, work.name
            assert work.for_check().steps == work.check_steps, work.name


def test_workloads_name_engines_that_exist():
    engines = module("engines").ENGINES
    for work in every_workload():
        assert {*getattr(work, "nearest", ()), *(work.forms or ())} <= set(engines), work.name


def test_no_bias_keeps_the_weights_of_the_same_network_with_biases():
    make_problem = module("data").make_problem
    work = module("workloads").W4
    without, with_bias = make_problem(work), make_problem(work.as_done_by("sklearn"))
    assert [b.shape for b in without.biases] == [(0,), (0,)]
    assert [b.shape for b in with_bias.biases] == [(200,), (10,)]
    for W, other in zip(without.weights, with_bias.weights, strict=True):
        np.testing.assert_array_equal(W, other)


# -------------------------------------------------------------- the answers
@pytest.mark.parametrize("name", ["xor", "online", "tab", "W2", "W3", "W4"])
def test_the_reference_has_the_slope_of_its_loss(name):
    data, reference = module("data"), module("reference")
    work = module("workloads").WORKLOADS[name]
    work = dataclasses.replace(work, n_rows=4 if work.inputs == "xor" else 8, dtype="float64")
    problem = data.make_problem(work)
    parameters = [problem.weights, problem.biases]
    n_layers = len(problem.weights)
    grads = reference.gradients(work, *parameters, problem.X, problem.y)
    for number, p in enumerate(problem.weights + problem.biases):
        for at in list(np.ndindex(p.shape))[:5]:
            slopes = []
            for sign in (1, -1):
                moved = [q.copy() for q in problem.weights + problem.biases]
                moved[number][at] += sign * 1e-6
                slopes.append(sign * reference.loss_of(work, moved[:n_layers], moved[n_layers:], problem))
            assert sum(slopes) / 2e-6 == pytest.approx(grads[number][at], rel=1e-5, abs=1e-9)


def judge_and_train(work, engine, form, tmp_path, change=0.0):
    """Train as a worker does, change the first parameter, and return the verdict."""
    answers, data, engines, jobs = (module(name) for name in ("answers", "data", "engines", "jobs"))
    job = jobs.make_job(work, engines.ENGINES[engine], form, threads=1)
    arrays = [np.array(array) for array in job.check()]
    arrays[0].flat[0] += change
    np.savez(tmp_path / "answer.npz", *arrays)
    return answers.make_judge(work, data.make_problem(work)).judge_check(tmp_path / "answer.npz")


@pytest.mark.parametrize("form", ["fit", "step"])
@pytest.mark.parametrize("name", ["xor", "online", "W2", "W4", "W5-46"])
def test_bp_core_trains_to_the_right_answer(name, form, tmp_path):
    verdict = judge_and_train(module("workloads").WORKLOADS[name], "bp_core", form, tmp_path)
    assert verdict.is_right, verdict.words


@pytest.mark.parametrize("name", ["online", "W2", "W4", "W5-46", "row-2-3-1", "rows-784-128-10"])
def test_numpy_gives_the_right_answer(name, tmp_path):
    form = module("engines").ENGINES["numpy"].forms(module("workloads").WORKLOADS[name])[0]
    verdict = judge_and_train(module("workloads").WORKLOADS[name], "numpy", form, tmp_path)
    assert verdict.is_right, verdict.words


@pytest.mark.parametrize("form", ["predict", "predict out=", "predictor", "predictor out="])
@pytest.mark.parametrize("name", ["row-2-3-1", "rows-784-128-10"])
def test_bp_core_predicts_the_right_answer(name, form, tmp_path):
    import bp_core

    work = module("workloads").WORKLOADS[name]
    if form.startswith("predictor") and not hasattr(bp_core.Network, "predictor"):
        with pytest.raises(module("engines").FormAbsent):
            judge_and_train(work, "bp_core", form, tmp_path)
        return
    verdict = judge_and_train(work, "bp_core", form, tmp_path)
    assert verdict.is_right, verdict.words


def test_the_reference_drops_units():
    """Units dropped in every row are units that are not there, and the others' weights are scaled."""
    reference = module("reference")
    work = dataclasses.replace(module("workloads").W2, n_rows=8, dtype="float64")
    problem = module("data").make_problem(work)
    mask = np.array([0, 2, 2, 0, 2, 2, 2, 0.0])
    W0, W1 = problem.weights
    dropped = reference.gradients(work, [W0, W1], problem.biases, problem.X, problem.y, lambda shape: mask)
    scaled = reference.gradients(work, [W0, mask[:, None] * W1], problem.biases, problem.X, problem.y)
    np.testing.assert_allclose(dropped[0], scaled[0], rtol=1e-13)
    np.testing.assert_allclose(dropped[1], mask[:, None] * scaled[1], rtol=1e-13)


@pytest.mark.parametrize("engine", ["bp_core", "numpy"])
def test_where_dropout_leads(engine, tmp_path):
    """A timed call of W2 is right; with another rate it would not be."""
    answers, data, engines, jobs = (module(name) for name in ("answers", "data", "engines", "jobs"))
    work = dataclasses.replace(module("workloads").W2, epochs=300)
    judge = answers.make_judge(work, data.make_problem(work))
    for rate, is_right in ((0.2, True), (0.0, False), (0.4, False)):
        its_work = dataclasses.replace(work, dropout=rate)
        job = jobs.make_job(its_work, engines.ENGINES[engine], engines.ENGINES[engine].forms(work)[0], threads=1)
        job.prepare()()
        np.savez(tmp_path / "answer.npz", *job.answer())
        verdict = judge.judge_timed(tmp_path / "answer.npz")
        assert verdict.is_right == is_right, verdict.words


def test_engines_without_dropout_stay_away():
    engines = module("engines").ENGINES
    takes_part = {name for name, engine in engines.items() if engine.forms(module("workloads").W2)}
    assert takes_part == {"bp_core", "numpy", "torch", "jax"}


@pytest.mark.parametrize("name", ["online", "row-2-3-1"])
def test_a_wrong_answer_is_called_wrong(name, tmp_path):
    work = module("workloads").WORKLOADS[name]
    form = module("engines").ENGINES["bp_core"].forms(work)[0]
    assert not judge_and_train(work, "bp_core", form, tmp_path, change=0.01).is_right


def test_a_wrong_answer_shows_no_time():
    rows, runner, report = module("rows"), module("runner"), module("report")
    work, peak = module("workloads").XOR, module("peak").Peak([])
    right = runner.Result(work, "bp_core", "fit", seconds_per_step=[2e-6, 1e-6], core_share=[1.0, 1.0])
    wrong = runner.Result(
        work, "jax", "scan", status="wrong answer", message="far off", seconds_per_step=[1e-6], core_share=[1.0]
    )
    good, bad = rows.make_rows([right, wrong], peak)
    assert good.us_per_step == pytest.approx(1.0)
    assert bad.us_per_step is None and bad.rounds_us_per_step == () and bad.ratio_range == ()
    assert "wrong answer: far off" in report.format_table([good, bad])


def test_a_ratio_carries_its_range_over_the_rounds():
    rows, runner = module("rows"), module("runner")
    work = module("workloads").XOR
    base = runner.Result(work, "bp_core", "fit", seconds_per_step=[1e-6, 2e-6], core_share=[1.0, 1.0])
    peer = runner.Result(work, "jax", "scan", seconds_per_step=[3e-6, 4e-6], core_share=[1.0, 0.5])
    row = rows.make_rows([base, peer], module("peak").Peak([]))[1]
    assert row.ratio_to_bp_core == pytest.approx(3.0)
    assert row.ratio_range == pytest.approx((2.0, 3.0))


# --------------------------------------------------------------- the records
def test_records_are_found_by_age_by_name_and_by_path(tmp_path):
    records = module("records")
    for name in ("2026-01-01-000000", "2026-01-02-000000"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(line()) + "\n")
    assert records.find_record("latest", tmp_path).stem == "2026-01-02-000000"
    assert records.find_record("previous", tmp_path).stem == "2026-01-01-000000"
    assert records.find_record("2026-01-01-000000", tmp_path).stem == "2026-01-01-000000"
    assert records.find_record(str(tmp_path / "2026-01-02-000000.jsonl"), tmp_path).stem == "2026-01-02-000000"
    with pytest.raises(records.NoRecord, match=r"2025: no such record; there are 2026-01-01-000000, 2026"):
        records.find_record("2025", tmp_path)


def test_a_written_record_is_read_back(tmp_path):
    records, rows, runner = module("records"), module("rows"), module("runner")
    result = runner.Result(module("workloads").XOR, "bp_core", "fit", seconds_per_step=[1e-6], core_share=[1.0])
    written = rows.make_rows([result], module("peak").Peak([]))
    path = records.write_record(written, [{"engine": "bp_core", "import_ms": 20.0}], tmp_path)
    first, startup = records.read_record(path)
    assert (first["workload"], first["kind"], first["threads"]) == ("xor", "training", 1)
    assert startup["kind"] == "startup"
    assert records.times([first, startup]) == [first]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_stored_records_stay_readable(path):
    records, compare, chart = module("records"), module("compare"), module("chart")
    record = records.read_record(path)
    changes = compare.find_changes(record, record)
    assert changes
    assert all(change.ratio == 1 and change.verdict == "same" for change in changes)
    assert compare.find_differences(record, record) == []
    assert compare.are_comparable(record, record)
    assert chart.make_groups(record)


# ------------------------------------------------------------------- compare
@pytest.mark.parametrize(
    ("rounds", "verdict"), [((8.0, 9.0, 13.0), "faster"), ((9.0, 10.5, 11.0), "same"), ((11.5, 12.0, 13.0), "slower")]
)
def test_a_change_is_judged_by_its_rounds(rounds, verdict):
    (change,) = module("compare").find_changes([line()], [line(rounds=rounds)])
    assert change.ratio == pytest.approx(min(rounds) / 10)
    assert change.range == pytest.approx((min(rounds) / 12, max(rounds) / 10))
    assert change.verdict == verdict


def test_compare_names_what_differs():
    compare = module("compare")
    a = [line(), line(engine="torch")]
    b = [line(source="def", versions={"bp_core": "0.2.0"}, form="step"), line(engine="jax")]
    words = compare.find_differences(a, b)
    assert "source: abc -> def" in words
    assert "bp_core: 0.1.0 -> 0.2.0" in words
    assert "tab bp_core: fit -> step" in words
    assert "only in A: tab torch" in words
    assert "only in B: tab jax" in words
    assert compare.are_comparable(a, b)


@pytest.mark.parametrize(
    "changes",
    [{"threads": 2}, {"dtype": "float64"}, {"peak_gflops": 150.0}, {"machine": line()["machine"] | {"cpu": "B"}}],
)
def test_other_machines_are_not_compared(changes):
    assert not module("compare").are_comparable([line()], [line(**changes)])


# ------------------------------------------------------------- chart, scaling
def test_the_bars_of_a_chart_are_ratios_to_bp_core():
    record = [line(), line(engine="jax", rounds=(20.0, 33.0, 24.0), note="other"), line("mnist", "jax")]
    (group,) = module("chart").make_groups(record)
    (bar,) = group.bars
    assert (bar.peer, bar.ratio, bar.is_other_work) == ("jax", 2.0, True)
    assert bar.range == pytest.approx((2.0, 3.0))
    assert group.label == "tab: 30-64-64-1, batch 32\nbp_core 10 us"


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_chart_is_drawn(suffix, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    record = [line(), line(engine="jax", rounds=(20.0, 33.0, 24.0))]
    path = tmp_path / "images" / f"bench{suffix}"
    module("chart").draw_chart(record, path)
    first = path.read_bytes()
    module("chart").draw_chart(record, path)
    assert len(first) > 1000 and path.read_bytes() == first


def test_bytes_of_a_step():
    work = dataclasses.replace(module("workloads").TAB, layer_sizes=(3, 2), batch_size=5)
    parameters, rows, units = 8 * 8, 5 * (3 + 2), 4 * 5 * 2
    assert module("scaling_work").bytes_per_step(work) == 4 * (parameters + rows + units)


# ------------------------------------------------- start-up, options, tables
def test_what_a_distribution_needs():
    startup = module("startup")
    assert startup._requirements("bp_core") == {"safetensors"}
    assert startup._installed_bytes("safetensors") > 0
    assert startup._installed_bytes("no-such-distribution") == 0


def test_threads_take_the_first_cores(monkeypatch, capsys):
    options = module("options")
    monkeypatch.setattr(options, "usable_cores", lambda: [2, 3, 5])
    parser = options.make_parser()
    assert parser.parse_args(["run"]).cores == (5,)
    assert parser.parse_args(["run", "--core", "2"]).cores == (2,)
    assert parser.parse_args(["run", "--threads", "2"]).cores == (2, 3)
    with pytest.raises(SystemExit):
        parser.parse_args(["run", "--threads", "4"])
    assert "4 threads need 4 cores; this process may use 3" in capsys.readouterr().err


def test_every_library_may_use_the_threads():
    environment = module("machine").clean_environment(2)
    assert environment["BP_CORE_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "2"
    assert "intra_op_parallelism_threads=2" in environment["XLA_FLAGS"]


def test_a_table_lets_words_run_over_the_columns_they_replace():
    text = module("tables").format_columns(
        ("name", "n", "note"), [[("a", "1", "x")], [("bb", "failed: long words")]], (0, 2)
    )
    assert text.splitlines() == ["name  n  note", "----  -  ----", "a     1  x", "", "bb    failed: long words"]
