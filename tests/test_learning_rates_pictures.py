"""draw_descent's numbers, and the pictures of descents, sweeps and range tests."""

import numpy as np
import pytest

import bp_core as bp
from bp_core.learning_rates import _descent_picture, _labels
from bp_core.learning_rates._course import Course, name_courses
from support import make_network, refused, uniform


def parabola(learning_rates, start=3.0, **options):
    """The loss is (W1 - 1)^2 / 2: its slope is W1 - 1, and a step multiplies W1 - 1 by 1 - rate."""
    net = bp.Network.from_arrays([[[start]]], None, hidden=(), output="identity")
    return bp.draw_descent(net, [[1.0]], [[1.0]], learning_rates, **options)


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


# ---- the numbers of a descent ----


@pytest.mark.parametrize("rate", [0.02, 0.5, 1.9, 2.1])
def test_a_parabola(rate):
    found = parabola([rate], steps=12)
    away = 2 * (1 - rate) ** np.arange(13)
    np.testing.assert_allclose(found.positions[0][:, 0], 1 + away, rtol=1e-12)
    np.testing.assert_allclose(found.losses[0], away**2 / 2, rtol=1e-12, atol=1e-30)
    np.testing.assert_allclose(found.courses[0].slopes[:, 0], away, rtol=1e-11, atol=1e-15)


def test_names_of_descents():
    assert parabola((0.01, 0.5, 1.9, 2.1)).verdicts == ("crawls", "converges", "overshoots", "diverges")
    assert parabola((1e200,)).verdicts == ("diverges",)
    assert "2.1 diverges" in repr(parabola((2.1,)))


def made_up(losses, positions):
    """A course without turns."""
    return Course(np.array(positions, float)[:, None], np.array(losses, float), np.ones((len(losses), 1)), True)


def test_a_descent_crawls_by_the_lowest_point_that_any_has_reached():
    """In 2 steps the distance falls to 0.95^2 and 0.7^2 of the first; a descent that diverges may pass the bottom."""
    assert parabola((0.05, 0.3), steps=2).verdicts == ("crawls", "converges")
    assert parabola((0.05,), steps=2).verdicts == ("converges",)  # nothing to compare it with
    slow, passing = made_up([8, 7.5, 7], [0, 0.5, 1]), made_up([8, 0, 9], [0, 4, 9])
    assert name_courses([slow]) == ("converges",)
    assert name_courses([slow, passing]) == ("crawls", "diverges")
    assert name_courses([made_up([8, 7, 7], [0, 1, 1]), passing]) == ("crawls", "diverges")  # it no longer falls


def test_a_descent_crawls_that_has_not_done_half_the_way():
    """Both have fallen by more than half of the 8; the one that no longer falls has found a bottom of its own."""
    far = made_up([8, 0, 0], [0, 10, 10])
    assert name_courses([made_up([8, 5, 3], [0, 2, 4]), far]) == ("crawls", "converges")
    assert name_courses([made_up([8, 5, 3], [0, 3, 6]), far]) == ("converges", "converges")
    assert name_courses([made_up([8, 3, 3], [0, 4, 4]), far]) == ("converges", "converges")


def flat_gradients(net, X, y):
    """In the order of ``get_parameters``."""
    found = net.gradients(X, y)
    return np.concatenate([np.ravel(part) for pair in zip(found.weights, found.biases, strict=True) for part in pair])


@pytest.mark.parametrize("names", [("W1", "b4"), ("W9",), ("b3", "W5")])
def test_only_the_parameters_named_move(names):
    """Parameters in the order of a vector: W1 to W8, b1 to b4 of the first layer, then W9 to W12, b5."""
    net = make_network((2, 4, 1), hidden="tanh", dtype="float64")
    places = {"W1": 0, "b4": 11, "W9": 12, "b3": 10, "W5": 4}
    X, y = uniform(1, (20, 2)), uniform(2, 20)
    found = bp.draw_descent(net, X, y, parameters=names, learning_rates=(0.3,), steps=4)
    vector = net.get_parameters()
    at = [places[name] for name in names]
    for position, following, loss in zip(found.positions[0], found.positions[0][1:], found.losses[0], strict=False):
        vector[at] = position
        moved = net.copy()
        moved.set_parameters(vector)
        assert moved.loss(X, y) == loss
        np.testing.assert_allclose(following, position - 0.3 * flat_gradients(moved, X, y)[at], rtol=1e-13)
    assert (found.positions[0][0] == net.get_parameters()[at]).all()


