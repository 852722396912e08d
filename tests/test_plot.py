"""bp.plot and History.plot: the numbers that the pictures show, and what is refused."""

import numpy as np
import pytest

import bp_core as bp
from bp_core.history import History
from support import make_network, refused, uniform

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def history(loss, validation=(), rates=None, stop="epochs"):
    made = History()
    n = len(loss)
    made._add(index=np.arange(n), loss=loss, learning_rate=rates or [0.1] * n, seconds=np.zeros(n))
    if len(validation):
        made._add(validation_loss=validation)
    made.stop_reason = stop
    return made


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    return next(found for found in ax.lines if found.get_label() == label)


# ------------------------------------------------------------------- History.plot
def test_history_draws_both_losses_and_marks_the_best():
    ax = history([3.0, 2.0, 1.0], [3.5, 1.5, 2.5], stop="patience").plot()
    np.testing.assert_array_equal(line(ax, "training").get_xydata(), [(0, 3), (1, 2), (2, 1)])
    np.testing.assert_array_equal(line(ax, "validation").get_ydata(), [3.5, 1.5, 2.5])
    np.testing.assert_array_equal(line(ax, "best: epoch 1, loss 1.5").get_xydata(), [(1, 1.5)])
    assert ax.get_title(loc="left") == "3 epochs; patience ran out"
    assert len(ax.figure.axes) == 1  # the rate does not change


def test_history_scale():
    assert history([100.0, 1.0]).plot().get_yscale() == "log"
    assert history([99.0, 1.0]).plot().get_yscale() == "linear"
    assert history([100.0, 0.0]).plot().get_yscale() == "linear"
    assert history([99.0, 1.0]).plot(log=True).get_yscale() == "log"
    assert history([99.0, 1.0]).plot(log=np.True_).get_yscale() == "log"
    assert history([100.0, 1.0]).plot(log=False).get_yscale() == "linear"


def test_history_draws_the_rate_where_it_changes():
    ax = history([3.0, 2.0, 1.0], rates=[0.1, 0.1, 0.01]).plot()
    _, right = ax.figure.axes
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [0.1, 0.1, 0.01])
    assert "learning rate" in labels(ax)


def test_history_of_one_epoch_and_of_none():
    assert history([0.5]).plot().get_title(loc="left") == "1 epoch; all epochs done"
    refused(History().plot, "this history has no finished epoch to plot")


@pytest.mark.parametrize("log", ["yes", 1, None, np.array([1, 2])], ids=repr)
def test_a_scale_that_there_is_not(log):
    refused(lambda: history([0.5]).plot(log=log), "log is .*; expected True, False or 'auto'", error=TypeError)
    assert plt.get_fignums() == []


def test_history_with_what_is_not_finite():
    ax = history([3.0, np.nan, np.inf, 1.0], stop="diverged").plot()
    np.testing.assert_array_equal(line(ax, "loss not finite").get_xdata(), [1, 2])
    assert np.isnan(line(ax, "training").get_ydata()[1:3]).all()
    assert ax.get_title(loc="left") == "4 epochs; diverged; loss not finite in 2 of them"
    assert labels(history([np.nan, np.nan]).plot()) == ["training", "loss not finite"]


def test_a_long_history_is_thinned_but_keeps_its_peaks(tmp_path):
    loss = 1 + 0.1 * uniform(0, 100_000)
    loss[54_321], loss[7] = 9.0, 0.2
    ax = history(loss).plot()
    x, y = line(ax, "training").get_data()
    assert len(x) <= 2000 and (y.max(), y.min()) == (9.0, 0.2)
    assert x[0] == 0 and x[-1] == 99_999 and x[np.argmax(y)] == 54_321
    np.testing.assert_array_equal(y, loss[x])
    ax.figure.savefig(tmp_path / "long.svg")
    assert (tmp_path / "long.svg").stat().st_size < 200_000


