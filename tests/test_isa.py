"""Which instruction set is in use, how it is lowered, and that no table has a hole."""

import platform
import sys

import pytest

import bp_core as bp
from bp_core import _dispatch
from support import run_python

ORDER = ("base", "v3", "v4")
X86 = platform.machine().lower() in ("x86_64", "amd64")
REPORT = "import bp_core; from bp_core import _dispatch; print(bp_core.isa(), *_dispatch.levels())"


def report(isa):
    return run_python(REPORT, env={"BP_CORE_ISA": isa})


def levels_of_this_cpu():
    finished = report(None)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split()[1:]


def test_the_highest_level_is_in_use():
    finished = report(None)
    isa, *levels = finished.stdout.split()
    assert isa == levels[-1]
    assert levels == (list(ORDER[: len(levels)]) if X86 else ["base", "neon"][-len(levels) :])


def test_here_too():
    assert bp.isa() == _dispatch.levels()[-1]
    assert isinstance(_dispatch.levels(), tuple)


@pytest.mark.parametrize("level", ["base", "v3", "v4", "neon"])
def test_the_variable_lowers_the_level(level):
    available = levels_of_this_cpu()
    finished = report(level)
    if level in available:
        assert finished.stdout.split() == [level, *available[: available.index(level) + 1]], finished.stderr
    else:
        assert finished.returncode != 0
        assert f"BP_CORE_ISA={level}" in finished.stderr


@pytest.mark.skipif(not X86 or sys.platform == "darwin", reason="levels v3 and v4 are for x86-64, on macOS not built")
def test_more_than_the_cpu_has_is_refused():
    highest = levels_of_this_cpu()[-1]
    for level in ORDER[ORDER.index(highest) + 1 :]:
        finished = report(level)
        assert finished.returncode != 0
        assert f"BP_CORE_ISA={level}: this CPU has {highest} at most" in finished.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["v5", "avx2", "V3", "bse", "v3 "])
def test_an_unknown_name_is_refused(name):
    finished = report(name)
    assert finished.returncode != 0
    message = finished.stderr.splitlines()[-1]
    assert name in message
    assert "base" in message


def test_an_empty_variable_is_none():
    assert report("").stdout == report(None).stdout


@pytest.mark.parametrize("level", _dispatch.levels())
def test_no_table_has_a_hole(level):
    assert _dispatch.null_entries(level) == []


def test_the_switch(isa):
    assert bp.isa() == isa


@pytest.mark.parametrize("name", ["v5", "", "v3\0"])
def test_the_switch_refuses_what_is_not_there(name):
    before = bp.isa()
    with pytest.raises(ValueError, match=r"."):
        _dispatch.switch(name)
    assert bp.isa() == before
