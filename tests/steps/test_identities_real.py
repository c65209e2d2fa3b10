"""The promise on real lists: of a universe whose ISINs are hidden, a broker's list gives back hundreds, and not one wrong one."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from include.identity.local import TableSource
from include.identity.table import canonical, right, validated
from include.identity.universe import Sources, enrich_universe
from include.screening.source import find_screens
from include.screening.universe import universe_document
from include.steps.fetch_screens import read_screen
from include.steps.identities import plausible
from tests.identity.build import MARKETS, said, table

SESSION = date(2025, 9, 18)
BY_WORD = {word: market.market for market in MARKETS.values() for word in market.exchange_words}


def statements(folder: Path) -> list[dict[str, Any]]:
    with open(folder / "ibkr" / "contracts.csv", encoding="utf-8") as file:
        return [
            said(
                row["isin"],
                canonical(row["symbol"]),
                market=BY_WORD[row["primary_exchange"]],
                currency=row["currency"],
                name=row["long_name"],
                source="ibkr",
                source_date=date(2025, 9, 1),
            )
            for row in csv.DictReader(file)
            if row["primary_exchange"] in BY_WORD and row["isin"] and right("isin", row["isin"])
        ]


@pytest.fixture(scope="module")
def universe(shared_data: Path) -> dict[str, Any]:
    location = str(shared_data / "uncle_stock" / "universe.json")
    screens = [read_screen(source, MARKETS) for source in find_screens(location, SESSION)]
    return universe_document(screens, as_of=SESSION, created_at=datetime(2025, 9, 18, 21, tzinfo=UTC).isoformat())


def test_hidden_isins_come_back_and_none_is_wrong(universe: dict[str, Any], shared_data: Path) -> None:
    truth = {ticker: stock["isin"] for ticker, stock in universe["all_stocks"].items()}
    hidden = {
        ticker: {**stock, "isin": None, "instrument_id": f"ticker:{ticker}"} for ticker, stock in universe["all_stocks"].items()
    }
    own = table(*statements(shared_data))
    sources = Sources(MARKETS, plausible, TableSource(validated(own, "contracts.csv"), SESSION))
    made = enrich_universe({**universe, "all_stocks": hidden}, sources)["all_stocks"]
    given = {ticker: stock["isin"] for ticker, stock in made.items() if stock["isin"]}
    assert len(given) >= 380
    assert {ticker: isin for ticker, isin in given.items() if isin != truth[ticker]} == {}


def test_a_table_that_gives_every_symbol_its_neighbours_isin_gives_nothing(universe: dict[str, Any], shared_data: Path) -> None:
    """A file whose columns slipped by a row: right symbols, wrong companies beside them."""
    own = statements(shared_data)
    moved = [{**row, "isin": other["isin"], "name": other["name"]} for row, other in zip(own, own[1:] + own[:1], strict=True)]
    hidden = {ticker: {**stock, "isin": None} for ticker, stock in universe["all_stocks"].items()}
    made = enrich_universe({**universe, "all_stocks": hidden}, Sources(MARKETS, plausible, TableSource(table(*moved), SESSION)))
    wrong = {t: s["isin"] for t, s in made["all_stocks"].items() if s["isin"] and s["isin"] != universe["all_stocks"][t]["isin"]}
    assert wrong == {}
