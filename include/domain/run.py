"""Run: what one pipeline run was told to do, resolved once and read by every later task."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from include.domain.model import Value
from include.domain.portfolio import ExecutionMode, Portfolio


class ScreenSource(Value):
    """One screen as found at resolve time.

    Attributes:
        key: File-safe name (`quality_bloom`), the key in `universe.json`.
        name: The screen's name for people (`quality bloom`).
        kind: `uncle_stock` (CSV pair) or `universe_json` (a screen inside an old universe.json).
        screen_uri / backtest_uri: Where its files are; there is none for `universe_json`, and none
            is needed in a dated folder.
        dated: Date the export was made, ISO; decides whether it is known at `as_of` and how old it is.
        sha256: Hash over the files' bytes.
        synthetic: True when generated; said in every report.
    """

    key: str
    name: str
    kind: str
    screen_uri: str
    backtest_uri: str | None = None
    dated: date
    sha256: str
    synthetic: bool = False


class Run(Value):
    """The content of `run.json`.

    Attributes:
        run_id: Airflow's (or the command line's) run id.
        folder: URI of the run's folder.
        as_of: Last session of the reference calendar closed at `run_after`.
        run_after: Aware UTC; also the `created_at` of every artifact, so that a re-run gives the same bytes.
        is_backfill / is_newest: A backfill, or a run that is not for the newest session, never trades.
        brokers: Active broker names, sorted.
        portfolios: Full portfolio definitions, sorted by id; the first one's sizes go into `universe.json`.
        screens: Sorted by key.
        config_sha256: Hash of every setting that was used.
        config_version: Hash of all files of the configuration, under which the database keeps them (`polybroker config history`).
        variables: What the variables in those files (`${VAR}`) held, "" where they were not set; none that may be a secret.
        previous: Folder URI of the newest earlier run that is no backfill, for comparing membership; None: there is none.
        options: The remaining settings a step may read (`method`, `risk_free_rate_pct`, `max_screen_age_days`,
            `max_rate_age_days`, `on_low_coverage`, `first_funding`, `replan` ...), see `include.settings.Options`.
    """

    run_id: str
    folder: str
    as_of: date
    run_after: datetime
    mode: ExecutionMode
    is_backfill: bool
    is_newest: bool
    brokers: tuple[str, ...]
    portfolios: tuple[Portfolio, ...]
    screens: tuple[ScreenSource, ...]
    config_sha256: str
    config_version: str = ""
    variables: dict[str, str] = Field(default_factory=dict)
    options: dict[str, Any]
    previous: str | None = None

    @property
    def account_ids(self) -> list[str]:
        """All account ids of all portfolios, sorted."""
        return sorted(a.account_id for p in self.portfolios for a in p.accounts)

    def portfolio_of(self, account_id: str) -> Portfolio:
        """The portfolio that owns an account.

        Raises:
            KeyError: No portfolio of this run has the account.
        """
        for portfolio in self.portfolios:
            if any(a.account_id == account_id for a in portfolio.accounts):
                return portfolio
        raise KeyError(account_id)
