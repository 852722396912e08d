"""The rules that name a training, at each of their boundaries, with loss curves made by hand."""

import numpy as np
import pytest

from bp_core.learning_rates import verdicts
from bp_core.learning_rates.verdicts import CONVERGES, CRAWLS, DIVERGES, UNSTABLE, judge


def names(first, *courses, finite=None):
    arrays = [np.array(course, dtype=float) for course in courses]
    return [verdict.name for verdict in judge(first, arrays, finite or [True] * len(arrays))]


def one(first, losses, finite=True):
    (verdict,) = judge(first, [np.array(losses, dtype=float)], [finite])
    return verdict


def zigzag(rises, steps):
    """A falling course of so many steps of which so many rise, by a tenth of the first loss each."""
    losses = [10.0]
    for s in range(steps):
        losses.append(losses[-1] + (1.0 if s < rises else -0.9))
    return losses


# ---- the end and the fall ----


@pytest.mark.parametrize(
    ("losses", "end"),
    [([4.0], 4.0), ([9.0] * 9 + [1.0], 1.0), ([9.0] * 9 + [1.0, 3.0], 2.0), ([8.0] * 18 + [1, 3], 2.0)],
)
def test_the_end_is_the_mean_of_the_last_tenth_rounded_up(losses, end):
    assert one(10.0, losses).end == end
    assert one(10.0, losses).fall == 10.0 - end


def test_the_mean_of_huge_losses_does_not_overflow():
    assert verdicts.end_of(np.full(40, 1.7e308)) == pytest.approx(1.7e308)


# ---- diverges ----


def test_above_the_first_loss_it_diverges_and_at_it_it_does_not():
    assert one(1.0, [0.5, 1.0 + 1e-9]).name == DIVERGES
    assert one(1.0, [0.5, 1.0]).name != DIVERGES


def test_what_is_not_finite_diverges_whatever_went_before():
    assert one(10.0, [5.0, 1.0], finite=False).name == DIVERGES
    assert one(10.0, [5.0, 1.0], finite=False).reason == "no longer finite in epoch 2"
    assert one(10.0, [], finite=False).reason == "no longer finite in epoch 0"
    assert one(10.0, [5.0, np.nan]).name == DIVERGES
    assert one(10.0, [5.0, np.inf]).name == DIVERGES


# ---- unstable ----


def test_a_third_of_the_steps_may_rise_and_no_more():
    assert one(20.0, zigzag(10, 30)).name == CONVERGES
    assert one(20.0, zigzag(11, 30)).name == UNSTABLE
    assert one(20.0, zigzag(11, 30)).reason == "rose in 37 % of the epochs"


def test_slight_rises_do_not_count():
    up = verdicts.SLIGHT * 100.0
    assert one(100.0, [1.0, 1.0 + 0.9 * up] * 20).name == CONVERGES
    assert one(100.0, [1.0, 1.0 + 1.1 * up] * 20).name == UNSTABLE


def test_diverging_goes_before_unstable():
    assert one(1.0, [0.5, 0.9] * 10 + [1.1, 1.1, 1.1]).name == DIVERGES


def test_a_single_epoch_has_no_step():
    assert one(1.0, [0.5]).rising == 0.0


# ---- crawls ----


def test_half_of_the_best_fall_is_enough():
    best = [5.0] * 9 + [2.0]  # falls by 8
    assert names(10.0, [6.0] * 10, best) == [CONVERGES, CONVERGES]
    assert names(10.0, [6.01] * 10, best) == [CRAWLS, CONVERGES]


def test_the_best_rate_does_not_diverge_but_may_be_unstable():
    assert names(10.0, [8.0] * 3, [1.0] * 3, finite=[True, False]) == [CONVERGES, DIVERGES]
    assert names(10.0, [8.0] * 3, [5.0, 9.0, 1.0]) == [CRAWLS, UNSTABLE]


def test_without_a_fall_it_crawls():
    assert names(1.0, [1.0, 1.0], [1.0, 1.0]) == [CRAWLS, CRAWLS]
    assert one(0.0, [0.0, 0.0]).name == CRAWLS


def test_reasons():
    reasons = [v.reason for v in judge(10.0, [np.array([9.75]), np.array([2.0]), np.array([5.0])], [True] * 3)]
    assert reasons == ["fell 3.1 % as far as at the best rate", "fell furthest", "fell 62 % as far as at the best rate"]
    assert one(1.0, [2.5]).reason == "ended at 2.5, above the first loss 1"


# ---- what is recommended ----


def advice(first, courses, finite=None):
    judged = judge(first, [np.array(course, dtype=float) for course in courses], finite or [True] * len(courses))
    rates = [10.0**i for i in range(len(courses))]
    ends = [verdict.end for verdict in judged]
    best = verdicts.recommend(rates, judged, ends)
    return best, verdicts.advise(rates, judged, ends, best)


def test_the_lowest_end_is_recommended_among_those_that_converge():
    assert advice(10.0, [[5.0] * 3, [3.0] * 3, [4.0, 9.0, 3.5]]) == (10.0, "Recommended: 10.")


def test_an_unstable_rate_that_ended_lower_is_named():
    words = "Recommended: 10. The rate 1000 ended lower (0.5, not 3), but jumps about."
    assert advice(10.0, [[5.0] * 3, [3.0] * 3, [4.0, 9.0, 1.0], [4.0, 9.0, 0.5]]) == (10.0, words)
    assert "jumps" not in advice(10.0, [[3.0] * 3, [4.0, 9.0, 3.0]])[1]


def test_at_the_border_of_the_grid_more_is_to_be_tried():
    assert advice(10.0, [[5.0], [4.0]])[1].endswith("a larger one may do better.")
    assert advice(10.0, [[4.0], [5.0]])[1].endswith("a smaller one may do better.")
    assert advice(10.0, [[4.0]]) == (1.0, "Recommended: 1.")


def test_where_none_converges_it_says_what_to_try():
    assert advice(1.0, [[2.0], [3.0]]) == (None, "Every rate diverges: try rates below 1, or scale the inputs.")
    assert advice(9.0, [[8.9] * 3, [4.0, 8.0, 1.0]]) == (None, "No rate converges: try rates just below 10.")
    assert advice(1.0, [[1.0], [1.0]])[0] is None


def test_standing_still():
    assert verdicts.stands_still(1.0, np.array([0.9] * 20))
    assert not verdicts.stands_still(1.0, np.linspace(1, 0.5, 20))
    assert not verdicts.stands_still(1.0, np.array([0.9]))