def test_history_of_a_real_fit():
    trainer = bp.Trainer(make_network((2, 3, 1)), seed=0)
    trainer.fit([[0.0, 1.0]], [1.0], epochs=2)
    ax = trainer.fit([[0.0, 1.0]], [1.0], epochs=3).plot()
    np.testing.assert_array_equal(line(ax, "training").get_xdata(), [2, 3, 4])
    np.testing.assert_array_equal(line(ax, "training").get_ydata(), trainer.history.loss)


# --------------------------------------------------------------- decision_boundary
def halves():
    """Class 1 where x1 > 0.5: sigmoid(8 x1 - 4)."""
    return bp.Network.from_arrays([[[8.0], [0.0]]], [[-4.0]], hidden="relu", output="sigmoid")


def line_of(ax):
    """All points of the lines where the class changes."""
    return np.concatenate([path.vertices for found in contours(ax) for path in found.get_paths()])


def contours(ax):
    return [found for found in ax.collections if type(found).__name__ == "QuadContourSet"]


def test_the_boundary_of_one_output():
    X, y = [[0.0, 0.0], [0.2, 1.0], [0.8, 0.0], [1.0, 1.0]], [0, 0, 1, 1]
    ax = bp.plot.decision_boundary(halves(), X, y, class_names=np.array(["left", "right"]))
    np.testing.assert_allclose(line_of(ax)[:, 0], 0.5, atol=1e-3)
    assert labels(ax) == ["left", "right"]
    image = np.asarray(ax.images[0].get_array())
    assert image.shape == (200, 200) and image[:, 0].max() < 0.05 and image[:, -1].min() > 0.95
    left, right = (found for found in ax.collections if found.get_label() in ("left", "right"))
    np.testing.assert_array_equal(left.get_offsets(), X[:2])
    np.testing.assert_array_equal(right.get_offsets(), X[2:])
    assert not np.array_equal(left.get_facecolor(), right.get_facecolor())
    assert len(left.get_paths()[0].vertices) != len(right.get_paths()[0].vertices)  # another marker


@pytest.mark.parametrize(
    "targets, threshold, crossing", [([-1, 1], None, 0.0), ([0, 1], None, 0.5), ([0, 1], 0.25, 0.25)]
)
def test_the_threshold_of_an_output_that_is_no_probability(targets, threshold, crossing):
    net = bp.Network.from_arrays([[[1.0], [0.0]]], None, hidden="relu", output="identity")
    ax = bp.plot.decision_boundary(net, [[-2.0, 0.0], [2.0, 1.0]], targets, threshold=threshold)
    np.testing.assert_allclose(line_of(ax)[:, 0], crossing, atol=1e-6)
    assert labels(ax) == [str(targets[0]).replace("-", "\N{MINUS SIGN}"), "1"]


