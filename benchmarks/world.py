"""A project in a temporary folder with its venues running, for the length of a benchmark."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from include.sandbox import control
from include.screening.session import closed_sessions
from include.settings import Settings, load_settings
from include.steps.prepare_sandbox import prepare_sandbox
from include.storage.artifacts import root_uri
from include.storage.database import Database, open_database, upgrade


@dataclass(frozen=True)
class World:
    """Where a benchmark runs: settings, database, and the session it is for."""

    settings: Settings
    database: Database
    as_of: date
    folder: Path


@contextmanager
def world(screens: str, catalogs: Path | None) -> Iterator[World]:
    """Venues that list `catalogs` (or what the screens name), priced from the screens; everything is removed afterwards."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(
            {
                "POLYBROKER_PROFILE": "sandbox",
                "POLYBROKER_SCREENS": screens,
                "POLYBROKER_DATA_URI": root_uri(folder / "data"),
                "POLYBROKER_DATABASE_URL": f"sqlite:///{folder / 'polybroker.db'}",
                "POLYBROKER_SANDBOX_DIR": str(folder / "sandbox"),
            }
        )
        settings = load_settings()
        as_of = closed_sessions(settings.options.reference_calendar, datetime.now(UTC))[-1]
        upgrade(settings.environ.database_url)
        try:
            with open_database(settings.environ.database_url) as database:
                prepare_sandbox(settings, database, screens, catalogs, as_of)
                os.environ.update(control.up(settings.environ.sandbox_dir))
                yield World(settings, database, as_of, folder)
        finally:
            control.down(settings.environ.sandbox_dir)
            os.environ.clear()
            os.environ.update(before)
