"""Every example in the docstrings of the package, in README.md and in docs/ runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import bp_core as bp
from article import ROWS, worked_by_hand

ROOT = Path(__file__).resolve().parents[1]
INDEX = ROOT / "docs" / "index.md"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.is_file()]
# The kernels of a higher instruction set than this CPU's must not even be imported; they have no examples.
FOUND = (module.name for module in pkgutil.walk_packages(bp.__path__, "bp_core."))
MODULES = ["bp_core", *(name for name in FOUND if "._kernels_" not in name and not name.endswith("__main__"))]


def run_doctests(text, name, namespace):
    examples = doctest.DocTestParser().get_doctest(text, namespace, name, name, 0)
    results = doctest.DocTestRunner(optionflags=OPTIONS).run(examples, clear_globs=False)
    namespace.update(examples.globs)  # of which the examples had a copy
    return results


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, tmp_path, monkeypatch):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if error.name is None or error.name.startswith("bp_core"):
            raise
        pytest.skip(f"{name} needs {error.name}")
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(module, optionflags=OPTIONS, extraglobs={"bp": bp}).failed == 0


@pytest.mark.parametrize("owner", [bp.Network, bp.Trainer])
def test_the_methods_people_call_have_examples(owner):
    """So that the test above has something to run."""
    found = doctest.DocTestFinder().find(owner, owner.__name__)
    assert sum(len(test.examples) for test in found) > 0


@pytest.mark.skipif(not PAGES, reason="README.md and docs/ are not beside the tests")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_formulas_are_written_as_the_site_reads_them(path):
    r"""docutils takes \frac12 r for 12 / r, and shows the backslash of \text{a\_b}."""
    text = re.sub(r"^[ ]*```.*?^[ ]*```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    formulas = re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", text, re.DOTALL)
    for formula in map("".join, formulas):
        assert not re.search(r"frac\s*[^{\s]|\\_", formula), formula


def blocks(path):
    """The python blocks of a page, indentation of lists removed."""
    found = re.findall(r"^([ ]*)```python[ ]*\n(.*?)^\1```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


@pytest.mark.skipif(not PAGES, reason="README.md and docs/ are not beside the tests")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages(path, tmp_path, monkeypatch):
    """The blocks of a page run one after the other, later ones with the names of earlier ones."""
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for number, code in enumerate(blocks(path), start=1):
        name = f"{path.name}, block {number}"
        if code.lstrip().startswith(">>>"):
            assert run_doctests(code, name, namespace).failed == 0
        else:
            exec(compile(code, name, "exec"), namespace)


def linked(page):
    """The pages that a page of docs/ leads to: by its links, and by its tables of contents."""
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", text)
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = (line for line in block.splitlines() if line and not line.startswith(":"))
        names += [re.sub(r".*<(.*)>", r"\1", line) + ".md" for line in lines]
    return {(page.parent / name).resolve() for name in names}


@pytest.mark.skipif(not INDEX.is_file(), reason="docs/ is not beside the tests")
def test_every_page_is_reached_from_the_index():
    reached, ahead = set(), {INDEX}
    while ahead:
        reached |= ahead
        ahead = {page for known in ahead if known.is_file() for page in linked(known)} - reached
    assert [path for path in reached if not path.is_file()] == []
    assert sorted(set((ROOT / "docs").rglob("*.md")) - reached) == []


@pytest.mark.skipif(not INDEX.is_file(), reason="docs/ is not beside the tests")
def test_the_pictures_of_the_pages_are_there():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img src=\"([^\"]+)\"", text):
            assert (page.parent / "".join(name)).is_file(), f"{page.name} shows {''.join(name)}"


@pytest.mark.skipif(not INDEX.is_file(), reason="docs/ is not beside the tests")
def test_the_derivation_shows_the_numbers_worked_by_hand():
    text = (ROOT / "docs/derivation.md").read_text(encoding="utf-8")
    formulas = "".join(re.findall(r"^\$\$\n(.*?)^\$\$", text, re.MULTILINE | re.DOTALL))
    shown = {float(number) for number in re.findall(r"= (-?[0-9.]+)", formulas)}
    by_hand = {name: float(f"{float(value):.6g}") for name, value in worked_by_hand(ROWS[0]).items()}
    assert len(by_hand) == 24
    assert {name: value for name, value in by_hand.items() if value not in shown} == {}


def test_the_readme_has_an_example():
    if not (ROOT / "README.md").is_file():
        pytest.skip("README.md is not beside the tests")
    assert blocks(ROOT / "README.md")


def test_blocks_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n```python\na = 1\n```\n```c\nint a;\n```\n  ```python\n  b = a\n  ```\n")
    assert blocks(page) == ["a = 1\n", "b = a\n"]
