"""A database is made by commands that write; those that read say that there is none."""

from pathlib import Path

import pytest

from include.cli.wiring import kept_database, project_database
from include.errors import InputError
from include.settings import load_settings
from tests.cli.conftest import Polybroker

READING = [
    ("brokers", "health"),
    ("brokers", "status"),
    ("brokers", "status", "--history"),
    ("brokers", "changes"),
    ("mappings", "list"),
    ("mappings", "accept", "--all"),
    ("tokens", "list"),
    ("config", "history"),
    ("config", "diff", "now", "3f2a91"),
    ("cancel-all", "--account", "ibkr-main"),
]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> Path:
    """Where the variable says that the database is."""
    path = tmp_path / "folder" / "x.db"
    monkeypatch.setenv("POLYBROKER_DATABASE_URL", f"sqlite:///{path}")
    return path


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_makes_no_database_and_says_where_it_looked(
    polybroker: Polybroker, nowhere: Path, words: tuple[str, ...]
) -> None:
    found = polybroker(*words)
    assert isinstance(found.error, InputError)
    assert str(found.error).startswith(
        f"sqlite:///{nowhere}: expected a database: nothing was run with this one yet, or POLYBROKER_"
    )
    assert not nowhere.parent.exists()


def test_a_command_that_writes_makes_it(polybroker: Polybroker, nowhere: Path) -> None:
    assert polybroker("brokers", "matrix").code == 0
    assert nowhere.is_file()
    assert polybroker("brokers", "health").text == "no broker was called in the last 24 hours\n"


def test_what_was_made_is_opened_by_both(nowhere: Path) -> None:
    with project_database(load_settings()) as made:
        name = made.name
    with kept_database(load_settings()) as kept:
        assert kept.name == name
