"""`polybroker map --list`: downloaded lists, without any account, venue or database."""

import json
from pathlib import Path

import pytest

from include.errors import InputError
from tests.cli.conftest import Polybroker

KITE = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange\n"
    '408065,1594,INFY,"INFOSYS",0,,0,0.1,1,EQ,NSE,NSE\n'
    '256265,1001,NIFTY 50,"NIFTY 50",0,,0,0,0,EQ,INDICES,NSE\n'
)
ASSETS = [
    {
        "id": "a-1",
        "class": "us_equity",
        "exchange": "NASDAQ",
        "symbol": "AAPL",
        "name": "Apple Inc. Common Stock",
        "status": "active",
    }
]
STOCKS = {
    "INFY.NS": {"ticker": "INFY.NS", "isin": "INE009A01021", "name": "Infosys", "currency": "INR"},
    "AAPL": {"ticker": "AAPL", "isin": "US0378331005", "name": "Apple Inc", "currency": "USD"},
}


@pytest.fixture
def files(project: Path, tmp_path: Path) -> Path:
    """A folder with a universe and three lists; the project has no database yet."""
    rest = {"sector": "", "country": "", "price": 10, "price_180d_change": "1%", "screens": ["ours"], "rank": 1}
    stocks = {ticker: stock | rest for ticker, stock in STOCKS.items()}
    universe = {
        "metadata": {"created_at": "2026-03-20T10:00:00", "historical_performance": {}},
        "screens": {"ours": {"name": "ours", "count": 2, "stocks": list(stocks.values())}},
        "all_stocks": stocks,
    }
    (tmp_path / "universe.json").write_text(json.dumps(universe))
    (tmp_path / "kite.csv").write_text(KITE)
    (tmp_path / "assets.json").write_text(json.dumps([asset | {"tradable": True} for asset in ASSETS]))
    (tmp_path / "broken.json").write_text('{"code": -1003}')
    return tmp_path


def run(polybroker: Polybroker, folder: Path, *words: object) -> BaseException | None:
    return polybroker("map", "--universe", folder / "universe.json", "--out", folder / "mapped.json", *words).error


def test_lists_are_mapped_without_an_account(polybroker: Polybroker, project: Path, files: Path) -> None:
    words = ("--list", f"zerodha={files / 'kite.csv'}", "--list", f"alpaca={files / 'assets.json'}")
    result = polybroker("map", "--universe", files / "universe.json", "--out", files / "mapped.json", *words)
    assert result.error is None, result
    assert f"zerodha: {files / 'kite.csv'} lists 2 contracts" in result.text.replace("\n", "")
    document = json.loads((files / "mapped.json").read_text())
    assert document["metadata"]["brokers_included"] == ["alpaca", "zerodha"]
    found = {
        (ticker, name): (mapping["status"], mapping.get("reason"))
        for ticker, stock in document["all_stocks"].items()
        for name, mapping in stock["broker_mappings"].items()
    }
    assert found[("INFY.NS", "zerodha")][0] == "matched"
    assert found[("INFY.NS", "alpaca")] == ("not_found", "not_eligible")
    assert found[("AAPL", "zerodha")] == ("not_found", "not_eligible")
    assert found[("AAPL", "alpaca")][0] == "matched"
    assert not (project / "polybroker.db").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--list", "zerodha"], r"--list: expected NAME=FILE, e.g. binance=exchangeInfo.json \(found 'zerodha'\)"),
        (["--list", "=kite.csv"], "expected NAME=FILE"),
        (["--list", "zerohda={}/kite.csv"], "expected one of alpaca, binance.*found 'zerohda'"),
        (["--list", "ibkr={}/kite.csv"], "expected a broker whose list can be read: alpaca, binance, coinbase.*found 'ibkr'"),
        (["--list", "zerodha={}/none.csv"], "none.csv: expected a list of zerodha as its API sends it: the file does not exist"),
        (["--list", "zerodha={}"], "expected a list of zerodha that can be read: Is a directory"),
        (["--list", "alpaca={}/broken.json"], "broken.json: .*: alpaca sent no JSON array, which its list is: .*code"),
        (["--list", "alpaca={}/broken.json", "--list", "zerodha={}/none.csv"], "alpaca sent no JSON array"),
        (
            ["--list", "zerodha={}/broken.json"],
            "broken.json: expected a list of zerodha as its API sends it: zerodha sent no instr",
        ),
        (["--list", "binance={}/broken.json"], "broken.json: expected a list of binance.*no list in symbols"),
        (["--list", "zerodha={}/kite.csv", "--list", "zerodha={}/kite.csv"], "expected each broker once"),
        (["--list", "alpaca={}/assets.json", "--brokers", "alpaca"], "expected each broker once: --brokers or --list"),
        (
            ["--brokers", "zerodha"],
            "--brokers: .*zerodha has no adapter yet; its list can be mapped: polybroker map --list zerodha=FILE",
        ),
    ],
)
def test_what_cannot_be_mapped(polybroker: Polybroker, files: Path, words: list[str], message: str) -> None:
    error = run(polybroker, files, *(word.format(files) for word in words))
    assert isinstance(error, InputError), error
    with pytest.raises(InputError, match=message):
        raise error


@pytest.mark.parametrize("bad", ["broken.json", "none.json"])
def test_a_list_that_cannot_be_read_stops_no_other(polybroker: Polybroker, files: Path, bad: str) -> None:
    words = ("--list", f"alpaca={files / bad}", "--list", f"zerodha={files / 'kite.csv'}")
    result = polybroker("map", "--universe", files / "universe.json", "--out", files / "mapped.json", *words)
    assert result.error is None, result
    assert "alpaca: InputError: " in result.text
    document = json.loads((files / "mapped.json").read_text())
    assert document["metadata"]["brokers_unavailable"] == ["alpaca"]
    told = {ticker: stock["broker_mappings"] for ticker, stock in document["all_stocks"].items()}
    assert {name: mapping["status"] for name, mapping in told["INFY.NS"].items()} == {
        "alpaca": "unavailable",
        "zerodha": "matched",
    }


def test_the_help_shows_how(polybroker: Polybroker) -> None:
    assert "--list binance=exchangeInfo.json" in " ".join(polybroker("map", "--help").text.split())


def test_show_names_the_brokers_without_an_adapter(polybroker: Polybroker) -> None:
    text = " ".join(polybroker("config", "show").text.split())
    assert "no adapter yet, their lists can be mapped (map --list): binance, coinbase, crypto_com, oanda, zerodha" in text
