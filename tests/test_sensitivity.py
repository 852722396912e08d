"""bp.sensitivities: the numbers against NumPy's, and what tables, sentences and pictures say of them."""

import re

import numpy as np
import pytest

import bp_core as bp
from support import assert_same_bits, make_network, refused, uniform

NAMES = ("engine", "wheels", "spoilers")


def car():
    net = bp.Network.from_arrays([[[3.0], [2.0], [-1.0]]], None, hidden=(), output="identity")
    return bp.sensitivities(net, [5.0, 5.0, 5.0], input_names=NAMES, output_names=["speed"])


def grip():
    """d speed / d engine is 3 for the first two cars and 1 for the third, d speed / d wheels 0, 0 and 2."""
    W = [[[1.0, 1.0], [-1.0, 0.0]], [[-2.0], [3.0]]]
    net = bp.Network.from_arrays(W, None, hidden="relu", output="identity")
    X = [[4.0, 6.0], [2.0, 6.0], [8.0, 6.0]]
    return bp.sensitivities(net, X, input_names=("engine", "wheels"), output_names=["speed"])


def random_case(n_in, n_out, n=12, **options):
    net = make_network((n_in, 7, n_out), scale=0.5, hidden="tanh", output="softmax")
    return bp.sensitivities(net, uniform(3, (n, n_in)), **options)


# ---- the numbers ----


def test_the_car():
    found = car()
    for values in (found.mean, found.min, found.max):
        assert values.tolist() == [[3.0, 2.0, -1.0]]
    assert found.mean_abs.tolist() == [[3.0, 2.0, 1.0]]


def test_over_rows():
    found = grip()
    assert found.slopes.tolist() == [[[3.0, 0.0]], [[3.0, 0.0]], [[1.0, 2.0]]]
    np.testing.assert_allclose(found.mean, [[7 / 3, 2 / 3]], rtol=1e-15)
    assert (found.min.tolist(), found.max.tolist()) == ([[1.0, 0.0]], [[3.0, 2.0]])


def test_ups_and_downs_cancel_in_the_mean_only():
    """a = |x|, of two relus: the slope is -1 on one side and 1 on the other."""
    net = bp.Network.from_arrays([[[1.0, -1.0]], [[1.0], [1.0]]], None, hidden="relu", output="identity")
    found = bp.sensitivities(net, [[-2.0], [2.0], [-1.0], [1.0]])
    assert (found.mean.item(), found.mean_abs.item(), found.min.item(), found.max.item()) == (0.0, 1.0, -1.0, 1.0)


def test_without_a_scale_the_slopes_are_the_derivatives():
    net = make_network((4, 7, 3), hidden="tanh", output="softmax")
    X = uniform(3, (200, 4))
    assert_same_bits(bp.sensitivities(net, X).slopes, net.jacobian(X))


def test_steps_of_the_inputs():
    net = make_network((3, 5, 2), hidden="tanh", dtype="float64")
    X = uniform(4, (50, 3)) * [1.0, 10.0, 1e-5]
    slopes = net.jacobian(X)
    deviations = bp.sensitivities(net, X, scale="std")
    np.testing.assert_allclose(deviations.slopes, slopes * X.std(axis=0), rtol=1e-13)
    assert_same_bits(bp.sensitivities(net, X, scale=[2.0, 0.5, 1.0]).slopes, slopes * [2.0, 0.5, 1.0])


def constant(n_in=3, at=(1,), n_out=1, n=7, **options):
    """Inputs that are the same in every row, of a value whose mean over the rows is not exact."""
    X = uniform(4, (n, n_in))
    X[:, list(at)] = 0.1
    return bp.sensitivities(make_network((n_in, 4, n_out), hidden="tanh"), X, scale="std", **options)


def test_a_constant_input_has_no_standard_deviation():
    found = constant()
    assert found.constant == ("x2",)
    for numbers in (found.steps, found.mean[0], found.mean_abs[0], found.min[0], found.max[0]):
        assert np.isnan(numbers).tolist() == [False, True, False]
    text = str(found)
    assert "Constant over the 7 rows, so without a standard deviation: x2." in text
    assert "nan" not in text + found._repr_html_()
    assert [line.split()[0] for line in text.split("\n\n")[1].splitlines()[1:]] in (["x1", "x3"], ["x3", "x1"])
    assert found.sentence(0, "x2") == (
        "x2 is constant over the 7 rows, so there is no slope of a5 per standard deviation of it"
    )


