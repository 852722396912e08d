"""Every command on a model: what it prints, in tables and as JSON; exit codes; Ctrl-C; the progress on a terminal."""

import csv
import errno
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bp_core as bp
from bp_core import cli
from support import uniform

pytest.importorskip("pandas")
pytest.importorskip("rich")

N = 90


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of classes, one of numbers, and a model of each."""
    folder = tmp_path_factory.mktemp("models")
    size = uniform(1, N, 0.0, 10.0).round(3)
    colour = np.array(["red", "green", "blue"])[np.arange(N) % 3]
    kind = np.where(size > 7, "large", np.where(size > 3, "medium", "small"))
    table = {"size": size, "colour": colour, "weight": (3.0 * size + 100).round(3), "kind": kind}
    with open(folder / "t.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    for target, without in (("kind", "weight"), ("weight", "kind")):
        line = ["train", str(folder / "t.csv"), "--target", target, "--without", without, "--quiet"]
        assert cli.main([*line, "--output", str(folder / f"{target}.bp")]) == 0
    bp.Network((2, 3, 1), seed=0).save(folder / "net.safetensors")
    return folder


@pytest.fixture
def command(folder, capsys, monkeypatch):
    """Run a command there; it must succeed."""
    monkeypatch.chdir(folder)

    def run(*arguments, status=0):
        try:
            found = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            found = stop.code
        captured = capsys.readouterr()
        assert found == status, captured.err
        assert "Traceback" not in captured.err
        return captured.err if status else captured.out

    return run


def columns(text):
    rows = list(csv.reader(io.StringIO(text)))
    return dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))


# ------------------------------------------------------------------------ train
def test_train_tells_what_it_did(command):
    out = command("train", "t.csv", "--target", "kind", "--hidden", "8,4", "--epochs", 7, "--output", "x.bp")
    model = bp.Model.load("x.bp")
    assert model.network.layer_sizes == (5, 8, 4, 3)  # size, weight and three colours
    assert "5-8-4-3 (relu, relu, softmax)" in out and "t.csv, 90 rows, 4 columns" in out
    assert re.search(r"read in +[\d.]+ m?s\n", out) and re.search(r"trained on +72 rows in [\d.]+ m?s\n", out)
    assert str(model.record.scores) in out
    table = re.findall(r"^ (large|medium|small) +(\d+) +(\d+) +(\d+)$", out, re.MULTILINE)
    assert [list(map(int, row[1:])) for row in table] == model.record.scores.confusion.tolist()
    assert max(map(len, out.splitlines())) <= 80


def test_train_for_machines(command):
    found = json.loads(command("train", "t.csv", "--target", "weight", "--epochs", 4, "--json", "--output", "x.bp"))
    model = bp.Model.load("x.bp")
    assert found["layer_sizes"] == [7, 32, 1] and found["classes"] is None
    assert found["features"] == ["size", "colour", "kind"]
    assert (found["epochs"], found["n_trained"], found["n_held_out"]) == (4, 72, 18)
    assert found["scores"] == model.record.scores.to_dict()
    assert found["loss"] == model.record.losses[-1]
    assert found["seconds"]["reading"] > 0 and found["seconds"]["training"] == model.record.seconds


def test_every_option_arrives(command):
    from bp_core.cli._tables import read

    options = (
        *("--features", "kind,weight", "--categorical", "weight", "--task", "numbers", "--held-out", "0.5"),
        *("--hidden", "none", "--activation", "tanh", "--epochs", 3, "--batch-size", 7, "--optimizer", "SGD"),
        *(
            "--learning-rate",
            "0.001",
            "--schedule",
            "cosine",
            "--l2",
            "0.5",
            "--seed",
            4,
            "--threads",
            1,
            "--missing",
            "impute",
        ),
    )
    command("train", "t.csv", "--target", "size", *options, "--quiet", "--output", "x.bp")
    expected = bp.Model.train(
        read("t.csv", ("weight",)).table, "size", features=("kind", "weight"), categorical=("weight",), task="numbers",
        held_out=0.5, hidden=(), activation="tanh", epochs=3, batch_size=7, optimizer=bp.SGD(learning_rate=0.001),
        schedule="cosine", l2=0.5, seed=4, missing="impute",
    )  # fmt: skip
    found = bp.Model.load("x.bp")
    assert found.network.get_parameters().tobytes() == expected.network.get_parameters().tobytes()
    assert found.columns == expected.columns and found.target == expected.target


def test_the_defaults_are_those_of_the_library(command):
    from bp_core.cli._tables import read

    command("train", "t.csv", "--target", "kind", "--quiet", "--output", "x.bp")
    expected = bp.Model.train(read("t.csv").table, "kind").network.get_parameters()
    assert bp.Model.load("x.bp").network.get_parameters().tobytes() == expected.tobytes()
    command("train", "t.csv", "--target", "kind", "--quiet", "--output", "x.bp", "--l2", 4 / 72, "--epochs", 200)
    assert bp.Model.load("x.bp").network.get_parameters().tobytes() == expected.tobytes()


def test_the_schedules_are_those_of_the_library():
    from bp_core.cli.train import SCHEDULES
    from bp_core.model._training import SCHEDULES as known

    assert tuple(known) == SCHEDULES


def test_patience_stops(command):
    out = command("train", "t.csv", "--target", "kind", "--epochs", 5000, "--patience", 2, "--output", "x.bp")
    assert "no better loss for a while" in out
    assert bp.Model.load("x.bp").record.epochs < 5000


def test_none_held_out(command):
    out = command("train", "t.csv", "--target", "kind", "--held-out", 0, "--epochs", 2, "--output", "x.bp")
    assert "none: no rows were held out" in out
    assert json.loads(command("info", "x.bp", "--json"))["record"]["scores"] is None


def test_divergence_is_one_line(command):
    line = ("train", "t.csv", "--target", "weight", "--optimizer", "sgd", "--learning-rate", "1e30", "--output", "d.bp")
    err = command(*line, status=1)
    assert "learning rate 1e+30" in err and err.count("\n") == 1
    assert not os.path.exists("d.bp")


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--hidden", "16,x", "'16,x'; expected the sizes of the hidden layers, such as 16,8, or none"),
        ("--hidden", "0", "'0'; expected the sizes"),
        ("--activation", "rulu", "did you mean 'relu'?"),
        ("--optimizer", "adamm", "did you mean 'adam'?"),
        ("--held-out", "1", "'1'; expected a share from 0 up to, not including, 1"),
        ("--epochs", "0", "'0'; expected a whole number from 1 up"),
        ("--epochs", "2.5", "'2.5'; expected a whole number from 1 up"),
        ("--seed", "-1", "'-1'; expected a whole number from 0 up"),
        ("--learning-rate", "0", "'0'; expected a positive number"),
        ("--learning-rate", "nan", "'nan'; expected a positive number"),
        ("--l2", "-1", "'-1'; expected a number from 0 up"),
        ("--features", "a,,b", "'a,,b'; expected names with a comma between them"),
        ("--task", "class", "invalid choice: 'class'"),
    ],
)
def test_wrong_usage_exits_with_2(command, option, value, words):
    assert words in command("train", "t.csv", "--target", "kind", f"{option}={value}", status=2)


def test_a_model_goes_to_a_file_that_can_be_written(command):
    os.makedirs("sub", exist_ok=True)
    for output, words in (
        ("-", "a model is saved to a file; --output takes its name"),
        ("sub", "sub: Is a directory"),
        ("none/x.bp", "none/x.bp: there is no such folder to write to"),
    ):
        err = command("train", "t.csv", "--target", "kind", "--output", output, status=1)
        assert err == f"bp-core: error: {words}\n"


# ---------------------------------------------------------------------- predict
def test_predict_writes_csv(command):
    found = columns(command("predict", "kind.bp", "t.csv", "--proba"))
    model, table = bp.Model.load("kind.bp"), columns(Path("t.csv").read_text())
    given = {"size": np.array(table["size"], float), "colour": list(table["colour"])}
    assert list(found) == ["kind", "p_large", "p_medium", "p_small"]
    assert list(found["kind"]) == model.predict(given).tolist()
    shares = np.array([found[f"p_{name}"] for name in model.target.classes], float).T
    np.testing.assert_allclose(shares, model.predict_proba(given), rtol=1e-6)


def test_predict_to_a_file_and_for_machines(command):
    printed = command("predict", "weight.bp", "t.csv")
    assert command("predict", "weight.bp", "t.csv", "--output", "out.csv") == ""
    assert Path("out.csv").read_text() == printed
    found = json.loads(command("predict", "weight.bp", "t.csv", "--json"))
    assert found["target"] == "weight" and len(found["predictions"]) == N
    np.testing.assert_allclose(found["predictions"], np.array(columns(printed)["weight"], float), rtol=1e-6)
    found = json.loads(command("predict", "kind.bp", "t.csv", "--json", "--proba"))
    assert set(found["probabilities"]) == {"large", "medium", "small"}


def test_predict_needs_its_columns_and_no_target(command):
    Path("new.csv").write_text("colour,size\nred,9.5\n")
    assert command("predict", "kind.bp", "new.csv") == "kind\nlarge\n"
    Path("wrong.csv").write_text("color,size\nred,9.5\n")
    assert "no column 'colour'; did you mean 'color'?" in command("predict", "kind.bp", "wrong.csv", status=1)
    Path("wrong.csv").write_text("colour,size\nred,1\nread,9.5\n")
    err = command("predict", "kind.bp", "wrong.csv", status=1)
    assert "wrong.csv: column 'colour', line 3 is 'read'" in err and "did you mean 'red'?" in err
    assert "probabilities are for classes" in command("predict", "weight.bp", "t.csv", "--proba", status=1)


# --------------------------------------------------------- evaluate and explain
def test_evaluate_classes(command):
    found = json.loads(command("evaluate", "kind.bp", "t.csv", "--json"))
    right, given = columns(Path("t.csv").read_text())["kind"], columns(command("predict", "kind.bp", "t.csv"))["kind"]
    assert found["accuracy"] == pytest.approx(np.mean([a == b for a, b in zip(right, given, strict=True)]))
    assert np.sum(found["confusion"]) == N == found["n_rows"]
    out = command("evaluate", "kind.bp", "t.csv")
    assert f"{found['accuracy']:.2%}" in out
    assert [int(n) for n in re.findall(r"^ large +(\d+) +(\d+) +(\d+)$", out, re.MULTILINE)[0]] == found["confusion"][0]


def test_evaluate_numbers(command):
    found = json.loads(command("evaluate", "weight.bp", "t.csv", "--json"))
    right = np.array(columns(Path("t.csv").read_text())["weight"], float)
    given = np.array(json.loads(command("predict", "weight.bp", "t.csv", "--json"))["predictions"])
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((right - given) ** 2)))
    assert f"{found['r2']:.5g}" in command("evaluate", "weight.bp", "t.csv")
    Path("without.csv").write_text("size,colour\n1,red\n")
    assert "no column 'weight'" in command("evaluate", "weight.bp", "without.csv", status=1)


def test_many_classes_show_what_is_confused(command):
    lines = [f"{s % 15 + (s // 15) * 0.01},c{s % 15}" for s in range(150)]
    Path("many.csv").write_text("\n".join(["a,y", *lines]) + "\n")
    command("train", "many.csv", "--target", "y", "--epochs", 1, "--quiet", "--output", "x.bp")
    out = command("evaluate", "x.bp", "many.csv")
    rows = re.findall(r"^ (c\d+) +(c\d+) +(\d+)$", out, re.MULTILINE)
    found = json.loads(command("evaluate", "x.bp", "many.csv", "--json"))
    place = {name: code for code, name in enumerate(found["classes"])}
    assert 0 < len(rows) <= 15
    assert all(found["confusion"][place[true]][place[guess]] == int(n) > 0 and true != guess for true, guess, n in rows)


def test_explain(command):
    found = json.loads(command("explain", "kind.bp", "t.csv", "--row", 3, "--json"))
    table = columns(Path("t.csv").read_text())
    model = bp.Model.load("kind.bp")
    expected = model.explain({"size": float(table["size"][2]), "colour": table["colour"][2]}).to_dict()
    assert {name: found[name] for name in expected} == expected
    out = command("explain", "kind.bp", "t.csv", "--row", 3)
    assert "t.csv, row 3 of 90 (line 4)" in out
    assert re.search(rf"^ size +{table['size'][2]} ", out, re.MULTILINE) and re.search(
        r"^ colour +blue ", out, re.MULTILINE
    )
    assert "t.csv has 90 rows; --row is 91" in command("explain", "kind.bp", "t.csv", "--row", 91, status=1)
    assert "weight = " in command("explain", "weight.bp", "t.csv")


def test_explain_names_the_line_of_the_row(command):
    Path("wrong.csv").write_text("colour,size\nred,1\nread,9.5\n")
    assert "wrong.csv: column 'colour', line 3 is 'read'" in command(
        "explain", "kind.bp", "wrong.csv", "--row", 2, status=1
    )
    assert "row 1 of 2" in command("explain", "kind.bp", "wrong.csv")


def test_the_page_of_an_explanation(command):
    command("explain", "kind.bp", "t.csv", "--html", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert "colour=red" in page and "medium" in page
    Path("new.csv").write_text("colour,size\nred,9.5\n")
    assert "no column 'kind'" in command("explain", "kind.bp", "new.csv", "--html", "none.html", status=1)


# ------------------------------------------------------- info, draw, sweep, ...
def test_info(command):
    found = json.loads(command("info", "kind.bp", "--json"))
    model = bp.Model.load("kind.bp")
    assert found["kind"] == "model" and found["record"]["n_trained"] == 72
    assert found["columns"][0] == {
        "name": "size",
        "mean": model.columns[0].mean,
        "std": model.columns[0].std,
        "imputes": False,
    }
    assert found["network"]["n_parameters"] == model.network.n_parameters
    out = command("info", "kind.bp")
    assert re.search(r"^ colour +categories +blue, green, red$", out, re.MULTILINE)
    assert model.network.summary() in out


def test_info_of_a_network(command):
    found = json.loads(command("info", "net.safetensors", "--json"))
    assert (found["kind"], found["network"]["layer_sizes"]) == ("network", [2, 3, 1])
    assert bp.Network.load("net.safetensors").summary() in command("info", "net.safetensors")
    err = command("predict", "net.safetensors", "t.csv", status=1)
    told = "net.safetensors holds a network without columns or classes; expected a model of bp-core train"
    assert err == f"bp-core: error: {told}\n"


def test_model_files_that_are_none(command):
    whole = Path("kind.bp").read_bytes()
    for n in (0, 100, len(whole) - 1):
        Path("cut.bp").write_bytes(whole[:n])
        assert re.match(r"bp-core: error: cut\.bp is .*cut short", command("info", "cut.bp", status=1))
    assert "t.csv is no" in command("predict", "t.csv", "t.csv", status=1)
    assert command("evaluate", "none.bp", "t.csv", status=1) == "bp-core: error: none.bp: No such file or directory\n"


def test_draw(command):
    pytest.importorskip("matplotlib")
    command("draw", "kind.bp", "net.svg")
    command("draw", "net.safetensors", "net.png")
    assert Path("net.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path("net.svg").read_text(encoding="utf-8")
    assert "net.abc ends in no .svg, .png or .pdf" in command("draw", "kind.bp", "net.abc", status=1)
    assert "there is no such folder" in command("draw", "kind.bp", "none/net.png", status=1)


def test_draw_without_matplotlib(command, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    err = command("draw", "kind.bp", "other.svg", status=1)
    assert "matplotlib" in err and err.count("\n") == 1


def test_sweep(command):
    line = ("sweep", "t.csv", "--target", "kind", "--epochs", 12, "--learning-rates", "0.01,1e-6,0.001")
    found = json.loads(command(*line, "--json"))
    assert [part["learning_rate"] for part in found["learning_rates"]] == [1e-6, 0.001, 0.01]
    assert found["learning_rates"][0]["verdict"] == "crawls" and found["best"] == 0.01
    assert all(len(part["losses"]) == len(part["held_out_losses"]) == 12 for part in found["learning_rates"])
    out = command(*line)
    assert re.search(rf"^ +1e-06 +{found['learning_rates'][0]['losses'][-1]:.4g} .* crawls ", out, re.MULTILINE)
    assert found["advice"] in out


def test_json_holds_no_nan(capsys):
    from bp_core.cli._output import print_json

    print_json({"a": [1.5, float("nan"), {"b": (float("-inf"), "text")}]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {"a": [1.5, None, {"b": [None, "text"]}]}


def test_sweep_shows_what_train_would_do(command):
    """The same rows, network and order: without the penalty its losses are those of a training."""
    line = ("t.csv", "--target", "kind", "--epochs", 5, "--json")
    swept = json.loads(command("sweep", *line, "--learning-rates", "0.01"))["learning_rates"][0]["losses"]
    trained = json.loads(command("train", *line, "--learning-rate", "0.01", "--l2", 0, "--output", "x.bp"))
    assert swept[-1] == trained["loss"]


def test_gradcheck(command):
    found = json.loads(command("gradcheck", "weight.bp", "t.csv", "--rows", 5, "--json"))
    assert found["ok"] and found["rows"] == 5 and 0 < found["max_error"] < 1e-6
    n = bp.Model.load("weight.bp").network.n_parameters + (5 - found["rows_left_out"]) * 4
    assert found["n_checked"] == n
    assert f"{found['max_error']:.2g} at {found['worst']}" in command("gradcheck", "weight.bp", "t.csv", "--rows", 5)


def test_a_wrong_gradient_exits_with_1(command, monkeypatch):
    wrong = bp.GradientCheck(False, 0.5, "weights[0][0, 0]", 10, 0)
    monkeypatch.setattr(bp.Network, "check_gradients", lambda *_: wrong)
    assert "differ by 0.5 at weights[0][0, 0]" in command("gradcheck", "kind.bp", "t.csv", status=1)


# ------------------------------------------------------ subprocesses, terminals
CTRL_C = """
import os, signal, sys, threading, time
from bp_core.cli import main
from bp_core.trainer import Trainer

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may have inherited "ignore"
fit = Trainer.fit