def test_the_regions_of_a_softmax():
    """Class 0 left of -1, class 2 right of 1, class 1 between: logits -3 x1 - 3, 0, 3 x1 - 3."""
    W, b = [[-3.0, 0.0, 3.0], [0.0, 0.0, 0.0]], [-3.0, 0.0, -3.0]
    net = bp.Network.from_arrays([W], [b], hidden="relu", output="softmax")
    ax = bp.plot.decision_boundary(net, [[-2, 0], [0, 0], [2, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(np.sort(np.unique(line_of(ax)[:, 0].round(2))), [-1, 1], atol=0.02)
    assert labels(ax) == ["0", "1", "2"]
    image = np.asarray(ax.images[0].get_array())
    blue, vermilion, green = image[100, 5], image[100, 100], image[100, -5]
    assert blue.argmax() == 2 and vermilion.argmax() == 0 and green.argmax() == 1


def test_a_boundary_of_data_frames():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"length": [0.0, 1.0], "width": [0.0, 1.0]})
    ax = bp.plot.decision_boundary(halves(), X, pandas.Series([0, 1]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")
    ax = bp.plot.decision_boundary(halves(), X, [0, 1], input_names=("across", "up"))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("across", "up")


def test_no_boundary_in_sight_and_one_class():
    ax = bp.plot.decision_boundary(halves(), [[2.0, 0.0], [3.0, 1.0]], [1, 1])
    assert contours(ax) == [] and labels(ax) == ["1"]


def test_boundaries_refused():
    draw = bp.plot.decision_boundary
    refused(
        lambda: draw(make_network((3, 1)), [[1, 2, 3]], [1]), "this network takes 3 inputs; decision_boundary draws"
    )
    refused(lambda: draw(halves(), [[0, 0], [0, 1], [1, 0]], [0, 1, 2]), "y has 3 .*: bp.plot.output_surface")
    refused(lambda: draw(halves(), [[0, 0]], [0, 1]), r"y has shape \(2,\); expected \(1,\)")
    refused(lambda: draw(halves(), [[0, np.inf]], [0]), r"X\[0, 1\] is inf")
    several = make_network((2, 3), output="softmax")
    refused(lambda: draw(several, [[0, 0]], [3]), "y has class 3; this network has classes 0 to 2")
    refused(lambda: draw(several, [[0, 0]], [0], threshold=0.5), "threshold is for a single output")
    refused(lambda: draw(several, [[0, 0]], [0.7]), "y holds one probability a row, and there are 3 classes")
    for names in ([], ["a", "b", "c"]):
        refused(lambda names=names: draw(halves(), [[0, 0]], [0], class_names=names), "class_names has . names?; exp")
    for resolution in (1, 2.5, 100_000):
        refused(
            lambda at=resolution: draw(halves(), [[0, 0]], [0], resolution=at),
            f"resolution is {resolution}; expected a whole number from 2 to 2000",
        )
    assert plt.get_fignums() == []


def test_points_stand_out_of_their_own_colour():
    """Vermilion on the shade of vermilion, blue on that of blue, and white between."""
    ax = bp.plot.decision_boundary(halves(), [[-2.0, 0.0], [3.0, 1.0]], [0, 1])
    image = ax.images[0]
    low, middle, high = (image.cmap(image.norm(p))[:3] for p in (0.0, 0.5, 1.0))
    assert min(middle) > 0.99
    for shade, dots in zip((low, high), ax.collections[-2:], strict=True):
        inked = 1 - image.get_alpha() * (1 - np.array(shade))
        own = dots.get_facecolor()[0, :3]
        assert np.corrcoef(1 - inked, 1 - own)[0, 1] > 0.99  # the same hue
        assert np.abs(inked - own).max() > 0.3


# ------------------------------------------------------------------ output_surface
def slope():
    """Outputs 2 x1 - x2 and x2."""
    return bp.Network.from_arrays([[[2.0, 0.0], [-1.0, 1.0]]], None, hidden=(), output="identity")


def test_the_surface_of_an_output():
    X, y = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [[0.0, 5.0], [2.5, 6.0], [-2.0, 7.0]]
    ax = bp.plot.output_surface(slope(), X, y, output_names=["lift", "drag"], resolution=40)
    image = np.asarray(ax.images[0].get_array())
    across, up = np.meshgrid(np.linspace(-0.1, 1.1, 40), np.linspace(-0.2, 2.2, 40))
    np.testing.assert_allclose(image, 2 * across - up, atol=1e-6)
    points = ax.collections[-1]
    np.testing.assert_array_equal(points.get_offsets(), X)
    np.testing.assert_array_equal(points.get_array(), [0.0, 2.5, -2.0])
    assert (points.norm.vmin, points.norm.vmax) == (ax.images[0].norm.vmin, ax.images[0].norm.vmax)
    assert ax.images[0].norm.vmax == 2.5  # a target above all outputs
    assert ax.figure.axes[1].get_ylabel() == "lift; points: its target"
    (lines,) = contours(ax)
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        np.testing.assert_allclose(path.vertices @ [2, -1], level, atol=1e-6)


def test_another_output_by_name_or_place_and_without_targets():
    X = np.zeros((3, 2))
    for output in (1, "a2"):
        ax = bp.plot.output_surface(slope(), X, [[0, 7], [0, 8], [0, 9]], output=output)
        np.testing.assert_array_equal(ax.collections[-1].get_array(), [7, 8, 9])
    ax = bp.plot.output_surface(slope(), X, output=1)
    assert ax.figure.axes[1].get_ylabel() == "a2"
    np.testing.assert_array_equal(bp.plot.output_surface(slope(), X, [1, 2, 3]).collections[-1].get_array(), [1, 2, 3])


def test_a_flat_surface_has_no_lines():
    ax = bp.plot.output_surface(bp.Network((2, 1), init="zeros"), [[0, 0]], [0.0])
    assert contours(ax) == []
    ax.figure.canvas.draw()


def test_surfaces_refused():
    draw = bp.plot.output_surface
    refused(lambda: draw(make_network((3, 1)), [[1, 2, 3]]), "this network takes 3 inputs; output_surface draws")
    refused(
        lambda: draw(slope(), [[0, 0]], [1, 2]), r"y has shape \(2,\); expected \(1,\) or \(1, 2\) for X with 1 rows"
    )
    refused(lambda: draw(slope(), [[0, 0]], [np.nan]), r"y\[0\] is nan")
    refused(lambda: draw(slope(), [[0, 0]], output=2), "output is 2; expected a whole number from 0 to 1, or a name")
    refused(lambda: draw(slope(), [[0, 0]], output="lift"), "there is no output 'lift'; expected one of a1, a2")
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- confusion_matrix
def cells(ax, n):
    return np.array([text.get_text() for text in ax.texts]).reshape(n, n).tolist()


def test_counts_by_indices_rows_and_probabilities():
    true = [0, 0, 1, 1, 1]
    expected = [["1", "1"], ["1", "2"]]
    rows = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]]
    for predicted in ([0, 1, 1, 0, 1], rows, [0.1, 0.5, 0.7, 0.2, 0.9], [[0.1], [0.5], [0.7], [0.2], [0.9]]):
        ax = bp.plot.confusion_matrix(true, predicted)
        assert cells(ax, 2) == expected and ax.get_title() == "3 of 5 right (60.0 %)"
    assert cells(bp.plot.confusion_matrix(np.eye(2)[true], rows), 2) == expected


def test_shares_of_the_true_class():
    ax = bp.plot.confusion_matrix([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], normalize=True, class_names=["a", "b", "c"])
    assert cells(ax, 3) == [["75%", "25%", "0%"], ["0%", "100%", "0%"], ["\N{EN DASH}"] * 3]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize("n", [2, 20])
def test_text_stands_out_of_its_cell_and_fits_it(n):
    true = np.repeat(np.arange(n), 1000)
    ax = bp.plot.confusion_matrix(true, np.where(true % 3 == 0, (true + 1) % n, true))
    ax.figure.canvas.draw()
    shades = ax.images[0].cmap(ax.images[0].norm(ax.images[0].get_array())).reshape(-1, 4)[:, :3].mean(axis=1)
    side = ax.get_window_extent().width / n
    for text, shade in zip(ax.texts, shades, strict=True):
        assert abs(np.mean(matplotlib.colors.to_rgb(text.get_color())) - shade) > 0.35
        assert text.get_window_extent().width < side


def test_confusions_refused():
    draw = bp.plot.confusion_matrix
    refused(lambda: draw([0, 1], [0]), "y_true has 2 rows and y_predicted 1")
    refused(lambda: draw([0, -1], [0, 1]), r"y_true\[1\] is -1; expected class indices from 0 up")
    refused(lambda: draw([0, 1], [0.5, 1.5]), r"y_predicted\[1\] is 1.5; expected class indices")
    refused(lambda: draw([0, 1], [0.5, np.nan]), r"y_predicted\[1\] is nan")
    refused(lambda: draw([0, 2], [0, 1], class_names=["a", "b"]), "class_names has 2 names; expected 3 names")
    refused(lambda: draw([0, 1], [0, 1], class_names=[]), "class_names has 0 names; expected 2 names")
    refused(lambda: draw([0, 1], [0, 1], normalize="yes"), "normalize is 'yes'", error=TypeError)
    words = "y_predicted holds one probability a row, and there are 3 classes; expected class indices"
    refused(lambda: draw([0, 1, 2], [0.2, 0.7, 0.9]), words)
    refused(lambda: draw(np.eye(3), [0.2, 0.7, 0.9]), words)
    refused(lambda: draw([0, 1, 1], [0.2, 0.7, 0.9], class_names=["a", "b", "c"]), words)
    refused(lambda: draw([0, 5000], [0, 1]), "there are 5001 classes; expected at most 100")
    refused(lambda: draw([], []), "y_true has shape")
    refused(lambda: draw(["a"], ["b"]), "expected real numbers", error=TypeError)


# ---------------------------------------------------------- predicted_against_true
def test_quality_worked_by_hand():
    """Errors 0, 1, -1: RMSE sqrt(2/3) = 0.816; the spread of 1, 2, 6 is 14: R^2 = 1 - 2/14."""
    ax = bp.plot.predicted_against_true([1, 2, 6], [1, 3, 5])
    assert ax.get_title() == "RMSE 0.816, R² 0.857"
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [(1, 1), (2, 3), (6, 5)])
    identity = next(found for found in ax.lines if found.get_gid() == "identity")
    np.testing.assert_array_equal(*identity.get_data())


