"""Settings and runs in a folder of their own, for the tests of steps 0 to 3."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.domain.run import Run
from include.settings import Environ, Settings
from include.steps.resolve_run import resolve_run
from include.storage.artifacts import root_uri

AFTER = datetime(2025, 9, 18, 20, 30, tzinfo=UTC)  # half an hour after New York's close


def settings(folder: Path, **environ: Any) -> Settings:
    # Given, even as None, so that the variables of the machine that runs the tests do not count.
    values = {"ACTIVE_BROKERS": None, "profile": None, "screens": None, **environ}
    return Settings(Environ(data_uri=root_uri(folder / "data"), **values))


def resolved(folder: Path, screens: Path | str, *, run_id: str = "r1", after: datetime = AFTER, **params: Any) -> Run:
    given = {"screens": str(screens), **params}
    return resolve_run(settings(folder), run_id=run_id, run_after=after, params=given)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
