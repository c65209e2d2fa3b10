"""Pairs from an export to orders and fills: the whole pipeline against a local Alpaca that lists Bitcoin."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.allocation.rates import ECB_FILE_VARIABLE
from include.brokers.environment import sandbox_account_code
from include.cli.pipeline import Pipeline
from include.cli.wiring import project_database
from include.domain.instrument import AssetClass
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.server import running_alpaca_venue
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.settings import load_settings
from include.steps.resolve_run import resolve_run
from tests.screening.exports import export

NOW = datetime.now(UTC)
TOKEN = "token-of-the-tests"
CODE = sandbox_account_code("", TOKEN)
ROWS = (
    "AAPL,US0378331005,USD,Apple Inc,Technology,United States,200,200,9.09%,{day}",
    "BTC-USD,null,USD,Bitcoin,,,90000,100000,12.00%,{day}",
    "BTC/USD,null,USD,Bitcoin,,,90000,100000,12.00%,{day}",
    "ETHUSDT,null,USDT,Ethereum,,,3000,4000,11.00%,{day}",
    "EURUSD=X,null,USD,EUR/USD,,,1.1,1.25,1.00%,{day}",
    "SOL-USD,null,EUR,Solana,,,100,150,8.00%,{day}",
)


def listing(native_id: str, symbol: str, name: str, price: str, **more: Any) -> Listing:
    values = {"venue": "alpaca", "currency": "USD", "exchange": "NASDAQ", "price": price, "price_time": NOW, **more}
    return Listing.model_validate({"native_id": native_id, "symbol": symbol, "name": name, **values})


COIN = {"exchange": "CRYPTO", "asset_class": AssetClass.CRYPTO, "lot_size": "0.000000001", "tick_size": "0.01"}
LISTINGS = [
    listing("a-1", "AAPL", "Apple Inc. Common Stock", "200"),
    listing("c-1", "BTC/USD", "Bitcoin / US Dollar", "100000", **COIN),
    listing("c-2", "BTC/USDT", "Bitcoin / USD Tether", "100000", **{**COIN, "currency": "USDT"}),
    listing("c-3", "ETH/USDT", "Ethereum / USD Tether", "4000", **{**COIN, "currency": "USDT"}),
]


@dataclass(frozen=True)
class Outcome:
    """A run's folder after the whole pipeline, and the account at the venue."""

    folder: Path
    book: VenueBook

    def read(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / name).read_text())
        return document


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    day = (NOW - timedelta(days=3)).strftime("%d %b %Y")
    quarters = [(f"{year} Q{quarter}", "2.50%") for year in range(2015, 2020) for quarter in (1, 2, 3, 4)]
    screens = export(tmp_path / "screens", "mixed", [row.format(day=day) for row in ROWS], day=day, quarters=quarters)
    rates = tmp_path / "eurofxref.csv"
    rates.write_text(f"Date,USD\n{NOW - timedelta(days=7):%Y-%m-%d},1.25\n", encoding="utf-8")
    book = VenueBook(LISTINGS, account_code=CODE, cash={"USD": Decimal(100_000)})
    key, secret = sandbox_keys(CODE)
    with running_alpaca_venue(book) as url:
        variables = {
            "ACTIVE_BROKERS": "alpaca",
            "ALPACA_API_KEY": key,
            "ALPACA_SECRET_KEY": secret,
            "ALPACA_BASE_URL": url,
            "POLYBROKER_DATA_URI": (tmp_path / "data").as_uri(),
            "POLYBROKER_DATABASE_URL": f"sqlite:///{tmp_path / 'polybroker.db'}",
            "POLYBROKER_SANDBOX_DIR": str(tmp_path / "sandbox"),
            "POLYBROKER_SANDBOX_TOKEN": TOKEN,
            "POLYBROKER_KILL_SWITCH": str(tmp_path / "KILL_SWITCH"),
            "POLYBROKER_PROFILE": "sandbox",
            ECB_FILE_VARIABLE: str(rates),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        params = {
            "screens": str(screens),
            "execution_mode": "paper",
            "method": "equal",
            "portfolios": ["main"],
            "first_funding": True,
            "coverage_fail_pct": 10,
        }
        with project_database(settings) as database:
            run = resolve_run(settings, run_id="r1", run_after=datetime.now(UTC), params=params)
            Pipeline(run, settings, database, lambda line: None).go(approve=True)
    return Outcome(Path(run.folder.removeprefix("file://")), book)


def test_a_coin_is_bought_and_what_nobody_trades_stays_cash(outcome: Outcome) -> None:
    main = outcome.read("orders.json")["portfolios"]["main"]
    orders = {order["ticker"]: order for order in main["orders"]}
    assert sorted(orders) == ["AAPL", "BTC-USD"]
    bitcoin = orders["BTC-USD"]
    # 5 % in one order of 80,000 EUR at 1.25 USD is 5,000 USD; whole coins would buy none.
    assert (bitcoin["quantity"], bitcoin["limit_price"], bitcoin["notional"]) == ("0.050", "100500.00", "4000.00")
    assert (bitcoin["instrument_id"], bitcoin["contract"]["native_id"]) == ("pair:BTC/USD", "c-1")
    assert (bitcoin["mic"], bitcoin["time_in_force"]) == ("CRYPTO", "ioc")
    assert orders["AAPL"]["time_in_force"] == "day"
    (held,) = main["held"]
    assert (held["ticker"], held["instrument_id"]) == ("EURUSD=X", "pair:EUR/USD")
    assert held["reason"] == "not_mapped: no broker of this portfolio trades it"
    positions = {native_id: position.quantity for native_id, position in outcome.book.engine.positions.items()}
    assert positions == {"a-1": Decimal(25), "c-1": Decimal("0.05")}

    universe = outcome.read("universe.json")
    assert sorted(universe["all_stocks"]) == ["AAPL", "BTC-USD", "EURUSD=X"]
    assert universe["all_stocks"]["BTC-USD"]["quantity"] == 0.098
    assert (universe["metadata"]["unique_stocks"], universe["metadata"]["rejected_rows"]) == (3, 3)
    assert {row["ticker"]: (row["line"], row["field"], row["reason"]) for row in universe["rejected"]} == {
        "SOL-USD": (10, "currency", "expected USD: the ticker is the pair SOL/USD, whose price is in it"),
        "BTC/USD": (7, "ticker", "expected one listing per instrument: BTC-USD is the pair BTC/USD already"),
        "ETHUSDT": (
            8,
            "currency",
            "expected a pair in a currency with an exchange rate: nothing tells what USDT is worth",
        ),
    }
    mapped = outcome.read("universe_mapped.json")["all_stocks"]
    assert mapped["BTC-USD"]["broker_order"] == ["crypto_com", "alpaca"]
    assert outcome.read("coverage.json")["missing"] == [
        {"ticker": "EURUSD=X", "name": "EUR/USD", "weight": 0.098, "reasons": {"alpaca": "not_eligible"}}
    ]
