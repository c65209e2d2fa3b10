"""Airflow's database once per process, and a small world to run the DAG in."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from tests.dags.world import World


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's schema in this process's own SQLite file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.utils.db import initdb

        initdb()


@pytest.fixture
def world(airflow_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Twenty stocks, two brokers that list all of them, one portfolio."""
    yield World(tmp_path, monkeypatch)
    World.forget()
