"""The command line as a user meets it: a subprocess, its output, its exit code. And the README's example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bp_core as bp
from bp_core import cli
from bp_core.cli import demo

NUMBER = r"[-+]?\d+\.\d+"


def bp_core_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m bp_core`` as a user would, without the current folder on the path."""
    command = [sys.executable, "-P", "-m", "bp_core", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def demo_output() -> str:
    """What ``bp-core demo`` prints; it must succeed and be silent on standard error."""
    result = bp_core_command("demo")
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_demo_learns_xor(demo_output):
    rows = re.findall(rf"^ +([01]) +([01]) +([01]) +({NUMBER}) +({NUMBER})$", demo_output, flags=re.MULTILINE)
    table = [(int(x1), int(x2), int(target)) for x1, x2, target, _, _ in rows]
    assert table == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    for _, _, target, output, error in rows:
        assert abs(float(output) - int(target)) <= 0.1
        assert float(error) == pytest.approx(float(output) - int(target), abs=1.01e-4)


def test_demo_prints_every_weight_by_name(demo_output):
    edges = re.findall(rf"^ +(W\d) +(\w+) -> (\w+) +({NUMBER})$", demo_output, flags=re.MULTILINE)
    assert [edge[:3] for edge in edges] == [
        *[("W1", "x1", "z1"), ("W2", "x1", "z2"), ("W3", "x1", "z3")],
        *[("W4", "x2", "z1"), ("W5", "x2", "z2"), ("W6", "x2", "z3")],
        *[("W7", "a1", "z4"), ("W8", "a2", "z4"), ("W9", "a3", "z4")],
    ]
    assert re.search(rf"^ +b1 .*z1, z2, z3 +{NUMBER}$", demo_output, flags=re.MULTILINE)
    assert re.search(rf"^ +b2 .*z4 +{NUMBER}$", demo_output, flags=re.MULTILINE)


def test_printed_weights_compute_the_printed_outputs(demo_output):
    def value(name: str) -> float:
        return float(re.search(rf"^ +{name} .*?({NUMBER})$", demo_output, flags=re.MULTILINE)[1])

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    W = [value(f"W{number}") for number in range(1, 10)]
    hidden = sigmoid(demo.XOR_X @ np.reshape(W[:6], (2, 3)) + value("b1"))
    output = sigmoid(hidden @ np.reshape(W[6:], (3, 1)) + value("b2"))
    printed = re.findall(rf"^ +[01] +[01] +[01] +({NUMBER}) ", demo_output, flags=re.MULTILINE)
    np.testing.assert_allclose(output[:, 0], [float(text) for text in printed], atol=5e-4)


def test_demo_reads_held_out_digits(demo_output):
    accuracy, correct, total = re.search(r"correctly +([\d.]+)% \((\d+) of (\d+)\)", demo_output).groups()
    assert int(total) == 360
    assert float(accuracy) >= 97.0
    assert float(accuracy) == pytest.approx(100 * int(correct) / int(total), abs=0.01)


def test_demo_prints_its_speed(demo_output):
    for line in ("training time", "rows per second", "GFLOP/s"):
        assert float(re.search(rf"{line} +([\d,.]+)", demo_output)[1].replace(",", "")) > 0


def test_demo_fits_a_plain_terminal(demo_output):
    assert demo_output.isascii()
    assert max(len(line) for line in demo_output.splitlines()) <= 80


def test_stalled_start_is_drawn_again_and_said(monkeypatch, capsys):
    honest = bp.Network

    def first_start_stalls(*args, seed, **kwargs):
        net = honest(*args, seed=seed, **kwargs)
        if seed == demo.XOR_FIRST_SEED:
            net.set_parameters(np.zeros(net.n_parameters))  # equal hidden units stay equal: this never solves XOR
        return net

    monkeypatch.setattr(bp, "Network", first_start_stalls)
    net = demo.train_xor()
    assert np.abs(net.predict(demo.XOR_X) - demo.XOR_Y).max() <= 0.1
    assert f"seed {demo.XOR_FIRST_SEED}: stalled" in capsys.readouterr().out


def test_xor_not_reached_is_one_line_and_exit_code_1(monkeypatch, capsys):
    monkeypatch.setattr(demo, "XOR_MAX_EPOCHS", 1)
    monkeypatch.setattr(demo, "XOR_MAX_STARTS", 2)
    assert cli.main(["demo"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("stalled") == 2
    assert captured.err == "bp-core: error: XOR: none of 2 starts reached a loss of 0.00125\n"


def test_digits_not_reached_is_one_line_and_exit_code_1(monkeypatch, capsys):
    monkeypatch.setattr(demo, "DIGITS_EPOCHS", 1)
    monkeypatch.setattr(demo, "DIGITS_MIN_ACCURACY", 0.999)
    assert cli.main(["demo"]) == 1
    assert re.fullmatch(r"bp-core: error: digits: [\d.]+% of the held-out digits, .* wanted\n", capsys.readouterr().err)


def test_interrupt_exits_with_130(monkeypatch, capsys):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "learn_xor", interrupted)
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "bp-core: interrupted\n"


@pytest.mark.skipif(os.name == "nt", reason="no such pipes on Windows")
def test_reader_that_leaves_early_sees_no_traceback():
    command = [sys.executable, "-P", "-m", "bp_core", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_version():
    result = bp_core_command("--version")
    assert (result.returncode, result.stdout) == (0, f"bp-core {bp.__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]])
def test_help(arguments):
    result = bp_core_command(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert "usage: bp-core" in result.stdout
    assert "demo" in result.stdout
    assert "%%" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"), [([], "required: command"), (["dmeo"], "invalid choice: 'dmeo'"), (["demo", "--x"], "--x")]
)
def test_wrong_arguments_exit_with_2(arguments, words):
    result = bp_core_command(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("layer_sizes", "flops"), [((2, 3, 1), 42), ((784, 10), 4 * 7840)])
def test_flops_per_row(layer_sizes, flops):
    assert demo.flops_per_row(layer_sizes) == flops


def test_readme_example_runs(tmp_path, monkeypatch, capsys):
    readme = Path(__file__).parent.parent / "README.md"
    if not readme.exists():
        pytest.skip("the README is not beside the tests")
    blocks = re.findall(r"^```python\n(.*?)^```", readme.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks[0], str(readme), "exec"), {})
    assert re.search(r"\d\d\.\d%", capsys.readouterr().out)