def test_a_spread_of_zero_has_no_r_squared():
    assert "undefined" in bp.plot.predicted_against_true([2, 2], [1, 2]).get_title()


def test_equal_numbers_whose_mean_is_not_exact_have_no_r_squared():
    assert np.ptp(np.full(3, 0.1)) == 0 != np.full(3, 0.1).std()
    assert "undefined" in bp.plot.predicted_against_true(np.full(3, 0.1), [0.1, 0.2, 0.3]).get_title()


@pytest.mark.parametrize("size", [1e-300, 1e200])
def test_the_quality_of_very_small_and_large_numbers(size):
    """As 1, 2, 6 against 1, 3, 5 above: only the scale differs."""
    title = bp.plot.predicted_against_true(np.array([1, 2, 6]) * size, np.array([1, 3, 5]) * size).get_title()
    assert title == f"RMSE 8.16e{round(np.log10(size)) - 1:+d}, R² 0.857".replace("-", "\N{MINUS SIGN}")


def test_a_very_bad_prediction_has_a_short_title():
    assert len(bp.plot.predicted_against_true([1.0, 1.0 + 1e-9], [1e100, 0.0]).get_title()) < 40


def test_several_outputs():
    ax = bp.plot.predicted_against_true([[1, 0], [2, 1]], [[1, 0], [2, 2]], output_names=["lift", "drag"])
    assert labels(ax) == ["lift: RMSE 0, R² 1.000", "drag: RMSE 0.707, R² \N{MINUS SIGN}1.000"]


