"""A fresh database per test: SQLite, and PostgreSQL too where POLYBROKER_TEST_POSTGRES names one that may be emptied."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from include.storage.database import Database, open_database, upgrade
from include.storage.journal import Journal


def empty_postgres() -> str:
    """URL of the PostgreSQL test database, with everything in its public schema dropped."""
    url = os.environ.get("POLYBROKER_TEST_POSTGRES")
    if not url:
        pytest.skip("POSTGRES NOT TESTED: set POLYBROKER_TEST_POSTGRES to the URL of a database that may be emptied")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


# One group: the PostgreSQL database is one, and each test empties it.
@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'polybroker.db'}" if request.param == "sqlite" else empty_postgres()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    upgrade(url)
    with open_database(url) as opened:
        yield opened


@pytest.fixture
def journal(database: Database) -> Journal:
    """A journal in it."""
    return Journal(database)
