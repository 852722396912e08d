"""Replay: what it remembers, what it forgets, and that its page holds the core's numbers."""

import base64
import json
import pickle
import re

import numpy as np
import pytest

import bp_core as bp
from bp_core.history import Epoch
from bp_core.pages._frames import LINE_BYTES, MOST_UNITS
from bp_core.pages._line import trace
from bp_core.pages._pack import quantise
from support import refused, uniform

X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
Y = [0.0, 1.0, 1.0, 0.0]


def xor(**options):
    return bp.Network((2, 3, 1), hidden="tanh", output="sigmoid", seed=3, dtype="float64", **options)


def trained(epochs, net=None, **options):
    net = net or xor()
    replay = bp.Replay(net, X, Y, **options)
    trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=1.0), batch_size="full")
    history = trainer.fit(X, Y, epochs=epochs, callbacks=[replay])
    return net, replay, history


def data_of(path):
    page = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])


def floats(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


def pixels(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)


@pytest.fixture
def saved(tmp_path):
    def save(replay, **options):
        path = tmp_path / "replay.html"
        replay.save_html(path, **options)
        assert path.stat().st_size < 5_000_000
        return data_of(path)

    return save


# ------------------------------------------------------------------ remembering
def test_snapshots_are_the_parameters_after_each_epoch():
    seen = []
    net = xor()
    before = net.get_parameters()
    replay = bp.Replay(net, X, Y)
    bp.Trainer(net).fit(X, Y, epochs=5, callbacks=[replay, lambda epoch: seen.append(epoch.network.get_parameters())])
    assert [snapshot.epoch for snapshot in replay.snapshots] == [0, 1, 2, 3, 4, 5]
    for snapshot, expected in zip(replay.snapshots, [before, *seen], strict=True):
        assert (snapshot.parameters == expected).all()


@pytest.mark.parametrize(
    "every, most, epochs", [(1, 10, 9), (1, 10, 10), (1, 10, 137), (3, 4, 50), (7, 200, 30), (1, 2, 20)]
)
def test_thinning_keeps_even_steps_and_both_ends(every, most, epochs):
    net, replay, history = trained(epochs, every=every, max_snapshots=most)
    found = [snapshot.epoch for snapshot in replay.snapshots]
    assert len(found) == len(replay) <= most
    assert found[0] == 0 and found[-1] == epochs
    steps = set(np.diff(found[:-1]).tolist())
    assert len(steps) <= 1 and all(step % every == 0 for step in steps)
    assert (replay.snapshots[-1].parameters == net.get_parameters()).all()
    assert replay.loss == history.loss


def test_several_fits_are_numbered_on():
    net, replay, _ = trained(3)
    trainer = bp.Trainer(net)
    trainer.fit(X, Y, epochs=2, callbacks=[replay])
    trainer.fit(X, Y, epochs=10)
    trainer.fit(X, Y, epochs=1, callbacks=[replay])
    assert [snapshot.epoch for snapshot in replay.snapshots] == [0, 1, 2, 3, 4, 5, 13]


def test_a_start_in_the_middle():
    net = xor()
    trainer = bp.Trainer(net)
    trainer.fit(X, Y, epochs=4)
    replay = bp.Replay(net, X, Y)
    trainer.fit(X, Y, epochs=2, callbacks=[replay])
    assert [snapshot.epoch for snapshot in replay.snapshots] == [4, 5, 6]


def test_holds_no_trainer_and_travels():
    _, replay, _ = trained(6)
    copy = pickle.loads(pickle.dumps(replay))
    assert repr(copy) == repr(replay) == "<Replay of 7 snapshots over 6 epochs>"
    assert not any(isinstance(value, bp.Trainer) for value in vars(replay).values())
    assert (copy.snapshots[3].parameters == replay.snapshots[3].parameters).all()


def test_large_networks_keep_fewer(monkeypatch):
    monkeypatch.setattr("bp_core.replay.MOST_BYTES", 13 * 8 * 5)
    _, replay, _ = trained(40)
    assert len(replay) <= 5


# ----------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    "options, words",
    [
        ({"every": 0}, "every is 0"),
        ({"max_snapshots": 1}, "max_snapshots is 1; expected a whole number from 2 up"),
        ({"input_names": ["a"]}, "input_names has 1 name; expected 2 names"),
        ({"input_names": ["a", "a"]}, "input_names has 'a' twice"),
        ({"class_names": "ab"}, "class_names is 'ab'"),
    ],
)
def test_bad_options(options, words):
    refused(lambda: bp.Replay(xor(), X, Y, **options), words, error=(TypeError, ValueError))


