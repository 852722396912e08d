"""Look down, never up: every import, cimport and include leads to a lower floor, or to its own without a cycle."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "bp_core"

pytestmark = pytest.mark.skipif(not (ROOT / "src").is_dir(), reason="the sources are not beside the tests")

# The first pattern that matches a path (relative to the root) gives its floor.
FLOORS = (
    (r"src/\w+\.[ch]", 0),
    (r"bp_core/_kernel_table\.pxd", 1),
    (r"bp_core/_kernels?_\w+\.(pyx|pxi|pxd|pyi)", 1),
    (r"bp_core/_dispatch\w*\.(pyx|pxi|pxd|pyi)", 2),
    (r"bp_core/_engine\w*\.(pyx|pxi|pxd|pyi)", 3),
    (r"bp_core/_\w+\.(pyx|pxi|pxd)", 1),
    (r"bp_core/__init__\.pyi?", 4),  # the face of floor 4; floor 5 only through its __getattr__
    (r"bp_core/__main__\.py", 5),
    (r"bp_core/replay\.pyi?", 5),
    (r"bp_core/(explain|learning_rates|model|pages|plot|sensitivity|sklearn|interop|cli|data)(/[\w/]+)?\.pyi?", 5),
    (r"bp_core/schedules/\w+\.pyi?", 4),
    (r"bp_core/\w+\.pyi?", 4),
)
DOORS = {("network.py", "Network", "explain"), ("network.py", "Network", "draw"), ("history.py", "History", "plot")}
FACES = {"__init__.py", *(name for name, _, _ in DOORS)}
"""Files that may name what a door returns, for those who check types."""

SUFFIXES = {".py", ".pyi", ".pyx", ".pxi", ".pxd", ".c", ".h"}
CYTHON_LINE = re.compile(
    r"""^\s*(?:
        from\s+(?P<source>[\w.]+)\s+c?import\s+(?P<names>\([^)]*\)|[^\n#]*)
      | c?import\s+(?P<module>[\w.]+)
      | include\s+["'](?P<include>[^"']+)["']
      | cdef\s+extern\s+from\s+["'<](?P<header>[^"'>]+)["'>]
    )""",
    re.VERBOSE | re.MULTILINE,
)


def source_files():
    found = [path for folder in ("src", PACKAGE) for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return sorted(path for path in found if not generated(path))


def generated(path):
    """C that Cython wrote from the .pyx beside it."""
    return path.suffix == ".c" and path.with_suffix(".pyx").exists()


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def floor_of(path):
    for pattern, floor in FLOORS:
        if re.fullmatch(pattern, name_of(path)):
            return floor
    raise AssertionError(f"{name_of(path)}: give it a floor in {Path(__file__).name}")


def files_of_module(parts):
    """The sources of bp_core.a.b, most of them one file; () is the package itself."""
    stem = ROOT.joinpath(PACKAGE, *parts)
    here = [stem.with_suffix(suffix) for suffix in (".py", ".pyx", ".pxd")] if parts else []
    return [path for path in (*here, stem / "__init__.py") if path.is_file()]


def resolve(source, names, importer):
    """The files an import statement reaches inside the package. `from . import x` reaches x where x is a module."""
    dots = len(source) - len(source.lstrip("."))
    if dots:
        package = importer.relative_to(ROOT / PACKAGE).parts[:-1]
        parts = [*package[: len(package) - (dots - 1)], *filter(None, source[dots:].split("."))]
    elif source.split(".")[0] == PACKAGE:
        parts = source.split(".")[1:]
    else:
        return []
    files = []
    for name in names or [""]:
        submodule = files_of_module([*parts, name]) if name else []
        files += submodule or files_of_module(parts)
    return files


def imports_of_python(path):
    """(files reached, where from) for every import; where from is (class, function), both None at module level.

    An import under `if TYPE_CHECKING:` is never run: its function is "TYPE_CHECKING".
    """
    tree = ast.parse(path.read_text())

    def visit(node, cls, function):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ImportFrom):
                source = "." * child.level + (child.module or "")
                yield resolve(source, [alias.name for alias in child.names], path), (cls, function)
            elif isinstance(child, ast.Import):
                for alias in child.names:
                    yield resolve(alias.name, [], path), (cls, function)
            elif isinstance(child, ast.ClassDef):
                yield from visit(child, child.name, function)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from visit(child, cls, child.name)
            elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                yield from visit(child, cls, "TYPE_CHECKING")
            else:
                yield from visit(child, cls, function)

    return list(visit(tree, None, None))


def imports_of_cython(path):
    reached = []
    for match in CYTHON_LINE.finditer(path.read_text()):
        if match["include"]:
            reached.append(path.parent / match["include"])
        elif match["header"]:
            reached += named_header(match["header"])
        elif match["module"]:
            reached += resolve(match["module"], [], path)
        else:
            names = [name.split(" as ")[0].strip(" ()\n") for name in match["names"].split(",")]
            reached += resolve(match["source"], names, path)
    return reached


def named_header(name):
    path = ROOT / "src" / Path(name).name
    return [path] if path.is_file() else []


def includes_of_c(path):
    names = re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.MULTILINE)
    return [header for name in names for header in named_header(name)]


def reached_from(path, types=True):
    """Every file this one reads or imports, the exempt doors and the lazy names of __init__ left out."""
    if path.suffix in (".c", ".h"):
        return includes_of_c(path)
    if path.suffix not in (".py", ".pyi"):
        return imports_of_cython(path)
    reached = []
    for files, (cls, function) in imports_of_python(path):
        exempt = (path.name, cls, function) in DOORS or (path.name == "__init__.py" and function == "__getattr__")
        exempt = exempt or (function == "TYPE_CHECKING" and (not types or path.name in FACES))
        reached += [] if exempt else files
    return reached


def test_there_is_a_house():
    names = {name_of(path) for path in source_files()}
    for name in (
        "src/simd.h",
        "src/real.h",
        "bp_core/_kernel_table.pxd",
        "bp_core/_dispatch.pyx",
        "bp_core/network.py",
    ):
        assert name in names


def test_every_file_has_a_floor():
    for path in source_files():
        floor_of(path)


def test_no_import_from_a_higher_floor():
    wrong = []
    for path in source_files():
        higher = [other for other in reached_from(path) if floor_of(other) > floor_of(path)]
        wrong += [f"{name_of(path)} -> {name_of(other)}" for other in higher]
    assert wrong == []


def test_the_first_import_of_the_package_leaves_floor_five_alone():
    eager = [name_of(other) for other in reached_from(ROOT / PACKAGE / "__init__.py") if floor_of(other) == 5]
    assert eager == []


def test_no_cycle():
    """Names that only annotations use may go round."""
    graph = {}
    for path in source_files():
        graph[name_of(path)] = {name_of(other) for other in reached_from(path, types=False) if other != path}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def test_doors_are_one_line():
    for name, cls, function in DOORS:
        path = ROOT / PACKAGE / name
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name == cls:
                bodies = [
                    item.body for item in node.body if isinstance(item, ast.FunctionDef) and item.name == function
                ]
                for body in bodies:
                    statements = [item for item in body if not isinstance(getattr(item, "value", None), ast.Constant)]
                    assert len(statements) <= 2, f"{cls}.{function}: one import, one return"


def test_the_lowest_floor_knows_no_python():
    for path in source_files():
        if floor_of(path) == 0:
            assert not re.search(r'^\s*#\s*include\s*[<"]Python\.h', path.read_text(), re.MULTILINE), name_of(path)


def test_the_engine_knows_no_vector_words():
    for path in source_files():
        if floor_of(path) in (2, 3):
            assert ROOT / "src" / "simd.h" not in reached_from(path), name_of(path)


def test_the_reader_sees_what_it_should():
    """The reading itself: an upward import, a relative one, a cimport, an include, a header."""
    importer = ROOT / PACKAGE / "network.py"
    assert resolve("._dispatch", ["isa"], importer) == files_of_module(["_dispatch"]) != []
    assert resolve(".", ["network"], importer) == resolve("bp_core.network", ["Network"], importer) == [importer]
    assert resolve("numpy", ["network"], importer) == []
    lines = (
        "from bp_core._kernel_table cimport Kernels",
        '    include "_tile.pyx"',
        'cdef extern from "real.h" nogil:',
        "cimport cython",
    )
    text = "\n".join(lines)
    kinds = [match.lastgroup for match in CYTHON_LINE.finditer(text)]
    assert kinds == ["names", "include", "header", "module"]