def test_many_points():
    y = uniform(1, 100_000)
    ax = bp.plot.predicted_against_true(y, y + 0.1)
    assert int(ax.collections[0].get_array().sum()) == 100_000
    assert ax.get_title().startswith("RMSE 0.1,")
    ax = bp.plot.predicted_against_true(y.reshape(-1, 2), y.reshape(-1, 2))
    assert ax.get_title() == "2,500 of 50,000 rows drawn" and len(ax.collections[0].get_offsets()) == 2500


def test_regressions_refused():
    draw = bp.plot.predicted_against_true
    refused(lambda: draw([1, 2], [1]), r"y_true has shape \(2, 1\) and y_predicted \(1, 1\)")
    refused(lambda: draw([1, 1e308], [1, 2]), r"y_true\[1, 0\] is 1e\+308; expected at most 1e\+307 in size")
    refused(lambda: draw([1, 2], [1, np.nan]), r"y_predicted\[1, 0\] is nan")
    refused(lambda: draw(np.ones((3, 8)), np.ones((3, 8))), "there are 8 outputs; expected at most 7")
    refused(lambda: draw([1.0], [1.0], output_names=["a", "b"]), "output_names has 2 names; expected 1 name")


# ------------------------------------------------------------------------ histograms
def heights(ax):
    return sum(bar.get_height() for bar in ax.patches if bar.get_gid() is None and bar.get_hatch() is None)


