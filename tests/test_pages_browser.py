"""The pages in a real browser: what moves, what the keyboard reaches, and that nothing goes wrong or out."""

import shutil

import numpy as np
import pytest

import bp_core as bp
from support import uniform

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")

NASTY = "</script><b>bold</b>&amp;"
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        yield running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def visit(browser):
    """Open a page; at the end: no error in the console, no request but for the file."""
    opened = []

    def visit(path, size="desktop", scheme="light"):
        width, height = SIZES[size]
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        errors, requests = [], []
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        opened.append((page, path, errors, requests))
        return page

    yield visit
    for page, path, errors, requests in opened:
        page.close()
        assert errors == []
        assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]


def record(net, inputs, y, epochs, **options):
    replay = bp.Replay(net, inputs, y, **options)
    bp.Trainer(net, optimizer="adam", seed=0).fit(inputs, y, epochs=epochs, callbacks=[replay])
    return replay


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """One page of each kind of picture, and the networks at their end."""
    folder = tmp_path_factory.mktemp("replays")
    kinds = {
        "xor": ((2, 3, 1), {"hidden": "tanh", "output": "sigmoid"}, X, Y),
        "curve": ((1, 4, 1), {"hidden": "tanh"}, X[:, :1], Y),
        "classes": ((2, 20, 3), {"output": "softmax"}, uniform(0, (60, 2)), np.arange(60) % 3),
        "values": ((5, 4, 2), {}, uniform(0, (40, 5)), uniform(1, (40, 2))),
        "deep": ((2, *[3] * 9, 1), {"hidden": "tanh"}, X, Y),
    }
    found = {}
    for name, (layers, how, inputs, y) in kinds.items():
        net = bp.Network(layers, seed=1, **how)
        replay = record(
            net, inputs, y, 12, input_names=[f"{k} {NASTY}" + "long name of an input " * 5 for k in range(layers[0])]
        )
        replay.save_html(folder / f"{name}.html", title=f"{name} {NASTY}")
        found[name] = (folder / f"{name}.html", net, replay)
    return found


