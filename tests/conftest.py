"""The fixture that runs a numeric test once at every instruction set this CPU and BP_CORE_ISA allow."""

import pytest

import bp_core as bp
from bp_core import _dispatch


@pytest.fixture(params=_dispatch.levels())
def isa(request):
    before = bp.isa()
    _dispatch.switch(request.param)
    yield request.param
    _dispatch.switch(before)