def test_every_rate_begins_at_the_start():
    found = parabola((0.1, 0.2, 1e300), steps=3)
    assert [positions[0, 0] for positions in found.positions] == [3.0] * 3


def test_a_shared_bias():
    net = make_network((2, 3, 1), bias="layer", hidden="sigmoid")
    X, y = uniform(1, (20, 2)), uniform(2, 20)
    found = bp.draw_descent(net, X, y, parameters="b1", learning_rates=0.5, steps=1)
    slope = net.gradients(X, y).biases[0][0]
    np.testing.assert_allclose(found.positions[0][1, 0], net.biases[0][0] - 0.5 * slope, rtol=1e-6)


def test_a_descent_ends_where_numbers_do():
    found = parabola((1e100,), steps=30)
    assert len(found.losses[0]) == 2 and np.isfinite(found.losses[0]).all()
    assert not found.courses[0].finite


def test_the_span_holds_what_is_not_too_high():
    ((low, high),) = parabola((2.1,), steps=30).span
    away = 2 * (-1.1) ** np.arange(31)
    shown = 1 + away[away**2 / 2 <= 8]
    margin = 0.2 * (shown.max() - shown.min())
    np.testing.assert_allclose((low, high), (shown.min() - margin, shown.max() + margin))
    assert parabola((0.1,), span=(-1, 2)).span == ((-1.0, 2.0),)
    ((low, high),) = parabola((0.1,), start=1.0).span  # already at the bottom
    assert low < 1 < high


def test_a_descent_refuses():
    refused(lambda: parabola(()), "learning_rates is empty")
    refused(lambda: parabola((0.1, -1)), "learning_rates holds -1; expected positive numbers that differ")
    refused(lambda: parabola("0.1"), "learning_rates is '0.1'", error=TypeError)
    refused(lambda: parabola((0.1,), parameters=("W2",)), "there is no W2; this network has W1 only")
    refused(
        lambda: parabola((0.1,), parameters=("W1", "W1")), "parameters is .*; expected one or two names that differ"
    )
    refused(lambda: parabola((0.1,), parameters=()), "parameters is .*; expected one or two names")
    refused(lambda: parabola((0.1,), span=(2, 1)), r"span is \(2, 1\); expected \(low, high\) of W1, low below high")
    refused(lambda: parabola((0.1,), steps=0), "steps is 0")
    refused(lambda: parabola((0.1,)).animate("descent.png"), "path is 'descent.png'; expected a name that ends in .gif")
    refused(lambda: bp.draw_descent(0, [[1]], [1], learning_rates=[1]), "net is int", error=TypeError)


# ---- pictures of descents ----


def test_a_path_is_cut_at_the_border():
    window = np.array([[0.0, 10.0], [0.0, 10.0]])
    points = np.array([[5.0, 5.0], [15.0, 10.0], [25.0, 0.0], [5.0, 2.0], [5.0, -1e300]])
    path, exits = _descent_picture.clip(points, window)
    np.testing.assert_allclose(exits, [[10.0, 7.5], [5.0, 0.0]])
    inside = path[~np.isnan(path[:, 0])]
    np.testing.assert_allclose(inside, [[5, 5], [10, 7.5], [10, 1.5], [5, 2], [5, 0]])
    assert np.isnan(path).any()


def test_what_leaves_the_picture_is_said(plt):
    found = parabola((0.5, 2.1, 1e200))
    figure = found.plot()
    panels = figure.axes[:3]
    titles = [axes.get_title().split("\n")[0] for axes in panels]
    assert titles == ["learning_rate 0.5 converges", "learning_rate 2.1 diverges", "learning_rate 1e+200 diverges"]
    said = [axes.texts[0].get_text() for axes in panels]
    away = 2 * (-1.1) ** np.arange(31)
    left = np.flatnonzero((1 + away < found.span[0][0]) | (1 + away > found.span[0][1]))[0]
    assert said[0] == ""
    assert said[1].startswith("left the picture at step")
    assert abs(int(said[1].split()[-1]) - left) <= 1  # the highest loss of the picture may cut it earlier
    assert said[2] == "no longer finite at step 1"
    figure.canvas.draw()


def test_tangents_touch_the_curve(plt):
    axes = parabola((0.5,), steps=3).plot().axes[0]
    segments = axes.collections[0].get_segments()
    assert len(segments) == 4
    for (x0, y0), (x1, y1) in segments:
        middle = (x0 + x1) / 2
        assert (y0 + y1) / 2 == pytest.approx((middle - 1) ** 2 / 2)
        assert (y1 - y0) / (x1 - x0) == pytest.approx(middle - 1)


