"""The documentation site: it builds without a warning and without a network, and every link, picture and page works."""

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import bp_core as bp
import bp_core.explain
import bp_core.learning_rates
import bp_core.model

for needed in ("sphinx", "furo", "myst_parser", "numpydoc", "sphinx_copybutton", "sklearn"):
    pytest.importorskip(needed)
import bp_core.sklearn  # noqa: E402

DOCS = Path(__file__).resolve().parents[1] / "docs"
pytestmark = pytest.mark.skipif(not (DOCS / "conf.py").is_file(), reason="docs/ is not beside the tests")

BUILD = """
import socket, sys
from sphinx.cmd.build import main

def refuse(*_):
    raise OSError("the site asks the network while it is built")

socket.socket.connect = socket.getaddrinfo = refuse
sys.exit(main(sys.argv[1:]))
"""
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-P",
        "-c",
        BUILD,
        "-W",
        "--keep-going",
        "-q",
        "-d",
        folder / "trees",
        DOCS,
        folder / "html",
    ]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder / "html"


class Page(HTMLParser):
    """What a page offers to be linked to, what it links to, and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon"):
            self.loads.add(found["href"])
        if tag in ("img", "script", "source", "iframe") and "src" in found:
            self.loads.add(found["src"])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_no_link_is_broken(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            whole = target in pages and (not parts.fragment or unquote(parts.fragment) in pages[target].ids)
            if not (whole or (target.is_file() and not parts.fragment)):
                broken.append((path.name, link))
    assert broken == []


def test_all_that_is_loaded_lies_in_the_site(pages):
    missing = [
        (path.name, load)
        for path, page in pages.items()
        for load in page.loads
        if urlsplit(load).scheme or not (path.parent / unquote(urlsplit(load).path)).is_file()
    ]
    assert missing == []


@pytest.mark.parametrize(
    "module",
    [bp, bp.data, bp.explain, bp.learning_rates, bp.model, bp.plot, bp.schedules, bp_core.sklearn],
)
def test_every_public_name_is_in_the_api(pages, module):
    ids = set().union(*(page.ids for path, page in pages.items() if path.parent.name == "api"))
    missing = [name for name in module.__all__ if not {f"{module.__name__}.{name}", f"module-bp_core.{name}"} & ids]
    # What bp_core shows of a module may stand there under either name.
    assert [name for name in missing if f"bp_core.{name}" not in ids] == []


def test_formulas_are_drawn_by_the_browser(pages, site):
    text = (site / "derivation.html").read_text(encoding="utf-8")
    assert text.count("<math ") > 30
    assert "\\frac" not in text


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
@pytest.mark.parametrize("size", sorted(SIZES))
def test_every_page_in_a_browser(pages, size):
    """Nothing in the console, nothing asked of the network, no picture missing, nothing wider than the window."""
    playwright = pytest.importorskip("playwright.sync_api")
    width, height = SIZES[size]
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": width, "height": height})
        wrong = []
        view.on("console", lambda message: wrong.append(message.text))
        view.on("pageerror", lambda error: wrong.append(str(error)))
        view.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
        for path in pages:
            view.goto(path.as_uri())
            if not view.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)"):
                wrong.append("a picture is missing")
            if view.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wrong.append("wider than the window")
            assert wrong == [], path.name


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
def test_the_search_finds(site):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page()
        view.goto((site / "search.html").as_uri() + "?q=jacobian")
        playwright.expect(view.locator("#search-results li a").first).to_be_visible()
        found = view.locator("#search-results li a").evaluate_all("all => all.map((each) => each.href)")
        assert any("api/networks.html" in href for href in found)
