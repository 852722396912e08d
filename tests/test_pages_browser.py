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
CLASSES = {"classes": ("low", NASTY, "a class with a long name"), "xor": ("same", "different")}
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
            net,
            inputs,
            y,
            12,
            input_names=[f"{k} {NASTY}" + "long name of an input " * 5 for k in range(layers[0])],
            class_names=CLASSES.get(name),
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
    net = bp.Network((6, 12, 8, 4), hidden="tanh", seed=0)
    net.explain(-3 * uniform(0, (3, 6)), -uniform(1, (3, 4))).save_html(folder / "medium.html")
    found["medium"] = (folder / "medium.html", net)
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
@pytest.mark.parametrize("name", ["2-3-1", "medium", "large"])
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
    unit = page.locator('.network [data-id="a4"] text').last
    line = page.locator('.network [data-id="W7"] .line')
    look = (lambda: unit.text_content(), lambda: line.get_attribute("style"), lambda: picture(page))
    marker = lambda: page.locator("#loss-chart .marker").get_attribute("x1")  # noqa: E731
    assert page.locator("#epoch").inner_text() == "before training" and page.locator("#loss").inner_text() == ""
    page.keyboard.press("ArrowRight")
    before = [each() for each in look], marker()
    page.locator("#slider").focus()
    page.keyboard.press("End")
    assert page.locator("#epoch").inner_text() == "after 12 epochs"
    assert number(page.locator("#loss").inner_text().removeprefix("loss ")) == pytest.approx(replay.loss[-1], rel=1e-3)
    after = [each() for each in look], marker()
    assert all(a != b for a, b in zip(before[0], after[0], strict=True)) and before[1] != after[1]
    assert number(unit.text_content().split()[1]) == pytest.approx(net.predict(X[0])[0], abs=5e-4)


def test_keys_move_and_play(visit, replays):
    page = visit(replays["xor"][0])
    epoch = page.locator("#epoch")
    one, two, all_done, start = "after 1 epoch", "after 2 epochs", "after 12 epochs", "before training"
    for key, expected in zip(("Right", "Right", "Left"), (one, two, one), strict=True):
        page.keyboard.press(f"Arrow{key}")
        assert epoch.inner_text() == expected
    for key, expected in (("End", all_done), ("Home", start)):
        page.keyboard.press(key)
        assert epoch.inner_text() == expected
    page.locator("#slider").fill("5")
    assert epoch.inner_text() == "after 5 epochs"
    page.locator("#back").click()
    assert epoch.inner_text() == "after 4 epochs"
    page.locator("#slider").fill("0")
    assert page.locator("#slider").get_attribute("aria-valuetext") == start
    page.locator("#slider").focus()
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    playwright.expect(epoch).to_have_text(all_done)
    playwright.expect(page.locator("#play")).to_have_attribute("aria-label", "Play")


def test_tab_reaches_the_network_and_focus_shows_a_weight(visit, replays):
    path, net, _ = replays["xor"]
    page = visit(path)
    page.keyboard.press("End")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(focus_name(page))
    assert seen[:6] == ["One snapshot back", "Play", "One snapshot forward", "Epochs done", "speed", "example"]
    assert sum(name.startswith(("weight", "unit", "input")) for name in seen if name) == 1
    page.locator("#example").focus()
    page.keyboard.press("Tab")
    assert focus_name(page) == "weight W7 from a1 to a4"
    page.keyboard.press("ArrowRight")
    assert focus_name(page) == "weight W8 from a2 to a4"
    assert page.locator("#detail-title").inner_text() == "Weight W8 from a2 to a4"
    value = page.locator("#detail-note").inner_text().split()[1].rstrip(".")
    assert number(value) == pytest.approx(net.weights[1][1, 0], rel=1e-5)
    assert page.locator("#epoch").inner_text() == "after 12 epochs"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#epoch").inner_text() == "after 12 epochs", "arrows in the network leave the time alone"


def test_hovering_shows_and_leaving_returns(visit, replays):
    path, net, _ = replays["xor"]
    page = visit(path)
    title = page.locator("#detail-title")
    point_at(page, "W2")
    assert title.inner_text() == f"Weight W2 from {f'0 {NASTY}'[:27]}\u2026 (x1) to a2"
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


