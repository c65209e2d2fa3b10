"""Whom step 8 looks for: the universe's members, and what the run's portfolios still hold that left it."""

from include.domain.instrument import Instrument
from include.domain.run import Run
from include.settings import Settings
from include.steps.match_instruments import wanted_instruments
from include.steps.plan_candidates import market_of
from include.storage.artifacts import read_json
from include.storage.database import Database
from include.storage.journal import Journal
from include.storage.run_folder import RunFolder


def wanted_by_run(run: Run, database: Database, settings: Settings) -> list[Instrument]:
    """Members in the universe's order, then managed holdings that left it, by ticker.

    Raises:
        InputError: The run has no `universe.json`, or a holding's market is unknown.
    """
    held = []
    journal = Journal(database)
    for portfolio in run.portfolios:
        for position in journal.managed(portfolio.portfolio_id):
            contract = position.contract
            held.append(
                Instrument(
                    instrument_id=position.instrument_id,
                    ticker=position.ticker,
                    name=contract.name,
                    isin=position.instrument_id.removeprefix("isin:") if position.instrument_id.startswith("isin:") else None,
                    currency=contract.currency,
                    market=market_of(contract, settings),
                    asset_class=contract.asset_class,
                )
            )
    return wanted_instruments(read_json(RunFolder(run.folder).universe), held)