def test_a_map(plt):
    net = make_network((2, 3, 1), hidden="tanh", dtype="float64")
    X, y = uniform(1, (30, 2)), uniform(2, 30)
    found = bp.draw_descent(net, X, y, parameters=("W1", "W8"), learning_rates=(0.1, 50.0), steps=5)
    x, y_, losses = _descent_picture.MapPanel.background(found)
    moved = net.copy()
    moved.weights[0][0, 0], moved.weights[1][1, 0] = x[3], y_[7]
    assert losses[7, 3] == moved.loss(X, y)
    figure = found.plot()
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("W1", "W8")
    figure.canvas.draw()


def test_a_plain_has_no_levels():
    assert len(_descent_picture.contour_levels(np.full((3, 3), 2.0))) == 0
    assert len(_descent_picture.contour_levels(np.full((3, 3), np.nan))) == 0
    assert (np.diff(_descent_picture.contour_levels(np.arange(4.0))) > 0).all()


def test_files(plt, tmp_path):
    image = pytest.importorskip("PIL.Image")
    parabola((0.5, 2.1), steps=3, path=tmp_path / "descent.png")
    parabola((0.5, 1e200), steps=3, path=tmp_path / "descent.GIF")
    with image.open(tmp_path / "descent.png") as picture:
        assert picture.width > picture.height
    with image.open(tmp_path / "descent.GIF") as film:
        assert film.n_frames == 4
    assert plt.get_fignums() == []


# ---- pictures of sweeps and range tests ----


def test_a_sweep_names_its_lines(plt):
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    rates = (0.001, 0.01, 0.5, 3.0, 1e200)
    sweep = bp.sweep_learning_rates(net, [[1.0]], [0.0], rates, epochs=10)
    axes = sweep.plot()
    texts = [text.get_text() for text in axes.texts]
    assert texts == [f"{rate:g} {name}" for rate, name in zip(rates, sweep.verdicts, strict=True)]
    assert [text.get_fontweight() for text in axes.texts].index("bold") == 2
    np.testing.assert_array_equal(axes.lines[3].get_xdata(), range(10))  # as History counts; line 0 is the first loss
    np.testing.assert_array_equal(axes.lines[3].get_ydata(), sweep.losses[2])
    heights = sorted(text.get_window_extent().y0 for text in axes.texts)
    assert min(np.diff(heights)) > axes.texts[0].get_window_extent().height
    axes.figure.canvas.draw()


def test_a_sweep_in_which_all_diverges(plt):
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    sweep = bp.sweep_learning_rates(net, [[1.0], [1.0]], [0.0, 0.0], (1e200, 1e201), epochs=3, batch_size=1)
    axes = sweep.plot()
    axes.figure.canvas.draw()
    assert set(sweep.verdicts) == {"diverges"}
    assert sum("diverges" in text.get_text() for text in axes.texts) == 2


def test_a_sweep_whose_losses_reach_zero(plt):
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    sweep = bp.sweep_learning_rates(net, [[1.0]], [0.0], (0.5, 1.0), epochs=5)
    assert sweep.losses[1][-1] == 0
    axes = sweep.plot()
    assert axes.get_yscale() == "linear"
    axes.figure.canvas.draw()


def test_labels_are_moved_apart():
    assert _labels.spread([0.5, 0.1], 0.2) == [0.5, 0.1]
    np.testing.assert_allclose(_labels.spread([1.0, 1.0, 0.95], 0.1), [0.9, 1.0, 0.8])
    np.testing.assert_allclose(_labels.spread([0.0, 0.0], 0.1), [0.0, 0.1])
    np.testing.assert_allclose(sorted(_labels.spread([0.5] * 5, 0.9)), np.linspace(0, 1, 5))


def test_a_range_test_is_drawn(plt):
    net = bp.Network.from_arrays([[[1.0]]], None, hidden=(), output="identity")
    found = bp.find_learning_rate(net, [[1.0]], [0.0], lowest=1e-3, highest=50.0, steps=40)
    axes = found.plot()
    assert f"suggestion {found.suggestion:.2g}" in [text.get_text() for text in axes.get_legend().get_texts()]
    axes.figure.canvas.draw()
    bp.find_learning_rate(net, [[1.0]], [0.0], lowest=1e80, highest=1e90, steps=30).plot().figure.canvas.draw()