def fit_interrupted(*arguments, **options):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    return fit(*arguments, **options)

Trainer.fit = fit_interrupted
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal")
@pytest.mark.parametrize("more", [(), ("--json",), ("--quiet",)])
def test_ctrl_c_saves_the_model_so_far(folder, more):
    line = ("train", "t.csv", "--target", "kind", "--epochs", str(10**9), "--output", "stopped.bp", *more)
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C, *line], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (130, "bp-core: interrupted; the model so far is saved to stopped.bp\n")
    record = bp.Model.load(folder / "stopped.bp").record
    assert record.stop_reason == "interrupted" and record.epochs > 0
    if more == ("--json",):
        assert json.loads(done.stdout)["stop_reason"] == "interrupted"
    assert bool(done.stdout) == (more != ("--quiet",))


def test_from_standard_input_to_standard_output(folder):
    table = (folder / "t.csv").read_bytes()
    line = [sys.executable, "-P", "-m", "bp_core", "predict", "kind.bp", "-", "--output", "-"]
    done = subprocess.run(line, input=table, cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == N + 1
    assert done.stdout.startswith(b"kind\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals on Windows")
def test_progress_is_shown_on_a_terminal_alone(folder):
    import pty

    line = ["train", "t.csv", "--target", "kind", "--epochs", "300", "--output", "x.bp"]
    program = [sys.executable, "-P", "-m", "bp_core", *line]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    ours, theirs = pty.openpty()
    with (
        open(folder / "out.txt", "wb") as out,
        subprocess.Popen(program, cwd=folder, env=environment, stdout=out, stderr=theirs) as process,
    ):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError as error:
            assert error.errno == errno.EIO  # the other end is closed
        os.close(ours)
    assert process.returncode == 0
    assert re.search(rb"epoch 300/300  loss [\d.]+ ", re.sub(rb"\x1b\[[\d;?]*\w", b"", shown))
    printed = (folder / "out.txt").read_bytes()
    assert b"left" in shown and b"held-out score" in printed and b"epoch 300/300" not in printed
    done = subprocess.run([*program, "--quiet"], cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = subprocess.run(program, cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_interrupted_before_the_training(folder, monkeypatch, capsys):
    from bp_core.cli import _tables

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_tables, "read", interrupted)
    assert cli.main(["evaluate", str(folder / "kind.bp"), "t.csv"]) == 130
    assert capsys.readouterr().err == "bp-core: interrupted\n"