def test_many_constant_inputs_are_counted():
    text = str(constant(40, range(8)))
    assert "x1, x2, x3, x4, x5 and 3 others." in text
    assert "... 12 inputs more" in text  # of 32 that vary


def test_no_zero_has_a_minus():
    """The derivatives are -0.0 where a relu before a negative weight is closed, and -1e-9."""
    net = bp.Network.from_arrays([[[1.0, 1.0]], [[-1.0], [-1e-9]]], None, hidden="relu", output="identity")
    found = bp.sensitivities(net, [[-1.0], [-2.0]])
    for numbers in (found.mean, found.min, found.max):
        assert not np.signbit(numbers).any()
    assert "-0.0" not in str(found)
    mixed = bp.Network.from_arrays([[[-1e-6], [5.0]]], None, hidden=(), output="identity")
    assert "-0.0" not in bp.sensitivities(mixed, np.zeros((2, 2))).table()


def test_numbers_near_the_largest():
    net = bp.Network.from_arrays([[[1.5e308]]], None, hidden=(), output="identity")
    found = bp.sensitivities(net, [[0.0], [0.0], [0.0]])
    assert found.mean.item() == found.mean_abs.item() == 1.5e308
    steps = bp.sensitivities(make_network((1, 1), dtype="float64"), [[-1e300], [1e300]], scale="std").steps
    assert steps.tolist() == [1e300]


# ---- inputs that were divided ----

AGES = np.array([20.0, 30.0, 40.0, 50.0]), np.array([21000.0, 43000.0, 30000.0, 52000.0])


def prices(**options):
    """Price = 1.04 age + 0.0005 income, by a network that is given both standardised."""
    X = np.column_stack(AGES)
    spread = X.std(axis=0)
    net = bp.Network.from_arrays([[[1.04 * spread[0]], [0.0005 * spread[1]]]], None, hidden=(), output="identity")
    names = {"input_names": ["age", "income"], "output_names": ["price"]}
    return bp.sensitivities(net, (X - X.mean(axis=0)) / spread, divided_by=spread, **names, **options)


def test_slopes_in_the_units_before_a_division():
    found = prices()
    np.testing.assert_allclose(found.mean, [[1.04, 0.0005]], rtol=1e-12)
    assert found.steps.tolist() == [1.0, 1.0]
    assert found.sentence() == "price changes at a rate of +1.04 per unit of age, income held constant"
    assert str(found).startswith("The slope of each output per unit of each input before its division, the other")


def test_steps_in_the_units_before_a_division():
    deviations, steps = prices(scale="std"), prices(scale=[10, 1000])
    np.testing.assert_allclose(deviations.steps, [each.std() for each in AGES], rtol=1e-12)
    np.testing.assert_allclose(deviations.mean, [[1.04 * AGES[0].std(), 0.0005 * AGES[1].std()]], rtol=1e-12)
    np.testing.assert_allclose(steps.mean, [[10.4, 0.5]], rtol=1e-12)
    assert steps.sentence() == "price changes at a rate of +10.4 per 10 of age, income held constant"


def test_one_number_divides_all_inputs():
    net = bp.Network.from_arrays([[[3.0], [2.0]]], None, hidden=(), output="identity")
    np.testing.assert_allclose(bp.sensitivities(net, [0.1, 0.2], divided_by=255).mean, [[3 / 255, 2 / 255]])


@pytest.mark.parametrize(
    ("divided_by", "words"),
    [
        ([1.0], r"divided_by has shape \(1,\); expected \(3,\), one number for each input"),
        ([1.0, 0.0, 1.0], r"divided_by\[1\] is 0.0; expected a positive number"),
        (-2, r"divided_by\[0\] is -2.0; expected a positive number"),
        ([1e-30, 1, 1], "the step of input 0 after its division is [^,]*, which float32 can only hold as inf"),
    ],
)
def test_a_division_that_does_not_fit(divided_by, words):
    refused(lambda: random_case(3, 2, divided_by=divided_by, scale=[1e20, 1, 1]), words)