def test_weight_histograms_count_every_weight():
    net = make_network((8, 16, 4))
    figure = bp.plot.weight_histograms(net)
    assert [heights(ax) for ax in figure.axes] == [128, 64]
    assert f"std {np.std(net.weights[0].astype(float)):.3g}" in figure.axes[0].get_title()
    net.weights[1][2, 3] = np.inf
    refused(lambda: bp.plot.weight_histograms(net), r"weights\[1\]\[2, 3\] is inf")


@pytest.mark.parametrize("dtype, size", [("float32", 1e38), ("float64", 1e200)])
def test_the_spread_of_large_weights(dtype, size):
    """1, 1, 3, 3 times the size: mean 2, standard deviation 1."""
    net = bp.Network((2, 2), dtype=dtype)
    net.weights[0][...] = np.array([[1, 1], [3, 3]]) * size
    title = bp.plot.weight_histograms(net).axes[0].get_title()
    assert title.endswith(f"mean {2 * size:.3g}, std {size:.3g}")


def test_what_is_no_network():
    plot, words = bp.plot, "net is int; expected a bp.Network"
    for call in (plot.draw, plot.weight_histograms):
        refused(lambda call=call: call(3), words, error=TypeError)
    refused(lambda: plot.activation_histograms(3, [[1.0]]), words, error=TypeError)
    refused(lambda: plot.decision_boundary("x", [[0, 0]], [0]), "net is str; expected a bp.Network", error=TypeError)
    assert plt.get_fignums() == []


def test_activation_histograms_tell_saturated_and_dead():
    """Inputs 0, 1, 10 and -10 through sigmoid(x) and tanh(x); 1 and 10 through relu(x) and relu(-x)."""
    for hidden in ("sigmoid", "tanh"):
        net = bp.Network.from_arrays([[[1.0]], [[1.0]]], None, hidden=hidden, output="identity")
        figure = bp.plot.activation_histograms(net, [[0.0], [1.0], [10.0], [-10.0]])
        assert "50.0 % saturated" in figure.axes[0].get_title() and len(figure.axes[0].patches) == 10 + 2
    X = [[1.0], [10.0]]
    net = bp.Network.from_arrays([[[1.0, -1.0]], [[1.0], [1.0]]], None, hidden="relu", output="sigmoid")
    figure = bp.plot.activation_histograms(net, X)
    assert "1 of 2 units dead" in figure.axes[0].get_title()
    assert figure.axes[1].get_title().endswith("50.0 % near 0 or 1")  # an output that is sure may be right
    assert all(bar.get_hatch() is None for bar in figure.axes[1].patches)
    assert [heights(ax) for ax in figure.axes] == [4, 2]
    refused(lambda: bp.plot.activation_histograms(net, np.empty((0, 1))), "no rows")
    refused(lambda: bp.plot.activation_histograms(net, [[np.nan]]), r"X\[0, 0\] is nan|a\[0\]\[0, 0\] is nan")


def test_places_left_over_stay_empty():
    assert len(bp.plot.weight_histograms(make_network((2, 3, 3, 3, 1))).axes) == 4


# --------------------------------------------------------------------- GradientNorms
XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]


def test_norms_are_those_of_the_gradients():
    net = make_network((2, 3, 1), output="sigmoid", dtype="float64")
    norms = bp.plot.GradientNorms(*XOR, every=2)
    seen = []

    def look(epoch):
        gradients = epoch.network.gradients(*XOR, loss="mae")
        seen.append([np.sqrt((grad_W**2).sum()) for grad_W in gradients.weights])

    bp.Trainer(net, loss="mae", seed=0).fit(*XOR, epochs=5, callbacks=[norms, look])
    assert norms.epochs == [0, 2, 4]
    np.testing.assert_allclose(norms.norms, seen[::2], rtol=1e-12)
    ax = norms.plot()
    np.testing.assert_allclose(ax.lines[1].get_ydata(), np.array(seen[::2])[:, 1], rtol=1e-12)
    assert labels(ax) == ["weights[0]", "weights[1]"] and ax.get_yscale() == "log"