def test_bad_data():
    refused(lambda: bp.Replay(xor(), [[0.0, np.nan]], [1]), r"X\[0, 1\] is nan")
    refused(lambda: bp.Replay(xor(), X, Y[:2]), r"y has shape \(2,\)")
    refused(lambda: bp.Replay(xor(), X, [0.0, 0.5, 1.0, 0.0], class_names=("a", "b")), "y holds numbers")
    refused(lambda: bp.Replay("net", X, Y), "net is str", error=TypeError)


def test_another_network():
    replay = bp.Replay(xor(), X, Y)
    other = bp.Network((2, 4, 1), seed=0)
    refused(lambda: bp.Trainer(other).fit(X, Y, epochs=1, callbacks=[replay]), "2-3-1.*2-4-1")


@pytest.mark.parametrize("inputs", [(0,), (0, 0), (0, 9), "ab", ("a", "nothing"), (0, 1, 2)])
def test_bad_inputs(inputs, tmp_path):
    net = bp.Network((3, 2, 1), seed=0)
    replay = bp.Replay(net, uniform(0, (5, 3)), uniform(1, 5), input_names=("a", "b", "c"))
    refused(lambda: replay.save_html(tmp_path / "x.html", inputs=inputs), "expected two different inputs out of 0 to 2")
    assert not (tmp_path / "x.html").exists()


# --------------------------------------------------------------------- the page
def test_numbers_are_the_cores(saved):
    net, replay, history = trained(20)
    data = saved(replay)
    assert data["epochs"] == list(range(21)) and data["curve"]["epochs"] == history.index
    assert data["curve"]["training"] == pytest.approx(history.loss, rel=1e-5)
    assert data["losses"][0] is None and data["losses"][1:] == data["curve"]["training"]
    other = net.copy()
    W = floats(data["parameters"][0]["weights"], 21, 2, 3)
    b = floats(data["parameters"][1]["biases"], 21, 1)
    a = floats(data["examples"]["layers"][0], 21, 4, 3)
    output = floats(data["examples"]["layers"][1], 21, 4, 1)
    for at, snapshot in enumerate(replay.snapshots):
        other.set_parameters(snapshot.parameters)
        assert (W[at] == other.weights[0].astype("f4")).all()
        assert (b[at] == other.biases[1].astype("f4")).all()
        assert (a[at] == other.forward(X).a[0].astype("f4")).all()
        assert (output[at] == other.predict(X).astype("f4")).all()


