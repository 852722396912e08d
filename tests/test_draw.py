"""net.draw: what is drawn for each unit, weight and bias, and in which words."""

import sys

import numpy as np
import pytest

import bp_core as bp
from support import make_network, refused, run_python

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402

MINUS = "\N{MINUS SIGN}"
BLUE, VERMILION = to_rgb("#0072B2"), to_rgb("#D55E00")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def small(bias="unit"):
    """2-3-1 with weights that are easy to tell apart."""
    W = [[1.0, -2.0, 0.5], [0.25, 4.0, -1.0]], [[-0.5], [2.0], [0.0]]
    b = {"unit": [[0.1, -0.2, 0.3], [-3.0]], "layer": [[0.75], [-3.0]], "none": [[], []]}[bias]
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="tanh", bias=bias)
    for part, numbers in zip((*net.weights, *net.biases), (*W, *b), strict=True):
        part[...] = numbers
    return net


def lines(ax, name):
    return {found.get_gid(): found for found in ax.collections}[name]


def texts(ax, gid=None):
    """With the minus that a keyboard has."""
    return [text.get_text().replace(MINUS, "-") for text in ax.texts if gid is None or text.get_gid() == gid]


def circles(ax):
    return {patch.get_gid(): patch for patch in ax.patches}


def test_every_weight_is_a_line_of_its_sign_and_size():
    ax = small().draw()
    found = lines(ax, "weights-0")
    weights = [1.0, -2.0, 0.5, 0.25, 4.0, -1.0]
    assert len(found.get_segments()) == 6
    for colour, weight in zip(found.get_colors(), weights, strict=True):
        assert tuple(colour[:3]) == (BLUE if weight > 0 else VERMILION)
    order = np.argsort(np.abs(weights))
    assert (np.diff(found.get_linewidths()[order]) > 0)[:2].all() and np.argmax(found.get_linewidths()) == 4
    assert np.argmax(found.get_colors()[:, 3]) == 4
    assert [dash[1] is not None for dash in found.get_linestyles()] == [weight < 0 for weight in weights]


def test_lines_lead_from_source_to_target():
    ax = small().draw()
    units = circles(ax)
    ends = [(tuple(start), tuple(end)) for start, end in lines(ax, "weights-0").get_segments()]
    expected = [(units[k].center, units[j].center) for k in ("x1", "x2") for j in ("a1", "a2", "a3")]
    np.testing.assert_allclose(ends, expected)


def test_labels_name_and_give_each_parameter():
    ax = small().draw()
    expected = ["W1 = 1", "W2 = -2", "W3 = 0.5", "W4 = 0.25", "W5 = 4", "W6 = -1", "W7 = -0.5", "W8 = 2", "W9 = 0"]
    assert texts(ax, "label") == [*expected, "b1 = 0.1", "b2 = -0.2", "b3 = 0.3", "b4 = -3"]
    assert set(circles(ax)) == {"x1", "x2", "a1", "a2", "a3", "a4"}
    assert {"2 inputs", "3 units", "sigmoid", "1 output", "tanh"} <= set(texts(ax))
    assert texts(ax, "legend-text") == ["weight or bias above 0, at most 4", "weight or bias below 0, at least -3"]


@pytest.mark.parametrize(
    "sizes, bias",
    [
        ((2, 3, 1), "layer"),
        ((2, 3, 1), "unit"),
        ((3, 1), "unit"),
        ((3, 4, 2), "layer"),
        ((3, 4, 2), "unit"),
        ((1, 5), "unit"),
    ],
)
def test_no_label_lies_on_another_or_on_a_unit(sizes, bias):
    ax = make_network(sizes, bias=bias).draw()
    written = [text for text in ax.texts if text.get_gid() == "label"]
    corners = [rotated_corners(ax, text) for text in written]
    for i, first in enumerate(corners):
        for second in corners[:i]:
            assert apart(first, second), (written[i].get_text(), sizes)
        for name, circle in circles(ax).items():
            middle = np.array(circle.center)
            side = circle.radius / np.sqrt(2)
            square = middle + np.array([(-side, -side), (side, -side), (side, side), (-side, side)])
            assert apart(first, square) or name in written[i].get_text()


def rotated_corners(ax, text):
    """The four corners of a text's letters, in the coordinates of the axes."""
    angle, middle = text.get_rotation(), text.get_position()
    text.set_rotation(0)
    bbox, text._bbox_patch = text._bbox_patch, None
    box = text.get_window_extent().transformed(ax.transData.inverted())
    text.set_rotation(angle)
    text._bbox_patch = bbox
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (box.corners()[[0, 1, 3, 2]] - middle) @ rotation + middle


def apart(first, second):
    """Whether a line parts two convex four-sided figures."""
    for shape in (first, second):
        for side in np.roll(shape, -1, axis=0) - shape:
            normal = np.array([-side[1], side[0]])
            a, b = first @ normal, second @ normal
            if a.max() <= b.min() or b.max() <= a.min():
                return True
    return False