def test_the_loss_is_that_of_the_last_epoch_done(visit, replays):
    """After k + 1 epochs the marker is at k, and its height is History.loss[k]: read off the axes of the chart."""
    path, _, replay = replays["xor"]
    page = visit(path)
    place = lambda name: page.locator("#loss-chart .dot").first.evaluate("(dot, name) => dot.getAttribute(name)", name)  # noqa: E731
    ticks = page.locator("#loss-chart text.x").evaluate_all(
        "all => all.map((tick) => [Number(tick.textContent), Number(tick.getAttribute('x'))])"
    )[:-1]
    heights = page.locator("#loss-chart text.y").evaluate_all(
        "all => all.map((tick) => [Number(tick.textContent), Number(tick.getAttribute('y')) - 4])"
    )
    assert not page.locator("#loss-chart .marker").is_visible() and not page.locator("#loss-chart .dot").is_visible()
    (x0, at0), (x1, at1) = ticks[0], ticks[-1]
    (y0, up0), (y1, up1) = heights[0], heights[-1]
    for k in (0, 4, 11):
        page.locator("#slider").fill(str(k + 1))
        epoch = x0 + (float(place("cx")) - at0) / (at1 - at0) * (x1 - x0)
        loss = y0 + (float(place("cy")) - up0) / (up1 - up0) * (y1 - y0)
        assert (epoch, loss) == (pytest.approx(k, abs=1e-6), pytest.approx(replay.loss[k], rel=1e-4))
        assert page.locator("#loss-note").inner_text() == f"Epoch {k}: training loss {replay.loss[k]:.4g}."


def test_pointing_at_the_loss_moves_in_time(visit, replays):
    page = visit(replays["xor"][0])
    box = page.locator("#loss-chart svg").bounding_box()
    page.mouse.click(box["x"] + 59, box["y"] + 50)
    assert page.locator("#epoch").inner_text() == "after 1 epoch"
    page.mouse.click(box["x"] + box["width"] - 15, box["y"] + 50)
    assert page.locator("#epoch").inner_text() == "after 12 epochs"


def test_the_line_is_drawn_where_the_output_is_in_the_middle(visit, tmp_path):
    """Even where the output is 0.5 to five digits everywhere: dark pixels along a slanted line, and nowhere else."""
    net = bp.Network((2, 1), output="sigmoid", seed=0)
    net.weights[0][...], net.biases[0][...] = [[3e-5], [1e-5]], -1.7e-5
    bp.Replay(net, X, Y).save_html(tmp_path / "flat.html")
    page = visit(tmp_path / "flat.html")
    found = page.evaluate("""() => {
        const { context, area, x, y } = surface;
        const { data, width } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
        const dark = [];
        for (let row = Math.ceil(area.top) + 3; row < area.top + area.height - 3; row += 1) {
            for (let column = Math.ceil(area.left) + 3; column < area.left + area.width - 3; column += 1) {
                if (data[4 * (row * width + column) + 2] < 90) dark.push([x.invert(column + 0.5), y.invert(row + 0.5)]);
            }
        }
        return dark;
    }""")
    away = np.min([np.hypot(*(np.array(found) - point).T) for point in X], axis=0) > 0.08
    line = np.array(found)[away]
    assert len(line) > 200 and np.abs(line @ [3, 1] - 1.7).max() < 3 * 1.5 / 300 * 1.16
    assert np.ptp(line[:, 1]) > 0.9


def test_given_names_are_shown(visit, replays):
    page = visit(replays["classes"][0])
    texts = page.locator('.network [data-id="x1"] text').all_text_contents()
    assert texts[0].startswith("0 </script>") and texts[0].endswith("\u2026") and texts[1].startswith("x1 ")
    outputs = [page.locator(f'.network [data-id="a{j}"] text').first.text_content() for j in (21, 22, 23)]
    assert [text[:3] for text in outputs] == ["low", "</s", "a c"] and outputs[2].endswith("\u2026")
    wide = page.locator(".network .unit").evaluate_all("""all => all.map((unit) => {
        const text = unit.querySelector("text").getBoundingClientRect();
        const room = unit.ownerSVGElement.getBoundingClientRect();
        return text.left < room.left || text.right > room.right;
    })""")
    assert not any(wide), "no name is cut off by the panel"
    option = page.locator("#example option").first.inner_text()
    assert option.startswith("row 0, target low: 0 </script>") and "1 </script>" in option
    page.locator('.network [data-id="a21"] rect').click()
    assert page.locator("#detail-title").inner_text() == "Unit low (a21), example row 0"
    page = visit(replays["xor"][0])
    assert page.locator('.network [data-id="a4"] text').first.text_content() == "1 is different"


def test_a_new_width_draws_anew(visit, replays):
    page = visit(replays["classes"][0])
    page.keyboard.press("End")
    before = page.locator(".network svg").get_attribute("width")
    page.set_viewport_size({"width": 390, "height": 800})
    playwright.expect(page.locator(".network svg")).not_to_have_attribute("width", before)
    assert fits(page) and page.locator("#epoch").inner_text() == "after 12 epochs"


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
    """And beside the list: what is chosen there is seen at once."""
    page = visit(explanations["large"][0])
    page.locator("#list button").nth(200).click()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    detail, listed = (page.locator(name).bounding_box() for name in ("#detail-panel", "#list-panel"))
    assert detail["x"] >= listed["x"] + listed["width"]
    assert 0 <= page.locator("#detail-title").bounding_box()["y"] < 200


