"""Pages as text: one file each, nothing fetched, nothing that user text could break out of."""

import json
import re

import numpy as np
import pytest

import bp_core as bp
from bp_core import pages

NASTY = "</script><script>alert(1)</script>&\u2028<!--"


def parts(page):
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    return json.loads(data), page.replace(data, "")


@pytest.fixture(params=sorted(pages.SCRIPTS))
def page(request):
    return pages.fill(request.param, f"a {NASTY} b", {"text": NASTY, "numbers": [1.5, None]})


def test_the_data_come_back(page):
    data, _ = parts(page)
    assert data == {"text": NASTY, "numbers": [1.5, None]}


def test_user_text_stays_text(page):
    assert NASTY not in page and "alert(1)</script>" not in page
    assert page.count("<script") == page.count("</script>") == 2


def test_nothing_is_fetched(page):
    _, rest = parts(page)
    assert "default-src 'none'" in rest
    assert set(re.findall(r"https?://[^\"' )]+", rest)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|import)\s*\(|@import|\burl\(|<link(?! rel=\"icon\" href=\"data:,\")", rest
    )
    assert not re.search(r"\.(innerHTML|outerHTML)|insertAdjacentHTML|document\.write", rest)


@pytest.mark.parametrize("value", [np.nan, float("inf")])
def test_numbers_that_json_has_not(value):
    with pytest.raises(ValueError):
        pages.fill("replay", "", {"value": value})


def test_files_are_replaced_whole(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(OSError):
        pages.save(tmp_path / "no" / "page.html", "new")
    pages.save(path, "new \u2212")
    assert path.read_text(encoding="utf-8") == "new \u2212" and list(tmp_path.iterdir()) == [path]


# ----------------------------------------------------------- the explanation's page
def explained(tmp_path, net, *arguments, **options):
    path = tmp_path / "explanation.html"
    net.explain(*arguments, **options).save_html(path)
    assert path.stat().st_size < 5_000_000
    return parts(path.read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize(
    "bias, ends", [("layer", {"b1": 3, "b2": 1}), ("unit", {"b1": 1, "b3": 1, "b4": 1}), ("none", {})]
)
def test_where_parameters_are_drawn(tmp_path, bias, ends):
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias=bias, seed=0)
    data = explained(tmp_path, net, [0.0, 1.0], [1.0])
    drawn = {parameter["name"]: parameter["ends"] for parameter in data["parameters"]}
    assert len(drawn) == net.n_parameters
    assert drawn["W1"] == [["x1", "a1"]] and drawn["W5"] == [["x2", "a2"]] and drawn["W9"] == [["a3", "a4"]]
    assert {name: len(drawn[name]) for name in ends} == ends
    assert [layer["units"] for layer in data["layers"]] == [["x1", "x2"], ["a1", "a2", "a3"], ["a4"]]


def test_its_numbers_are_the_cores(tmp_path):
    net = bp.Network((2, 3, 1), hidden="tanh", output="sigmoid", seed=0, dtype="float64")
    X, y = [[0.5, -1.0], [2.0, 0.25]], [1.0, 0.0]
    data = explained(tmp_path, net, X, y)
    assert data["loss"]["formula"] == "1/2 (y - a4)^2"
    found = {parameter["name"]: parameter["derivative"] for parameter in data["parameters"]}
    expected = net.gradients(X, y)
    assert [found[f"W{i}"] for i in range(1, 7)] == expected.weights[0].ravel().tolist()
    assert [found[f"b{i}"] for i in range(1, 4)] == expected.biases[0].tolist()


def test_large_networks_stay_small_and_say_so(tmp_path):
    net = bp.Network((300, 60, 40, 10), output="softmax", seed=0)
    rng = np.random.default_rng(0)
    data = explained(tmp_path, net, rng.random((9, 300)), np.arange(9))
    assert len(data["parameters"]) < net.n_parameters
    assert max(len(layer["units"]) for layer in data["layers"]) == 16
    units = {unit for layer in data["layers"] for unit in layer["units"]}
    for parameter in data["parameters"]:
        assert all(unit in units or unit.startswith("bias") for end in parameter["ends"] for unit in end)
    assert len(data["left_out"]) == 6
