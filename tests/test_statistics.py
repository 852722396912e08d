"""Means and spreads of numbers whose squares, or sums, no float64 holds."""

import numpy as np
import pytest

from bp_core._statistics import deviation, mean, root_mean_square
from support import uniform

VALUES = uniform(0, (50, 3)) * [1.0, 1e3, 1e-3]


@pytest.mark.parametrize("exponent", [0, 1000, -1000])
@pytest.mark.parametrize("axis", [None, 0])
def test_a_power_of_two_changes_nothing_but_the_scale(exponent, axis):
    values = np.ldexp(VALUES, exponent)
    for found, plain in ((mean, np.mean), (deviation, np.std)):
        np.testing.assert_allclose(found(values, axis), np.ldexp(plain(VALUES, axis=axis), exponent), rtol=1e-13)
    expected = np.ldexp(np.sqrt(np.mean(VALUES**2)), exponent)
    assert root_mean_square(values) == pytest.approx(expected, rel=1e-13)


def test_equal_numbers_have_no_spread():
    values = np.full((3, 1), 0.1)
    assert values.std() != 0
    assert deviation(values) == 0 and deviation(values, axis=0).tolist() == [0]


def test_float32_and_zeros():
    assert deviation(np.float32([2e38, -2e38])) == np.float32(2e38)
    assert mean(np.zeros(4)) == root_mean_square(np.zeros(4)) == 0