# ---- names ----


def test_the_names_of_a_data_frame():
    pd = pytest.importorskip("pandas")
    net = make_network((3, 4, 1))
    frame = pd.DataFrame(uniform(1, (5, 3)), columns=NAMES)
    assert bp.sensitivities(net, frame).input_names == NAMES
    assert bp.sensitivities(net, frame.iloc[2]).input_names == NAMES
    assert bp.sensitivities(net, frame, input_names=["a", "b", "c"]).input_names == ("a", "b", "c")


def test_names_by_default_are_those_of_the_units():
    found = random_case(2, 3)
    assert found.input_names == ("x1", "x2")
    assert found.output_names == ("a8", "a9", "a10")


@pytest.mark.parametrize("kind", ["input_names", "output_names"])
@pytest.mark.parametrize("names", [["a"], "abc", ["a", "a", "b"]], ids=repr)
def test_names_that_do_not_fit(kind, names):
    refused(lambda: random_case(3, 3, **{kind: names}), kind, error=(TypeError, ValueError))


# ---- in words ----


def test_the_sentence_of_the_car():
    found = car()
    expected = "speed changes at a rate of +3.0 per unit of engine, wheels and spoilers held constant"
    assert found.sentence("speed", "engine") == found.sentence() == expected
    expected = "speed changes at a rate of -1.0 per unit of spoilers, engine and wheels held constant"
    assert found.sentence(0, 2) == expected


def test_a_sentence_says_how_far_rows_differ():
    assert grip().sentence(input="wheels") == (
        "speed changes at a rate of +0.667 on average per unit of wheels (from 0.0 to +2.0 over 3 rows), "
        "engine held constant"
    )


def test_a_sentence_names_the_step():
    net = bp.Network.from_arrays([[[4.0]]], None, hidden=(), output="identity")
    X = [[1.0], [2.0]]
    deviations, steps = (bp.sensitivities(net, X, scale=scale) for scale in ("std", [0.25]))
    assert deviations.sentence() == "a1 changes at a rate of +2.0 per standard deviation (0.5) of x1"
    assert steps.sentence() == "a1 changes at a rate of +1.0 per 0.25 of x1"


def test_a_sentence_counts_many_inputs():
    assert random_case(12, 2).sentence().endswith(", the other 11 inputs held constant")


def test_numbers_of_any_size_show_four_digits():
    lines = str(prices()).split("\n\n")[1].splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["+1.040", "+0.0005000"]


@pytest.mark.parametrize("name", ["brakes", 3, -1, True])
def test_a_sentence_of_no_such_input(name):
    refused(lambda: car().sentence("speed", name), "no input", "expected one of engine, wheels, spoilers")


# ---- tables ----


def test_the_table():
    title, table, closing = str(grip()).split("\n\n")
    assert title == "The slope of each output per unit of each input, the other inputs held constant, at 3 rows"
    assert table.splitlines() == [
        "speed      mean  mean abs      min      max",
        "engine  +2.333     2.333   +1.000   +3.000",
        "wheels  +0.6667    0.6667  +0.0000  +2.0000",
    ]
    sentence, note = closing.splitlines()
    assert sentence == f"{grip().sentence()}."
    assert note == "Slopes hold close to their rows: over a whole unit an output changes by more or less."
    assert "Slopes hold" not in str(car())  # they hold everywhere


def test_the_largest_come_first_and_the_others_are_counted():
    found = random_case(40, 2)
    order = np.argsort(-found.mean_abs[0])
    _, block, _, _ = found.table(most=3).split("\n\n")
    lines = block.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [f"x{k + 1}" for k in order[:3]]
    assert lines[4] == f"... 37 inputs more, of at most {found.mean_abs[0, order[3]]:.3g}"
    assert "... 20 inputs more" in found.table()
    assert "inputs more" not in random_case(30, 2).table()