def test_surface_and_unit_pictures(saved):
    net, replay, _ = trained(8)
    data = saved(replay)
    n = data["surface"]["points"]
    assert (data["surface"]["low"], data["surface"]["high"]) == (0, 1)
    (x0, x1), (y0, y1) = data["surface"]["ranges"]
    found = pixels(data["surface"]["planes"][0], 9, n, n)[-1]
    for row, column in ((0, 0), (0, n - 1), (n - 1, 5), (n // 2, n // 3)):
        point = [x0 + (x1 - x0) * column / (n - 1), y1 - (y1 - y0) * row / (n - 1)]
        assert abs(found[row, column] - (1 + 254 * net.predict(point)[0])) <= 0.51
    g = data["maps"]["width"]
    unit = pixels(data["maps"]["layers"][0]["bytes"], 9, 3, g, g)[-1, 2, g - 1, 0]
    assert abs(unit - (1 + 254 * (net.forward([x0, y0]).a[0][2] + 1) / 2)) <= 0.51


def test_one_input_is_a_curve(saved):
    net = bp.Network((1, 4, 1), seed=0)
    x = np.linspace(-1, 1, 7)[:, None]
    data = saved(bp.Replay(net, x, x[:, 0] ** 2))
    n = data["surface"]["points"]
    low, high = data["surface"]["ranges"][0]
    expected = net.predict(np.linspace(low, high, n)[:, None])
    assert floats(data["surface"]["values"], 1, n, 1)[0] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert data["surface"]["inputs"] == ["x1"]


def test_classes(saved):
    net = bp.Network((2, 5, 3), output="softmax", seed=0)
    y = np.arange(30) % 3
    data = saved(bp.Replay(net, uniform(0, (30, 2)), y, class_names=("red", "</script><b>", "c")))
    assert data["surface"]["kind"] == "classes" and data["points"]["labels"] == y.tolist()
    assert data["classes"][1] == "</script><b>"
    (x0, _), (_, y1) = data["surface"]["ranges"]
    n = data["surface"]["points"]
    output = net.predict([x0, y1])
    assert pixels(data["surface"]["winner"], n, n)[0, 0] == output.argmax()
    assert abs(pixels(data["surface"]["share"], n, n)[0, 0] - (1 + 254 * output.max())) <= 0.51


def test_many_inputs_vary_two_and_hold_the_others(saved):
    net = bp.Network((4, 3, 1), hidden="tanh", output="tanh", seed=0, dtype="float64")
    net.weights[0][...] = np.array([1.0, 9.0, 1.0, 8.0])[:, None]
    rows = uniform(0, (50, 4))
    replay = bp.Replay(net, rows, uniform(1, 50), input_names=("a", "b", "c", "d"))
    assert saved(replay)["surface"]["inputs"] == ["b", "d"]
    data = saved(replay, inputs=("d", 0))
    assert data["surface"]["inputs"] == ["d", "a"]
    assert any("d and a vary" in note for note in data["notes"])
    (low, _), (_, high) = data["surface"]["ranges"]
    corner = rows.mean(axis=0)
    corner[[3, 0]] = low, high
    n = data["surface"]["points"]
    found = pixels(data["surface"]["planes"][0], n, n)[0, 0]
    assert abs(found - (1 + 254 * (net.predict(corner)[0] + 1) / 2)) <= 0.51


def test_large_networks_say_what_is_left_out(saved):
    net = bp.Network((40, 50, 1), seed=0)
    data = saved(bp.Replay(net, uniform(0, (900, 40)), uniform(1, 900)))
    assert [len(layer["units"]) for layer in data["layers"]] == [MOST_UNITS, MOST_UNITS, 1]
    assert len(data["points"]["x"][0]) == 400
    notes = " ".join(data["notes"])
    assert "at most 16 units" in notes and "400 of 900 rows" in notes
    W = np.abs(net.weights[1][:, 0].astype("f8"))
    drawn = {int(name[1:]) - 1 for name in data["layers"][1]["units"]}
    assert drawn == set(np.argsort(-W)[:MOST_UNITS].tolist())


def test_pages_stay_small(saved):
    net = bp.Network((2, 16, 16, 16, 16, 1), hidden="tanh", seed=0)
    replay = bp.Replay(net, uniform(0, (100, 2)), uniform(1, 100))
    bp.Trainer(net).fit(uniform(0, (100, 2)), uniform(1, 100), epochs=150, callbacks=[replay])
    data = saved(replay)  # asserts the size
    assert data["epochs"][0] == 0 and data["epochs"][-1] == 150
    assert data["maps"]["width"] < 20


def test_parameters_that_are_not_finite(saved):
    net = xor()
    replay = bp.Replay(net, X, Y)
    net.set_parameters(np.full(13, np.nan))
    replay(Epoch(0, float("inf"), None, 0.1, 0.0, None, net))
    data = saved(replay)
    assert data["losses"] == [None, None] and data["curve"]["training"] == [None]
    n = data["surface"]["points"]
    assert (pixels(data["surface"]["planes"][0], 2, n, n)[1] == 0).all()


def test_long_loss_curves_keep_their_spikes(saved):
    net = xor()
    replay = bp.Replay(net, X, Y, max_snapshots=10)
    for index in range(9000):
        replay(Epoch(index, 50.0 if index == 4321 else 1.0 / (index + 1), None, 0.1, 0.0, None, net))
    curve = saved(replay)["curve"]
    assert len(curve["epochs"]) <= 2001 and curve["n_epochs"] == 9000
    assert curve["training"][curve["epochs"].index(4321)] == 50.0
    assert curve["epochs"][0] == 0 and curve["epochs"][-1] == 8999


def test_names_of_inputs_and_outputs(saved):
    def names(net, y, **options):
        data = saved(bp.Replay(net, uniform(0, (6, 20)), y, **options))
        return [(layer["names"], layer["meaning"]) for layer in data["layers"]]

    net = bp.Network((20, 4, 1), seed=0)
    assert names(net, uniform(1, 6)) == [(None, None)] * 3
    W = np.abs(net.weights[0].astype("f8")).sum(axis=1)
    drawn = np.sort(np.argsort(-W)[:MOST_UNITS])
    found = names(net, [-1, 2] * 3, input_names=[f"pixel {k}" for k in range(20)], class_names=("dark", "light"))
    assert found == [([f"pixel {k}" for k in drawn], None), (None, None), (None, "2 is light")]
    found = names(bp.Network((20, 3), output="softmax", seed=0), [0, 1, 2] * 2, class_names=("a", "b", "c"))
    assert found[-1] == (["a", "b", "c"], None)


# ------------------------------------------------------------------ the decision line
def lines_of(data, at):
    """The lines of one snapshot, in the inputs."""
    lengths = data["surface"]["line"]["lengths"]
    points = np.frombuffer(base64.b64decode(data["surface"]["line"]["points"]), "<u2").reshape(-1, 2) / 65535
    (left, right), (bottom, top) = data["surface"]["ranges"]
    points = np.stack([left + (right - left) * points[:, 0], top + (bottom - top) * points[:, 1]], axis=1)
    assert len(points) == sum(map(sum, lengths))
    ends = np.cumsum([length for lines in lengths for length in lines])
    first = sum(map(len, lengths[:at]))
    return np.split(points, ends)[first : first + len(lengths[at])]


@pytest.mark.parametrize("scale, output", [(1e-4, "sigmoid"), (300.0, "sigmoid"), (1.0, "tanh"), (1.0, "identity")])
def test_the_line_is_where_the_output_is_in_the_middle(saved, scale, output):
    """However flat or steep the output is: along a straight line that no grid follows."""
    net = bp.Network((2, 1), output=output, seed=0)
    middle = {"sigmoid": 0.0, "tanh": 0.0, "identity": 0.5}[output]
    net.weights[0][...] = [[3.0 * scale], [1.0 * scale]]
    net.biases[0][...] = -1.7 * scale + middle
    (line,) = lines_of(saved(bp.Replay(net, X, Y)), 0)
    assert np.abs(line @ [3.0, 1.0] - 1.7).max() < 2e-3
    assert np.ptp(line, axis=0) == pytest.approx([1.16 / 3, 1.16], abs=1e-3), "from the lower side to the upper"


def test_lines_are_right_and_smooth_at_every_epoch(saved):
    """Each lies where the output is 0.5, and turns by little from point to point; some are closed."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 2))
    y = (np.hypot(*rows.T) < 1).astype(float)
    net = bp.Network((2, 8, 1), hidden="tanh", output="sigmoid", seed=0, dtype="float64")
    replay = bp.Replay(net, rows, y, max_snapshots=6)
    bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.03), seed=0).fit(rows, y, epochs=300, callbacks=[replay])
    data = saved(replay)
    closed = []
    for at, snapshot in enumerate(replay.snapshots):
        net.set_parameters(snapshot.parameters)
        lines = lines_of(data, at)
        assert lines
        for line in lines:
            slope = np.linalg.norm(net.jacobian(line)[:, 0], axis=1)
            assert (np.abs(net.predict(line)[:, 0] - 0.5) / slope).max() < 1e-3, "in units of the inputs"
            steps = np.diff(line, axis=0)
            steps = steps[np.linalg.norm(steps, axis=1) > 5e-3]
            angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
            assert np.abs(np.diff(angles)).max() < 0.5
            closed.append((line[0] == line[-1]).all())
    assert any(closed) and not all(closed)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("centre", [0.01, -0.01])
def test_saddles(sign, centre):
    """Two lines, each around a corner of the side that the centre is not on."""
    saddle = lambda places: (places - 0.5).prod(axis=1) + centre  # noqa: E731
    lines = trace(lambda places: sign * saddle(places), 2)
    assert len(lines) == 2
    for line in lines:
        assert np.abs(saddle(line)).max() < 1e-3
        assert np.sign((line.mean(axis=0) - 0.5).prod()) == -np.sign(centre)


def test_closed_lines_and_holes():
    """A closed line ends at its start; none leads around what is not finite, nor where nothing is crossed."""
    circle = lambda places: 0.3 - np.hypot(*(places - 0.5).T)  # noqa: E731
    (line,) = trace(circle, 32)
    assert (line[0] == line[-1]).all() and np.abs(circle(line)).max() < 1e-5
    holed = lambda places: np.where(places[:, 0] < 0.5, np.nan, circle(places))  # noqa: E731
    (line,) = trace(holed, 32)
    assert (line[:, 0] > 0.5).all() and not (line[0] == line[-1]).all()
    assert trace(lambda places: np.zeros(len(places)), 8) == trace(lambda places: np.ones(len(places)), 8) == []


def test_lines_that_wind_are_traced_more_coarsely(saved):
    rng = np.random.default_rng(0)
    net = bp.Network((2, 40, 40, 1), hidden="tanh", output="sigmoid", seed=0)
    replay = bp.Replay(net, rng.normal(size=(50, 2)), np.arange(50) % 2)
    net.set_parameters(rng.normal(size=net.n_parameters) * 40)
    for index in range(40):
        replay(Epoch(index, 1.0, None, 0.1, 0.0, None, net))
    text = saved(replay)["surface"]["line"]["points"]
    assert 100 * 41 < len(text) <= LINE_BYTES * 41


def test_bytes_of_values():
    found = quantise(np.array([-1.0, 0.0, 0.5, 1.0, 9.0, np.nan, np.inf]), np.float64(0), np.float64(1))
    assert found.tolist() == [1, 1, 128, 255, 255, 0, 0]