def test_on_a_phone_the_list_leads_to_the_detail(visit, explanations):
    page = visit(explanations["medium"][0], "phone")
    page.locator("#list button").nth(20).click()
    assert page.locator("#detail-title").inner_text() == "Weight W21 from x2 to z9"
    assert 0 <= page.locator("#detail-title").bounding_box()["y"] < 200


def test_finding_in_the_list(visit, explanations):
    page = visit(explanations["medium"][0])
    shown = lambda: page.locator("#list tr:visible button").all_inner_texts()  # noqa: E731
    find = page.locator("#find")
    for sought, n in (("W1", 1), (" w12 ", 1), ("x2", 12), ("z21", 9), ("a13", 4), ("bias", 24), ("b", 24), ("", 224)):
        find.fill(sought)
        assert len(shown()) == n, sought
    find.fill("z21")
    page.locator("#list button:visible").first.focus()
    page.keyboard.press("End")
    assert focus_name(page) == "bias b21 of z21"
    assert page.locator("#detail-title").inner_text() == "Bias b21 of z21"
    find.fill("W999")
    assert shown() == [] and "No parameter" in page.locator("#none-found").inner_text()


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("name", ["2-3-1", "medium", "large"])
def test_texts_stay_in_their_boxes_and_off_the_lines(visit, explanations, name, size):
    page = visit(explanations[name][0], size)
    for row in range(page.locator("#row option").count()):
        page.locator("#row").select_option(str(row))
        over = page.locator(".network .unit").evaluate_all("""all => all.flatMap((unit) => {
            const box = unit.querySelector("rect").getBBox();
            return [...unit.querySelectorAll("text")].filter((text) => text.textContent).filter((text) => {
                const { x, width, y, height } = text.getBBox();
                const room = y + height < box.y + box.height + 3 ? 1 : -8;
                return x < box.x + room || x + width > box.x + box.width - room;
            }).map((text) => text.textContent);
        })""")
        assert over == []
    boxes = page.locator(".network .unit").evaluate_all("all => all.map((unit) => unit.getBBox())")
    assert len(boxes) > 5
    groups = page.locator(".network .unit").evaluate_all("""all => all.map((unit) => {
        const { left, right, top, bottom } = unit.getBoundingClientRect();
        return [left, right, top, bottom];
    })""")
    for i, (left, right, top, bottom) in enumerate(groups):
        for other in groups[i + 1 :]:
            assert right <= other[1] - 20 or left >= other[0] + 20 or bottom <= other[2] or top >= other[3]


def test_derivatives_have_round_ds(visit, explanations):
    for name in ("2-3-1", "large"):
        page = visit(explanations[name][0])
        for choose in ("#list button >> nth=0", '.network [data-id="x1"] rect', '.network [data-id="a2"] rect'):
            page.locator(choose).click()
            text = page.locator("#detail").evaluate("detail => detail.textContent")
            assert "\u2202E/\u2202" in text and "dE" not in text and "/d" not in text


def test_names_are_shown_where_there_are_some(visit, tmp_path):
    net = bp.Network((2, 3, 2), hidden="tanh", output="softmax", seed=0)
    names = {"input_names": ["left", f"right {NASTY}"], "output_names": ["same", "a name that is far too long"]}
    net.explain(X, Y.astype(int), **names).save_html(tmp_path / "named.html")
    page = visit(tmp_path / "named.html")
    under = lambda unit: page.locator(f'.network [data-id="{unit}"] text').last.text_content()  # noqa: E731
    assert under("x1") == "left" and under("x2").startswith("right </scr") and under("a4") == "same"
    assert under("a5").endswith("\u2026")
    assert page.locator("#row option").nth(2).inner_text().startswith("2: (left 1, right </scr")
    page.locator("#find").fill("left")
    assert page.locator("#list tr:visible").count() == 3
    page.locator("#list button:visible").first.click()
    assert page.locator("#detail-title").inner_text() == "Weight W1 from left (x1) to z1"
    page.locator("#find").fill("")
    assert page.locator("#list tr:visible").count() == net.n_parameters


def test_large_explanations_say_what_is_left_out(visit, explanations):
    page = visit(explanations["large"][0])
    assert page.locator("#list button").count() == 256
    assert "are not" in page.locator("#notes").inner_text()
    page.locator("#list button").last.click()
    assert page.locator("#detail .result").count() >= 1
