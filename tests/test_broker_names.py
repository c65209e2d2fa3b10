"""Registering a broker changes no core file: outside its own folder, the sandbox and the configuration no code names one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import PROJECT, load_settings

INCLUDE = PROJECT / "include"
# Execution mode and environment are called paper as well: that broker's name proves nothing.
NAMES = sorted((set(load_settings().brokers) | {path.parent.name for path in INCLUDE.glob("brokers/*/adapter.py")}) - {"paper"})
NAMED = re.compile(rf"(?<![a-z])(?:{'|'.join(NAMES)})(?![a-z])", re.IGNORECASE)
ALLOWED = {
    "domain/notation/symbols.py": "notations have the names of who writes them",
    "domain/notation/venues.py": "the same",
    "mapping/symbols.py": "the same",
    "cli/lists.py": "an example in --help",
    "cli/mapping.py": "an example in --help",
    "mapping/legacy.py": "the old system's file knew one broker",
    "storage/run_folder.py": "the name of that file",
    "steps/merge_mappings.py": "the name of that file",
    "steps/fund_sandbox.py": "money for the two venues of the sandbox",
}


def words(code: str) -> Iterator[str]:
    """Names and texts of a module; what only people read (comments, docstrings) is left out."""
    tree = ast.parse(code)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value
        for attribute in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(word := getattr(node, attribute, None), str):
                yield word


def naming(folder: Path) -> set[str]:
    """Core files that name a broker."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    own = re.compile(r"brokers/[^/]+/|sandbox/|config/")
    return {
        name
        for name, path in files.items()
        if not own.match(name) and any(NAMED.search(word) for word in words(path.read_text(encoding="utf-8")))
    }


def test_no_core_file_names_a_broker() -> None:
    assert naming(INCLUDE) == set(ALLOWED)


@pytest.mark.parametrize(
    "code",
    ["if broker == 'alpaca': pass", "IBKR = 1", "import include.brokers.ibkr.adapter", "ibkr_ids = 1", "def f(alpaca): ..."],
)
def test_a_name_is_noticed(tmp_path: Path, code: str) -> None:
    (tmp_path / "core.py").write_text(code)
    (tmp_path / "prose.py").write_text('"""As IBKR does."""  # alpaca\n')
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "venue.py").write_text(code)
    assert naming(tmp_path) == {"core.py"}
