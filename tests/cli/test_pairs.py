"""Pairs from an export to orders and fills: the whole pipeline against a local Alpaca that lists Bitcoin."""

import json
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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder after the whole pipeline, sent."""
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
        }
        with project_database(settings) as database:
            run = resolve_run(settings, run_id="r1", run_after=datetime.now(UTC), params=params)
            said: list[str] = []
            try:
                Pipeline(run, settings, database, said.append).go(approve=True)
            finally:
                print("\n".join(said))
    return Path(run.folder.removeprefix("file://"))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_a_coin_is_bought_and_what_nobody_trades_is_cash(folder: Path) -> None:
    universe = read(folder / "universe.json")
    print(json.dumps(universe["rejected"], indent=1))
    print(json.dumps(read(folder / "orders.json"), indent=1)[:6000])
    print(json.dumps(read(folder / "coverage.json"), indent=1)[:3000])
    print((folder / "report.md").read_text()[:3000])
    assert 0
