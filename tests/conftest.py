"""What all tests share: a run at every instruction set this CPU and BP_CORE_ISA allow, and no picture left open."""

import os
import sys

import pytest

import bp_core as bp
from bp_core import _dispatch

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(params=_dispatch.levels())
def isa(request):
    before = bp.isa()
    _dispatch.switch(request.param)
    yield request.param
    _dispatch.switch(before)


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close what a test or an example has drawn: matplotlib keeps every figure until then."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


@pytest.fixture
def one_thread(monkeypatch):
    """One thread for scikit-learn's BLAS and for us: where cores are shared, several wait for one another."""
    monkeypatch.setenv("BP_CORE_NUM_THREADS", "1")
    with pytest.importorskip("threadpoolctl").threadpool_limits(1):
        yield
