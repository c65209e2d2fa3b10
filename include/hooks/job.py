"""What a task body works with: the run, and the settings that the run began with."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context

from include.errors import InputError

if TYPE_CHECKING:
    from include.domain.account import Account
    from include.domain.run import Run
    from include.settings import Environ, Settings
    from include.storage.database import Database


def utc_now() -> datetime:
    """The clock, for what may not be sent any more; it never reaches an artifact."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Job:
    """What a task body works with.

    Attributes:
        run: As `run.json` has it.
        environ: Paths, addresses and switches of this process.
    """

    run: "Run"
    environ: "Environ"

    @cached_property
    def settings(self) -> "Settings":
        """The settings that the run began with, whatever the files say by now."""
        from include.steps.run_settings import run_settings

        with self.database() as database:
            return run_settings(self.run, self.environ, database, os.environ)

    def database(self) -> "Database":
        """The project's database, open; use it in a `with`."""
        from include.storage.database import open_database

        return open_database(self.environ.database_url)

    def account(self, account_id: str) -> "Account":
        """An account of this run by its id."""
        from include.hooks.brokers import account_of

        return account_of(self.run, account_id)


def job() -> Job:
    """The job of the task that is running.

    Raises:
        InputError: `resolve_run` left no run.
    """
    from include.settings import Environ
    from include.steps.resolve_run import load_run

    uri = get_current_context()["ti"].xcom_pull(task_ids="resolve_run", key="run")
    if not uri:
        raise InputError("expected resolve_run to have written run.json", source="run")
    return Job(load_run(uri), Environ())
