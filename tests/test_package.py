"""The package as a whole: what is installed, what prints, who imports whom."""

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"sta": "sta", "analysis": "sta.analysis", "cli": "sta.cli", "data": "sta.data"}
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def dotted(path: Path) -> str:
    """The name under which a folder or a module of the tree is imported."""
    first, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join((FOLDERS[first], *rest)).removesuffix(".__init__")


def test_the_folders_are_linked_into_the_package():
    for folder, name in FOLDERS.items():
        if folder != "sta":
            link = ROOT.joinpath(*name.split("."))
            assert link.is_symlink() and link.readlink() == Path("..", folder)


def test_it_imports_in_the_root_of_a_clone():
    """Where the folder `sta` stands before any installed package."""
    for module in ("sta.analysis.graph", "sta.cli", "sta.data"):
        code = f"import {module}; raise SystemExit(not {module}.__file__.startswith({str(ROOT)!r}))"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_module_imports():
    for path in SOURCES:
        importlib.import_module(dotted(path))


def test_doctests():
    """Every example in a docstring of the installed package."""
    results = [doctest.testmod(importlib.import_module(dotted(path))) for path in SOURCES]
    assert sum(r.failed for r in results) == 0
    assert sum(r.attempted for r in results) > 50


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    return found | {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}


def test_data_flow_one_way():
    for path in SOURCES:
        place, used = dotted(path.parent), imports(path)
        if not place.startswith(("sta.analysis", "sta.cli")):
            assert not any(name.startswith(("sta.analysis", "sta.cli")) for name in used), path
        if place.startswith("sta.analysis"):
            assert not any(name.startswith("sta.cli") for name in used), path
        if place.startswith(("sta.analysis.graph", "sta.analysis.statistics")):
            banned = ("torch", "sta.spectral", "sta.checkpoint", "sta.sweep")
            assert not any(name.startswith(banned) for name in used), path


def test_graph_and_statistics_do_not_even_load_torch():
    code = (
        "import sys, sta.analysis.graph, sta.analysis.statistics;"
        "sys.exit('torch' in sys.modules or 'sta.spectral' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_quiet_and_say_what_they_are_for(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not dotted(path.parent).startswith("sta.cli"):
        calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
        assert not any(isinstance(c, ast.Name) and c.id == "print" for c in calls)
    assert ast.get_docstring(tree)