@pytest.fixture(scope="module")
def explanations(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explanations")
    kinds = {
        "2-3-1": bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", dtype="float64", seed=1),
        "large": bp.Network((2, 90, 30, 1), hidden="tanh", seed=1),
    }
    found = {}
    for name, net in kinds.items():
        net.explain(X, Y, learning_rate=0.5).save_html(folder / f"{name}.html")
        found[name] = (folder / f"{name}.html", net)
    return found


def number(text):
    return float(text.replace("\u2212", "-"))


def focus_name(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def smallest_text(page):
    """The size in pixels of the smallest text on the page."""
    return page.evaluate("""() => {
        const size = (element) => parseFloat(getComputedStyle(element).fontSize);
        const sizes = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const parent = walker.currentNode.parentElement;
            if (walker.currentNode.data.trim() && !parent.closest("script, sub, sup")) sizes.push(size(parent));
        }
        return Math.min(...sizes);
    }""")


def point_at(page, name):
    """Move the pointer to where an edge of the network lies on top."""
    x, y = page.evaluate(
        """(name) => {
        const group = document.querySelector(`.network [data-id="${name}"]`);
        const path = group.querySelector(".reach");
        const box = path.ownerSVGElement.getBoundingClientRect();
        for (let share = 0.05; share < 1; share += 0.02) {
            const { x, y } = path.getPointAtLength(share * path.getTotalLength());
            const place = [x + box.left, y + box.top];
            if (group.contains(document.elementFromPoint(...place))) return place;
        }
    }""",
        name,
    )
    page.mouse.move(x, y)


# ------------------------------------------------------------------------ both
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("name", ["xor", "curve", "classes", "values", "deep"])
def test_replays_fit(visit, replays, name, size, scheme):
    page = visit(replays[name][0], size, scheme)
    page.keyboard.press("End")
    assert fits(page) and smallest_text(page) >= 13
    assert page.title() == page.locator("h1").inner_text() == f"{name} {NASTY}"
    assert page.locator("h1 b, option b").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("name", ["2-3-1", "large"])
def test_explanations_fit(visit, explanations, name, size, scheme):
    page = visit(explanations[name][0], size, scheme)
    assert fits(page) and smallest_text(page) >= 13


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(visit, replays, scheme):
    """WCAG AA, 4.5 to 1, for every colour of text on every ground of the pages."""
    page = visit(replays["xor"][0], scheme=scheme)
    colours = page.evaluate("""() => Object.fromEntries(["page", "panel", "wash", "text", "soft", "blue-text",
        "vermilion-text", "green-text"].map((name) => [name, style(`--${name}`)]))""")

    def luminance(colour):
        parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    for ground in ("page", "panel", "wash"):
        for text in ("text", "soft", "blue-text", "vermilion-text", "green-text"):
            high, low = sorted((luminance(colours[ground]), luminance(colours[text])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ground, text)


# -------------------------------------------------------------------- the replay
def picture(page):
    return page.locator("#surface").evaluate("canvas => canvas.toDataURL()")


def test_everything_moves_with_the_slider(visit, replays):
    path, net, replay = replays["xor"]
    page = visit(path)
    unit = page.locator('.network [data-id="a4"] text')
    line = page.locator('.network [data-id="W7"] .line')
    look = (lambda: unit.text_content(), lambda: line.get_attribute("style"), lambda: picture(page))
    marker = lambda: page.locator("#loss-chart .marker").get_attribute("x1")  # noqa: E731
    assert page.locator("#epoch").inner_text() == "epoch 0"
    before = [each() for each in look], marker()
    page.locator("#slider").focus()
    page.keyboard.press("End")
    assert page.locator("#epoch").inner_text() == "epoch 12"
    assert number(page.locator("#loss").inner_text().removeprefix("loss ")) == pytest.approx(replay.loss[-1], rel=1e-3)
    after = [each() for each in look], marker()
    assert all(a != b for a, b in zip(before[0], after[0], strict=True)) and before[1] != after[1]
    assert number(unit.text_content().split()[1]) == pytest.approx(net.predict(X[0])[0], abs=5e-4)


def test_keys_move_and_play(visit, replays):
    page = visit(replays["xor"][0])
    epoch = page.locator("#epoch")
    for key, expected in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 12), ("Home", 0)):
        page.keyboard.press(key)
        assert epoch.inner_text() == f"epoch {expected}"
    page.locator("#slider").fill("5")
    assert epoch.inner_text() == "epoch 5"
    page.locator("#back").click()
    assert epoch.inner_text() == "epoch 4"
    page.locator("#slider").fill("0")
    assert page.locator("#slider").get_attribute("aria-valuetext") == "epoch 0, before training"
    page.locator("#slider").focus()
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    playwright.expect(epoch).to_have_text("epoch 12")
    playwright.expect(page.locator("#play")).to_have_attribute("aria-label", "Play")


def test_tab_reaches_the_network_and_focus_shows_a_weight(visit, replays):
    path, net, _ = replays["xor"]
    page = visit(path)
    page.keyboard.press("End")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(focus_name(page))
    assert seen[:6] == ["One snapshot back", "Play", "One snapshot forward", "Epoch", "speed", "example"]
    assert sum(name.startswith(("weight", "unit", "input")) for name in seen if name) == 1
    page.locator("#example").focus()
    page.keyboard.press("Tab")
    assert focus_name(page) == "weight W7 from a1 to a4"
    page.keyboard.press("ArrowRight")
    assert focus_name(page) == "weight W8 from a2 to a4"
    assert page.locator("#detail-title").inner_text() == "Weight W8 from a2 to a4"
    value = page.locator("#detail-note").inner_text().split()[1].rstrip(".")
    assert number(value) == pytest.approx(net.weights[1][1, 0], rel=1e-5)
    assert page.locator("#epoch").inner_text() == "epoch 12"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#epoch").inner_text() == "epoch 12", "arrows in the network leave the time alone"


def test_hovering_shows_and_leaving_returns(visit, replays):
    path, net, _ = replays["xor"]
    page = visit(path)
    title = page.locator("#detail-title")
    point_at(page, "W2")
    assert title.inner_text() == "Weight W2 from x1 to a2"
    page.locator("h1").hover()
    assert title.inner_text() == "Weight W7 from a1 to a4"
    page.keyboard.press("End")
    point_at(page, "W2")
    value = number(page.locator("#detail-note").inner_text().split()[1].rstrip("."))
    assert value == pytest.approx(net.weights[0][0, 1], rel=1e-5)
    page.locator('.network [data-id="a2"] rect').click()
    page.locator("h1").hover()
    assert title.inner_text() == "Unit a2, example row 0"
    page.locator("#example").select_option("3")
    assert title.inner_text() == "Unit a2, example row 3"


def test_pointing_at_the_loss_moves_in_time(visit, replays):
    page = visit(replays["xor"][0])
    box = page.locator("#loss-chart svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 15, box["y"] + 50)
    assert page.locator("#epoch").inner_text() == "epoch 12"


def test_a_new_width_draws_anew(visit, replays):
    page = visit(replays["classes"][0])
    page.keyboard.press("End")
    before = page.locator(".network svg").get_attribute("width")
    page.set_viewport_size({"width": 390, "height": 800})
    playwright.expect(page.locator(".network svg")).not_to_have_attribute("width", before)
    assert fits(page) and page.locator("#epoch").inner_text() == "epoch 12"


def test_reduced_networks_say_so(visit, replays):
    page = visit(replays["classes"][0])
    assert page.locator(".network svg").text_content().count("+ 4 more") == 1
    assert "at most 16 units" in page.locator("#notes").inner_text()


# --------------------------------------------------------------- the explanation
def test_a_weight_shows_its_chain_rule(visit, explanations):
    path, net = explanations["2-3-1"]
    page = visit(path)
    page.locator("#row").select_option("1")
    point_at(page, "W7")
    values = [number(text) for text in page.locator("#detail .factor .value").all_inner_texts()]
    a1, a4 = net.forward(X[1]).a[0][0], net.forward(X[1]).output[0]
    assert values == pytest.approx([a4 - 1, a4 * (1 - a4), a1], rel=1e-5)
    result = page.locator("#detail .result").inner_text().removeprefix("= ")
    assert number(result) == pytest.approx(net.gradients(X[1], Y[1:2]).weights[1][0, 0], rel=1e-5)
    text = page.locator("#detail").inner_text()
    assert "they agree" in text and "weights[1][0, 0]" in text
    mean = net.gradients(X, Y).weights[1][0, 0]
    assert f"{net.weights[1][0, 0] - 0.5 * mean:.6g}" in text


def test_a_weight_lights_its_ways_to_the_error(visit, explanations):
    page = visit(explanations["2-3-1"][0])
    point_at(page, "W5")
    lit = page.locator(".network .lit").evaluate_all("all => all.map((each) => each.dataset.id)")
    assert set(lit) == {"W5", "x2", "a2", "W8", "a4", "to E", "E"}
    point_at(page, "b1")
    lit = page.locator(".network .lit").evaluate_all("all => all.map((each) => each.dataset.id)")
    assert set(lit) == {"b1", "bias0", "a1", "a2", "a3", "W7", "W8", "W9", "a4", "to E", "E"}


def test_the_keyboard_reaches_every_parameter(visit, explanations):
    page = visit(explanations["2-3-1"][0])
    title = page.locator("#detail-title")
    page.locator("#row").focus()
    page.keyboard.press("Tab")
    assert focus_name(page) == "weight W7 from a1 to z4"
    page.keyboard.press("Home")
    found = []
    for _ in range(11):
        found.append(title.inner_text().split()[1])
        page.keyboard.press("ArrowDown")
    assert found == [*(f"W{i}" for i in range(1, 10)), "b1", "b2"]
    page.locator("#list button").first.focus()
    for name in ("W1", "W2", "W3"):
        assert title.inner_text().split()[1] == name
        assert page.locator(f'#list [aria-pressed="true"][data-id="{name}"]').count() == 1
        page.keyboard.press("ArrowDown")


def test_a_unit_shows_its_forward_pass(visit, explanations):
    path, net = explanations["2-3-1"]
    page = visit(path)
    page.locator("#row").select_option("3")
    page.locator('.network [data-id="a2"] rect').click()
    text = page.locator("#detail").inner_text().replace("\u2212", "-")
    forward = net.forward(X[3])
    assert f"{forward.z[0][1]:.6g}" in text and f"{forward.a[0][1]:.6g}" in text
    page.locator('.network [data-id="x1"] rect').click()
    assert f"{net.gradients(X[3], Y[3:]).inputs[0]:.6g}" in page.locator("#detail").inner_text().replace("\u2212", "-")


def test_the_detail_stays_beside_the_network(visit, explanations):
    page = visit(explanations["large"][0])
    page.locator("#list button").nth(200).click()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    detail, listed = (page.locator(name).bounding_box() for name in ("#detail-panel", "#list-panel"))
    assert detail["y"] + detail["height"] <= listed["y"]


def test_large_explanations_say_what_is_left_out(visit, explanations):
    page = visit(explanations["large"][0])
    assert page.locator("#list button").count() == 256
    assert "are not" in page.locator("#notes").inner_text()
    page.locator("#list button").last.click()
    assert page.locator("#detail .result").count() >= 1
