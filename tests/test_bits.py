"""The same bits at every level with fused multiply-add; by stored digests also on other CPUs and compilers."""

import json
import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

import bp_core as bp
import golden_bits
from bp_core import _dispatch
from support import BATCHES, DTYPES, arrays_of, assert_same_bits, make_network, uniform

FMA_LEVELS = [level for level in _dispatch.levels() if level != "base"]
PAIRS = list(combinations(FMA_LEVELS, 2))
GOLDEN = dict(golden_bits.cases())

needs_two_levels = pytest.mark.skipif(not PAIRS, reason=f"needs two levels with FMA, has {FMA_LEVELS or 'none'}")
needs_fma = pytest.mark.skipif(not FMA_LEVELS, reason="no level with FMA on this CPU (or below BP_CORE_ISA)")


@pytest.fixture(autouse=True)
def _restore():
    before = bp.isa()
    yield
    _dispatch.switch(before)


def at_level(level, function, *arguments):
    _dispatch.switch(level)
    assert bp.isa() == level
    return function(*arguments)


def passes(width, dtype):
    """Forward and backward of a network of this width at every batch size."""
    net = make_network((width, width, 68 - width), seed=width, scale=0.5, hidden="gelu", output="tanh", dtype=dtype)
    X = uniform(1, (300, width)).astype(dtype)
    y = uniform(2, (300, 68 - width), -2, 2).astype(dtype)
    arrays = []
    for n in BATCHES:
        passed, gradients = net.forward(X[:n]), net.gradients(X[:n], y[:n])
        arrays += [*passed.z, *passed.a, net.predict(X[:n]), *arrays_of(gradients), gradients.loss]
    return arrays


def training(width, dtype):
    """100 training steps, the batch size going with the width."""
    names = list(golden_bits.OPTIMISERS)
    optimizer = golden_bits.OPTIMISERS[names[width % len(names)]]
    n = BATCHES[width % len(BATCHES)]
    return golden_bits.steps_case(optimizer, dtype, layer_sizes=(68 - width, width, 5), n=n)


@needs_two_levels
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", range(1, 68))
@pytest.mark.parametrize("work", [passes, training])
def test_two_levels_agree(work, width, dtype, pair):
    first, second = (at_level(level, work, width, dtype) for level in pair)
    for a, b in zip(first, second, strict=True):
        assert_same_bits(a, b)


def batches(dtype):
    """Forward and backward at every batch size up to 300, the width going with it."""
    arrays = []
    for n in range(1, 301):
        width = n % 67 + 1
        net = make_network((width, 68 - width, 5), seed=n, scale=0.5, hidden="silu", output="sigmoid", dtype=dtype)
        X, y = uniform((n, 1), (n, width)), uniform((n, 2), (n, 5), 0.0, 1.0)
        gradients = net.gradients(X, y, loss="binary_cross_entropy")
        arrays += [net.predict(X), *arrays_of(gradients), gradients.loss]
    return arrays


@needs_two_levels
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_levels_agree_at_every_batch_size(dtype, pair):
    first, second = (at_level(level, batches, dtype) for level in pair)
    for a, b in zip(first, second, strict=True):
        assert_same_bits(a, b)


@needs_fma
def test_the_stored_digests_are_of_these_cases():
    assert golden_bits.STORED.is_file(), "make it: python tests/golden_bits.py"
    assert sorted(json.loads(golden_bits.STORED.read_text())) == sorted(GOLDEN)


@needs_fma
@pytest.mark.parametrize("level", FMA_LEVELS)
@pytest.mark.parametrize("name", GOLDEN)
def test_the_stored_digest(name, level):
    stored = json.loads(golden_bits.STORED.read_text())[name]
    assert golden_bits.digest(at_level(level, GOLDEN[name])) == stored


def test_a_digest_sees_one_bit_the_shape_and_the_dtype():
    array = uniform(1, (3, 4))
    other = array.copy()
    other.view("u8")[2, 3] ^= 1
    digests = {
        golden_bits.digest([a]) for a in (array, other, array.reshape(4, 3), array.astype("f4"), array.view("i8"))
    }
    assert len(digests) == 5
    assert golden_bits.digest([array.astype(">f8")]) == golden_bits.digest([array])


def test_no_product_and_sum_are_contracted():
    """The build's -ffp-contract=off: a^2 + b^2 rounds twice (the penalty of weights that share a lane)."""
    a, b = 1.0 + 2.0**-30, math.sqrt(2.0**-53 - 2.0**-62)
    assert a * a + b * b != float(Fraction(a) ** 2 + Fraction(b * b))
    net = bp.Network((1, 17), init="zeros", dtype="float64")
    net.weights[0][0, 0], net.weights[0][0, 16] = b, a
    assert bp.Trainer(net, l2=2.0).step([[0.0]], np.zeros((1, 17))) == a * a + b * b