def test_a_vanishing_gradient_is_named():
    """Sigmoids whose slope is about exp(-12) pass almost nothing on."""
    net = bp.Network.from_arrays([[[1.0]], [[1.0]]], [[12.0], [0.0]], hidden="sigmoid", output="identity")
    norms = bp.plot.GradientNorms([[1.0]], [3.0])
    bp.Trainer(net, optimizer=bp.SGD(learning_rate=1e-3), seed=0).fit([[1.0]], [3.0], epochs=1, callbacks=[norms])
    assert norms.plot().get_title(loc="left").startswith("the gradient of weights[0] vanishes: 2e-06 of weights[1]")


def test_the_norm_of_large_gradients():
    """E = (a - y)^2 / 2 with a = x w1 + x w2 = 0: the gradients are -y x, twice; their norm is y x sqrt(2)."""
    net = bp.Network((2, 1), output="identity", init="zeros", dtype="float64")
    norms = bp.plot.GradientNorms([[1e150, 1e150]], [1e100])
    trainer = bp.Trainer(net, loss="half_squared_error", optimizer=bp.SGD(learning_rate=1e-300), seed=0)
    trainer.fit([[1.0, 1.0]], [0.0], epochs=1, callbacks=[norms])
    np.testing.assert_allclose(norms.norms, [[1e250 * np.sqrt(2)]], rtol=1e-12)


def test_norms_refused():
    refused(bp.plot.GradientNorms(*XOR).plot, "no epoch is recorded yet")
    refused(lambda: bp.plot.GradientNorms(*XOR, every=0), "every is 0; expected a whole number from 1 up")
    norms = bp.plot.GradientNorms([[1.0]], [1.0])
    refused(lambda: bp.Trainer(make_network((2, 1))).fit(*XOR, epochs=1, callbacks=[norms]), "this network takes 2")
    assert norms.norms.shape == (0, 0)


# ------------------------------------------------------------------------------ all
def test_every_picture_saves(tmp_path):
    net, X = make_network((2, 4, 3), hidden="tanh", output="softmax"), uniform(3, (30, 2))
    y = np.arange(30) % 3
    norms = bp.plot.GradientNorms(X, y)
    past = bp.Trainer(net, seed=0).fit(X, y, epochs=3, validation_data=(X, y), callbacks=[norms])
    output = net.predict(X)
    axes = [
        past.plot(),
        norms.plot(),
        bp.plot.decision_boundary(net, X, y),
        bp.plot.output_surface(net, X, np.eye(3)[y], output=2),
        bp.plot.confusion_matrix(y, output),
        bp.plot.predicted_against_true(np.eye(3)[y], output),
    ]
    figures = [*(ax.figure for ax in axes), bp.plot.weight_histograms(net), bp.plot.activation_histograms(net, X)]
    for number, figure in enumerate(figures):
        for suffix, magic in (("svg", b"<?xml"), ("png", b"\x89PNG")):
            path = tmp_path / f"{number}.{suffix}"
            figure.savefig(path)
            assert path.read_bytes().startswith(magic)


def test_axes_given_are_used():
    _, axes = plt.subplots(2, 2)
    given = list(axes.ravel())
    X, y = [[0.0, 0.0], [1.0, 1.0]], [0, 1]
    assert history([2.0, 1.0]).plot(given[0]) is given[0]
    assert bp.plot.decision_boundary(halves(), X, y, ax=given[1]) is given[1]
    assert bp.plot.confusion_matrix(y, y, ax=given[2]) is given[2]
    assert bp.plot.predicted_against_true(y, y, ax=given[3]) is given[3]
    assert len(plt.get_fignums()) == 1
    refused(lambda: bp.plot.confusion_matrix(y, y, ax="here"), "ax is str; expected matplotlib Axes", error=TypeError)
