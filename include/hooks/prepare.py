"""What the demo and `make up` need before Airflow starts: the project's database, and a catalogue for the sandbox venues."""

import os
from datetime import UTC, datetime
from pathlib import Path

from include.screening.session import closed_sessions
from include.settings import Settings, load_settings
from include.steps.prepare_sandbox import SandboxSummary, prepare_sandbox
from include.storage.database import open_database, upgrade

PROFILE = "sandbox"


def sandbox_settings(screens: str) -> Settings:
    """Settings with the profile `sandbox` (unless the environment names another) and these screens, children included.

    Args:
        screens: `synthetic`, a folder of exports, or an old universe.json.
    """
    os.environ.setdefault("POLYBROKER_PROFILE", PROFILE)
    os.environ["POLYBROKER_SCREENS"] = screens if screens == "synthetic" else str(Path(screens).resolve())
    return load_settings()


def prepare(settings: Settings, catalogs: Path | None, now: datetime | None = None) -> SandboxSummary:
    """Bring the database's schema up to date and write the venues' catalogue for the newest session.

    Args:
        settings: As `sandbox_settings` gives them.
        catalogs: Folder of real contract lists, or None for made-up ones with known holes.
        now: Aware; default: the clock.

    Raises:
        InputError: The screens or the lists cannot be read.
    """
    upgrade(settings.environ.database_url)
    as_of = closed_sessions(settings.options.reference_calendar, now or datetime.now(UTC))[-1]
    with open_database(settings.environ.database_url) as database:
        return prepare_sandbox(settings, database, settings.options.screens, catalogs, as_of)