def test_a_shared_bias_is_a_unit_joined_to_its_layer():
    ax = small("layer").draw()
    units = circles(ax)
    assert {"b1", "b2"} <= set(units)
    segments = lines(ax, "biases-0").get_segments()
    np.testing.assert_allclose([start for start, _ in segments], [units["b1"].center] * 3)
    np.testing.assert_allclose([end for _, end in segments], [units[name].center for name in ("a1", "a2", "a3")])
    assert tuple(lines(ax, "biases-1").get_colors()[0][:3]) == VERMILION
    assert "b1 = 0.75" in texts(ax, "label")


def test_without_biases_none_is_drawn():
    ax = small("none").draw()
    assert not [found.get_gid() for found in ax.collections if found.get_gid().startswith("biases")]
    assert texts(ax, "legend-text")[0] == "weight above 0, at most 4"


def test_gradients_in_place_of_weights():
    net = small()
    gradients = net.gradients([1.0, 2.0], [0.5])
    ax = net.draw(gradients=gradients)
    signs = [tuple(colour[:3]) == BLUE for colour in lines(ax, "weights-0").get_colors()]
    assert signs == (gradients.weights[0].ravel() > 0).tolist()
    assert texts(ax, "label")[6].startswith("dE/dW7 = ")
    assert float(texts(ax, "label")[6].split(" = ")[1]) == pytest.approx(gradients.weights[1][0, 0], rel=1e-2)


def test_a_medium_network_has_no_labels_but_all_lines():
    ax = make_network((8, 16, 4), output="softmax").draw()
    assert len(lines(ax, "weights-0").get_segments()) == 128
    assert len(lines(ax, "weights-1").get_segments()) == 64
    assert texts(ax, "label") == []
    assert {"x8", "a16", "a20"} <= set(circles(ax))


def test_a_large_network_is_reduced_and_says_so():
    net = make_network((784, 128, 10))
    ax = net.draw(max_units=5)
    assert {"x1", "x2", "x3", "x783", "x784", "a1", "a127", "a128", "a129", "a130", "a138"} <= set(circles(ax))
    assert len(circles(ax)) == 15
    assert len(lines(ax, "weights-0").get_segments()) == 25
    shown = net.weights[0][np.ix_([0, 1, 2, 782, 783], [0, 1, 2, 126, 127])].ravel()
    assert [tuple(c[:3]) == BLUE for c in lines(ax, "weights-0").get_colors()] == (shown > 0).tolist()
    said = " ".join(texts(ax, "note"))
    assert said.endswith(
        "Of each layer above 5 units the first 3 and the last 2 are drawn, and only the edges between units drawn."
    )
    assert {"784 inputs", "128 units", "10 outputs"} <= set(texts(ax))
    assert sum(line.get_gid() == "ellipsis" for line in ax.lines) == 3


@pytest.mark.parametrize("sizes", [(1, 1), (3, 1), (4, 8, 8, 8, 3), (3, 1, 1, 2), (1, 40, 1)])
@pytest.mark.parametrize("bias", ["unit", "layer", "none"])
def test_all_stays_inside_the_picture(sizes, bias):
    ax = make_network(sizes, bias=bias).draw(input_names=[f"feature {k}" for k in range(sizes[0])])
    assert cut_off(ax) == []


def cut_off(ax):
    """Texts that reach beyond the figure."""
    frame, boxes = ax.figure.bbox, [(text.get_text(), text.get_window_extent()) for text in ax.texts]
    return [name for name, box in boxes if not (frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0)]


@pytest.mark.parametrize("dpi", [60, 72, 200])
@pytest.mark.parametrize("letters", ["probability of rain tomorrow ", "iiillljjj", "WMWM", "m i l "])
def test_long_names_stay_inside_at_every_resolution(dpi, letters):
    ax = make_network((3, 5, 2)).draw(input_names=[letters * n for n in (1, 2, 3)], output_names=[letters * 4, "risk"])
    ax.figure.set_dpi(dpi)
    ax.figure.canvas.draw()
    assert cut_off(ax) == []


def test_names_of_features_and_outputs():
    pandas = pytest.importorskip("pandas")
    ax = small().draw(input_names=pandas.DataFrame({"height": [], "weight": []}).columns, output_names=["$ a $ month"])
    assert {"height", "weight", "$ a $ month"} <= set(texts(ax))
    ax.figure.canvas.draw()  # no formula is seen between the dollars


def test_a_dark_style_leaves_it_legible(tmp_path):
    with plt.style.context("dark_background"):
        ax = small().draw(path=tmp_path / "net.png")
    assert {text.get_color() for text in ax.texts} <= {"black", "#444444"}
    assert plt.imread(tmp_path / "net.png")[0, 0, :3].tolist() == [1, 1, 1]


