"""Take the screenshots of the pages in docs/guide: `python docs/pictures/pages.py`. Needs playwright and chromium."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import bp_core as bp

IMAGES = Path(__file__).resolve().parents[1] / "images"
DESKTOP, PHONE = (1280, 800), (390, 800)
COLOURS = 128
LARGEST = 200_000
"""Bytes that a picture may take."""


def moons(n=240):
    """Two interleaved half circles, and which of them each point belongs to."""
    rng = np.random.default_rng(0)
    angle, y = np.pi * rng.random(n), np.arange(n) % 2
    circle = np.c_[np.cos(angle), np.sin(angle)]
    return np.where(y[:, None] == 0, circle, [1, 0.5] - circle) + rng.normal(0, 0.12, (n, 2)), y


def write_replay(path):
    X, y = moons()
    net = bp.Network((2, 8, 4, 1), hidden="tanh", output="sigmoid", seed=0)
    replay = bp.Replay(net, X, y, input_names=("across", "up"), class_names=("upper", "lower"))
    trainer = bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.01), loss="binary_cross_entropy", seed=0)
    trainer.fit(X, y, epochs=100, validation_data=moons(80), callbacks=[replay])
    replay.save_html(path)


def write_explanation(path):
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", dtype="float64", seed=0)
    net.weights[0][...] = [[0.15, 0.4, -0.3], [0.25, 0.7, 0.55]]
    net.weights[1][...] = [[0.45], [0.6], [0.35]]
    net.biases[0][...], net.biases[1][...] = 0.2, -0.1
    net.explain([0.05, 0.9], [0.2], learning_rate=0.1).save_html(path)


def shoot(browser, page, name, size, scheme, prepare):
    """A picture of the whole page, in few colours."""
    tab = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=scheme)
    tab.goto(page.as_uri())
    prepare(tab)
    tab.evaluate("window.scrollTo(0, 0)")
    picture = IMAGES / f"{name}.png"
    tab.screenshot(path=picture, full_page=True)
    tab.close()
    Image.open(picture).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(f"{picture.name}: {picture.stat().st_size:,} bytes")
    assert picture.stat().st_size < LARGEST


def late(tab):
    """To a late snapshot, with the keyboard as a reader would."""
    tab.keyboard.press("End")
    for _ in range(60):
        tab.keyboard.press("ArrowLeft")


def hidden_weight(tab):
    """Choose a weight whose chain rule is long."""
    tab.get_by_role("button", name="weight W5 from x2 to z2").last.click()
    tab.mouse.move(0, 0)


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        replay, explanation = Path(folder) / "replay.html", Path(folder) / "explanation.html"
        write_replay(replay)
        write_explanation(explanation)
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shoot(browser, replay, "replay", DESKTOP, "light", late)
        shoot(browser, replay, "replay-phone", PHONE, "dark", late)
        shoot(browser, explanation, "explanation", DESKTOP, "light", hidden_weight)
        shoot(browser, explanation, "explanation-phone", PHONE, "dark", hidden_weight)


if __name__ == "__main__":
    main()