def test_outputs_that_are_left_out_are_counted():
    found = random_case(2, 33)
    assert "... 13 outputs more" in str(found)
    assert len(found.largest()[0]) == 20
    assert "... 13 outputs more" in found._repr_html_()


def test_columns_line_up():
    for found in (random_case(5, 3, scale="std"), random_case(5, 3, scale=[1e-4, 3, 1e5, 2, 1])):
        for block in found.table().split("\n\n")[1:4]:
            lines = block.splitlines()
            assert lines[0].split()[1] == "step"
            points = [[at for at, letter in enumerate(line) if letter == "."][-4:] for line in lines[1:]]
            assert len(set(map(tuple, points)) - {()}) == 1  # none in a line of whole numbers


def test_html_escapes_names_and_holds_every_number():
    net = bp.Network.from_arrays([[[3.0], [2.0]]], None, hidden=(), output="identity")
    html = bp.sensitivities(net, [1.0, 1.0], input_names=["<b>", "a & b"])._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "a &amp; b" in html
    assert re.findall(r"<td>([^<]*)</td>", html) == ["+3.000", "+2.000"]


def test_a_data_frame_of_all_numbers():
    pytest.importorskip("pandas")
    frame = grip().to_frame()
    assert frame.loc[("speed", "engine")].tolist() == [7 / 3, 7 / 3, 1.0, 3.0]
    assert list(frame.columns) == ["mean", "mean_abs", "min", "max"]


def test_what_it_is_in_one_line():
    assert repr(grip()).startswith("<Sensitivities of 1 output to 2 inputs at 3 rows: ")


# ---- what is refused ----


def test_what_is_no_network():
    refused(lambda: bp.sensitivities(3, [1.0]), "net is int; expected a bp.Network", error=TypeError)


def test_no_rows_and_numbers_that_are_not_finite():
    net = make_network((3, 4, 1))
    refused(lambda: bp.sensitivities(net, np.zeros((0, 3))), "no rows; expected at least one")
    refused(lambda: bp.sensitivities(net, [[1.0, np.nan, 2.0]], scale="std"), r"X\[0, 1\] is nan")


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        ("mean", "scale is 'mean'; expected None, \"std\""),
        ([1.0, 2.0], r"scale has shape \(2,\); expected \(3,\)"),
        ([1.0, np.inf, 2.0], r"scale\[1\] is inf"),
        ([1.0, 1e300, 2.0], r"scale\[1\] is 1e\+300, too large for float32"),
        ([-1.0, 1.0, 2.0], r"scale\[0\] is -1.0; expected a positive number"),
        ([1.0, 0.0, 2.0], r"scale\[1\] is 0.0; expected a positive number"),
        ([1.0, 1.0, 1e-60], r"scale\[2\] is 1e-60, which float32 can only hold as 0.0"),
    ],
)
def test_a_scale_that_does_not_fit(scale, words):
    refused(lambda: random_case(3, 2, scale=scale), words)


def test_standard_deviations_that_there_are_not():
    refused(lambda: constant(n=1), 'scale is "std" and X has 1 row; expected at least 2')
    refused(lambda: constant(at=(0, 1, 2)), 'scale is "std" and X has 7 equal rows; expected at least one input')


def test_a_derivative_beyond_all_numbers():
    W = [np.float32([[3e38, 1.0]]), np.float32([[2.0], [1.0]])]
    net = bp.Network.from_arrays(W, None, hidden="relu", output="relu")
    refused(lambda: bp.sensitivities(net, [[-1.0], [1e-30]]), "the slope of a3 with x1 at row 1 of X is inf")


# ---- pictures ----


@pytest.fixture
def drawn():
    """Draw, hand the axes out, and close them at the end."""
    plt = pytest.importorskip("matplotlib.pyplot")
    yield lambda found, **options: found.plot(**options)
    plt.close("all")


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_bars_of_the_car(drawn):
    ax = drawn(car())
    assert labels(ax.yaxis) == list(NAMES)
    assert [bar.get_width() for bar in ax.patches] == [3.0, 2.0, -1.0]
    assert ax.patches[0].get_facecolor() == ax.patches[1].get_facecolor() != ax.patches[2].get_facecolor()
    assert ax.get_xlabel() == "slope of speed per unit of the input"


def test_bars_show_the_range_over_the_rows(drawn):
    ax = drawn(grip())
    (line, *_), *_ = [container[2] for container in ax.containers if len(container) == 3]
    ends = [segment[:, 0].tolist() for segment in line.get_segments()]
    np.testing.assert_allclose(ends, [[1.0, 3.0], [0.0, 2.0]])


def test_outputs_side_by_side_differ_by_more_than_colour(drawn):
    found = random_case(4, 3, output_names=["red", "green", "blue"])
    ax = drawn(found)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["red", "green", "blue"]
    assert len({bar.get_hatch() for bar in ax.patches}) == 3
    widths = np.reshape([bar.get_width() for bar in ax.patches], (3, 4))
    np.testing.assert_allclose(widths, found.mean[:, found.largest()[1]])


@pytest.mark.parametrize(("n_in", "n_out", "cells"), [(30, 3, (30, 3)), (9, 12, (9, 12)), (784, 10, (20, 10))])
def test_many_are_a_heat_map_with_numbers(drawn, n_in, n_out, cells):
    found = random_case(n_in, n_out)
    ax = drawn(found)
    outputs, inputs = found.largest()
    image = ax.images[0].get_array()
    assert image.shape == cells
    np.testing.assert_allclose(image, found.mean[np.ix_(outputs, inputs)].T)
    assert labels(ax.yaxis) == [f"x{k + 1}" for k in inputs]
    assert float(ax.texts[0].get_text()) == pytest.approx(image[0, 0], rel=0.1)
    assert len(ax.texts) == image.size


@pytest.mark.parametrize(("n_in", "n_out"), [(2, 4), (2, 1), (9, 12)])
def test_nothing_is_cut_off(drawn, n_in, n_out):
    names = ["low", "middle", "high", "highest"] if n_out == 4 else None
    ax = drawn(random_case(n_in, n_out, scale="std", output_names=names))
    ax.figure.canvas.draw()
    written = [axis.label for each in ax.figure.axes for axis in (each.xaxis, each.yaxis)] + [ax._left_title]
    for text in written:
        box = text.get_window_extent()
        assert not text.get_text() or (
            ax.figure.bbox.contains(box.x0, box.y0) and ax.figure.bbox.contains(box.x1, box.y1)
        )


def test_a_picture_says_its_order_and_its_unit(drawn):
    assert "sorted by mean abs" in drawn(grip()).get_title(loc="left")
    assert "sorted" not in drawn(car()).get_title(loc="left")
    assert drawn(prices()).get_xlabel() == "slope of price per unit of the input before its division"
    assert "slopes per standard deviation of the input" in drawn(random_case(2, 4, scale="std")).get_title(loc="left")


def test_what_a_picture_leaves_out_is_counted(drawn):
    assert "the 20 largest of 784 inputs; 764 are not shown" in drawn(random_case(784, 1)).get_title(loc="left")
    title = drawn(random_case(50, 60)).get_title(loc="left")
    assert "the 20 largest of 60 outputs; 40 are not shown" in title


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 1), (9, 9)])
def test_a_constant_input_is_not_drawn_but_counted(drawn, n_in, n_out):
    ax = drawn(constant(n_in, (1,), n_out))
    assert len(labels(ax.yaxis)) == n_in - 1
    assert "x2" not in labels(ax.yaxis)
    assert "not shown: 1 constant input, without a standard deviation" in ax.get_title(loc="left")


def test_axes_of_ones_own(drawn):
    plt = pytest.importorskip("matplotlib.pyplot")
    _, ax = plt.subplots()
    assert drawn(car(), ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_a_network_that_does_not_move(drawn):
    """All derivatives 0: a picture and a table all the same."""
    for n_in, n_out in ((2, 1), (9, 9)):
        found = bp.sensitivities(bp.Network((n_in, n_out), init="zeros"), np.ones((3, n_in)))
        drawn(found)
        assert "0.000" in str(found)