def test_axes_given_are_used(tmp_path):
    _, (left, right) = plt.subplots(1, 2)
    assert small().draw(ax=right) is right
    assert not left.texts and right.texts


def test_text_shrinks_with_the_axes():
    _, axes = plt.subplots(1, 2, figsize=(8, 4))
    assert small().draw(ax=axes[0]).texts[0].get_fontsize() < 0.8 * small().draw().texts[0].get_fontsize()


def test_text_too_small_to_be_read_is_left_out():
    _, axes = plt.subplots(1, 2, figsize=(6.4, 4.8))
    drawn = small().draw(ax=axes[0])  # no room for a number on each line
    assert texts(drawn, "label") == []
    assert {"x1", "a4", "2 inputs"} <= set(texts(drawn))
    assert min(text.get_fontsize() for text in drawn.texts) >= 4
    _, axes = plt.subplots(1, 3, figsize=(4, 2))
    drawn = small().draw(ax=axes[0])
    assert texts(drawn) == []
    assert len(circles(drawn)) == 6


@pytest.mark.parametrize("sizes", [(4, 8, 3), (6, 10), (3, 16)])
def test_a_picture_with_many_labels_fits_a_page(sizes):
    ax = make_network(sizes).draw(show_values=True)
    width, height = ax.figure.get_size_inches()
    assert len(texts(ax, "label")) >= 48 and height < 17 and width < 17


@pytest.mark.parametrize("suffix, magic", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_saved_as_the_suffix_says(tmp_path, suffix, magic):
    path = tmp_path / f"net.{suffix}"
    make_network((3, 4, 2)).draw(path=path)
    assert path.read_bytes().startswith(magic)


def test_a_figure_of_ones_own_stays_open_whatever_happens():
    figure, ax = plt.subplots()
    refused(lambda: small().draw(ax=ax, path="net.foo"), "'foo' is not supported")
    assert plt.fignum_exists(figure.number)


def test_zeros_are_neither_blue_nor_vermilion():
    ax = bp.Network((2, 2), init="zeros").draw()
    assert {tuple(c[:3]) for c in lines(ax, "weights-0").get_colors()} == {to_rgb("#888888")}
    assert texts(ax, "legend-text") == ["every weight or bias is 0"]


def test_what_is_refused():
    net, other = small(), make_network((3, 1))
    refused(
        lambda: net.draw(gradients=other.gradients([1.0, 2, 3], [1.0])), r"gradients.weights have shapes \[\(3, 1\)\]"
    )
    refused(lambda: net.draw(gradients=3), "gradients is int; expected what net.gradients", error=TypeError)
    for most in (1, 2.5, True):
        refused(lambda most=most: net.draw(max_units=most), f"max_units is {most}; expected a whole number from 2 up")
    refused(lambda: net.draw(input_names=["a"]), "input_names has 1 name; expected 2 names")
    refused(lambda: net.draw(input_names=3), "input_names is 3; expected a sequence of 2 names", error=TypeError)
    refused(lambda: net.draw(show_values="yes"), "show_values is 'yes'; expected True, False or None", error=TypeError)
    refused(
        lambda: net.draw(output_names="risk"), "output_names is 'risk'; expected a sequence of 1 name", error=TypeError
    )
    refused(lambda: net.draw(ax=3), "ax is int; expected matplotlib Axes", error=TypeError)
    refused(lambda: make_network((4, 12, 4)).draw(show_values=True), "asks for 96 labels on edges; at most 60")
    net.weights[0][1, 2] = np.nan
    refused(net.draw, r"weights\[0\]\[1, 2\] is nan")


def test_a_refusal_leaves_no_figure():
    refused(lambda: small().draw(input_names=[]), "input_names")
    refused(lambda: small().draw(path="net.foo"), "'foo' is not supported")
    refused(lambda: small().draw(path="no folder/net.png"), error=OSError)
    assert plt.get_fignums() == []


BLOCKED = """
import sys
sys.modules["matplotlib"] = None
import bp_core as bp
net = bp.Network((2, 3, 1), seed=0)
trainer = bp.Trainer(net, seed=0)
history = trainer.fit([[0.0, 1.0]], [1.0], epochs=2)
pictures = (net.draw, history.plot, lambda: bp.plot.weight_histograms(net),
            lambda: bp.plot.confusion_matrix([0, 1], [0, 1]))
for picture in pictures:
    try:
        picture()
    except ImportError as error:
        print(error)
"""


def test_without_matplotlib_the_rest_works_and_pictures_say_what_to_install():
    done = run_python(BLOCKED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ['pictures need matplotlib: pip install "bp-core[plot]"'] * 4


def test_import_leaves_matplotlib_alone():
    assert "matplotlib" in sys.modules  # so that the name below is the right one
    done = run_python("import sys, bp_core; bp_core.plot; print('matplotlib' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr
