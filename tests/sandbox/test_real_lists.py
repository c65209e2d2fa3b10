import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.errors import InputError
from include.sandbox.build import PricedRow, from_catalogs
from include.sandbox.catalogue import Listing
from tests.sandbox.conftest import NOW

CONTRACTS = """con_id,symbol,long_name,sec_type,currency,exchange,primary_exchange,isin,isin_suffix,as_of,source
1,6095,MEDPEER INC,STK,JPY,SMART,TSEJ,JP3921280007,,x,x
2,CLBS,CELEBRUS TECHNOLOGIES PLC,STK,GBP,SMART,LSE,,,x,x
3,TM17,EVERPLAY GROUP PLC,STK,GBP,SMART,LSE,,,x,x
4,ROCKA,ROCKWOOL A/S-A SHS,STK,DKK,SMART,CPH,,,x,x
5,SAP,SAP SE,STK,EUR,SMART,IBIS,DE0007164600,,x,x
6,DWHT.OLD,DEWHURST GROUP PLC,STK,GBP,SMART,VALUE,,,x,x
7,XYZ.OLD1,SOMETHING,STK,USD,SMART,,,12345,x,x
8,BRK B,BERKSHIRE HATHAWAY INC-CL B,STK,USD,SMART,NYSE,,02999,x,x
9,BRK B,ANOTHER COMPANY,STK,USD,SMART,NYSE,US0846707026,,x,x
10,SPYX,SPDR SOMETHING,STK,USD,SMART,ARCA,,,x,x
11,QFND,PLAIN NAME TRUST,STK,USD,SMART,NASDAQ,,,x,x
12,EUR,EURO,CASH,USD,SMART,IDEALPRO,,,x,x
13,PREC,OTHER &amp; COMPANY,STK,EUR,SMART,SBF,FR0000000001,,x,x
"""
NASDAQ = """Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares
NA|Nano Labs Ltd - Class A Ordinary Shares|S|N|N|100|N|N
QFND|"Q" Fund ETF|G|N|N|100|Y|N
ZTEST|A test issue|G|Y|N|100|N|N
File Creation Time: 0721202521:31|||||||
"""
OTHER = """ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol
BRK.B|Berkshire Hathaway Inc. Common Stock |N|BRK.B|N|100|N|BRK.B
ABR$D|Arbor Preferred|N|ABRpD|N|100|N|ABR-D
ACHR.W|Archer Warrants|N|ACHR.WS|N|100|N|ACHR+
SPYX|Some ETF|P|SPYX|Y|100|N|SPYX
ZEXIT|IEX Test|V|ZEXIT|N|100|Y|ZEXIT
File Creation Time: 0721202521:31||||||
"""
ETF = {"asset_id": "11111111-0000-0000-0000-000000000001", "symbol": "SPYX", "name": "Some ETF", "asset_class": "us_equity"}
ETFS = {"etfs": [{**ETF, "exchange": "ARCA", "status": "active", "tradable": True}]}
ETFS["etfs"].append({**ETF, "asset_id": "2", "symbol": "LFAW", "exchange": "BATS", "status": "active", "tradable": False})
BITCOIN = {"id": "22222222-0000-0000-0000-000000000001", "class": "crypto", "exchange": "CRYPTO", "symbol": "BTC/USDT"}
COINS = [
    {
        **BITCOIN,
        "name": "Bitcoin",
        "status": "active",
        "tradable": True,
        "min_trade_increment": "0.00001",
        "price_increment": "1",
    },
    {**BITCOIN, "id": "3", "symbol": "ETH/USD", "name": "Ether", "status": "inactive", "tradable": True}
    | {"min_trade_increment": "0.1", "price_increment": "0.5"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "ibkr/contracts.csv": CONTRACTS,
        "nasdaqtrader/nasdaqlisted.txt": NASDAQ,
        "nasdaqtrader/otherlisted.txt": OTHER,
        "alpaca/etfs.json": json.dumps(ETFS),
        "alpaca/coins.json": json.dumps(COINS),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def row(ticker: str, isin: str | None, name: str, currency: str, market: str, price: str | None) -> PricedRow:
    return PricedRow(
        ticker=ticker, isin=isin, name=name, currency=currency, market=market, price=Decimal(price) if price else None
    )


ROWS = [
    row("6095.T", "JP3921280007", "Medpeer", "JPY", "XTKS", "800"),
    row("CLBS.L", None, "Celebrus Technologies plc", "GBP", "XLON", "1.85"),
    row("EVPL.L", None, "Everplay Group PLC", "GBP", "XLON", "3.2"),
    row("ROCK-A.CO", "DK0010219070", "Rockwool A/S", "DKK", "XCSE", "250"),
    row("SAP.DE", "DE0007164600", "SAP", "EUR", "XETR", "230"),
    row("DWHT.L", "GB0002675048", "Dewhurst Group plc", "GBP", "XLON", "8"),
    row("BRK-B", "US0846707026", "Berkshire", "USD", "US", "480"),
    row("PREC.PA", "FR0000000002", "Precia", "EUR", "XPAR", "30"),
    row("BTC-USDT", None, "Bitcoin", "USDT", "CRYPTO", "60000"),
    row("NA", None, "Nano Labs", "USD", "US", None),
]


@pytest.fixture
def listings(folder: Path, markets: dict[str, Market]) -> dict[tuple[str, str], Listing]:
    built = from_catalogs(folder, ROWS, {"USD": Decimal("1.17")}, NOW, markets)
    return {(listing.venue, listing.native_id): listing for listing in built}


@pytest.mark.parametrize(
    ("con_id", "price"),
    [
        ("1", "800"),  # ISIN and currency
        ("2", "1.85"),  # symbol and market
        ("3", "3.2"),  # name on the same market: the symbol is another one
        ("4", "250"),  # class share in IBKR's form
        ("5", "230"),
        ("6", None),  # dead
        ("8", None),  # the ISIN's last characters contradict
        ("9", "480"),  # the ISIN decides, whatever the name
        ("10", None),
        ("13", None),  # same symbol, other ISIN
    ],
)
def test_prices_reach_the_right_contracts_only(listings: dict[tuple[str, str], Listing], con_id: str, price: str | None) -> None:
    found = listings["ibkr", con_id]
    assert found.price == (Decimal(price) if price else None)
    assert found.price_time == (NOW if price else None)


def test_conventions_and_kinds_of_contracts(listings: dict[tuple[str, str], Listing]) -> None:
    tokyo, london = listings["ibkr", "1"], listings["ibkr", "2"]
    assert (tokyo.lot_size, tokyo.tick_size, london.price_magnifier, london.tick_size) == (
        100,
        Decimal("0.1"),
        100,
        Decimal("0.0001"),
    )
    kinds = {number: listings["ibkr", str(number)].asset_class for number in (1, 10, 11, 12)}
    assert kinds == {1: AssetClass.STOCK, 10: AssetClass.ETF, 11: AssetClass.ETF, 12: AssetClass.FX}
    assert listings["ibkr", "13"].name == "OTHER & COMPANY"


@pytest.mark.parametrize("con_id", ["6", "7"])
def test_retired_symbols_are_dead(listings: dict[tuple[str, str], Listing], con_id: str) -> None:
    dead = listings["ibkr", con_id]
    assert (dead.tradable, dead.inactive_reason) == (False, "delisted")


def test_us_listings_in_alpacas_words(listings: dict[tuple[str, str], Listing]) -> None:
    found = {listing.symbol: listing for (venue, _), listing in listings.items() if venue == "alpaca"}
    assert set(found) == {"NA", "QFND", "BRK.B", "ABR.PRD", "ACHR.WS", "SPYX", "LFAW", "BTC/USDT", "ETH/USD"}
    assert (found["BRK.B"].price, found["BRK.B"].exchange, found["BRK.B"].name) == (
        480,
        "NYSE",
        "Berkshire Hathaway Inc. Common Stock",
    )
    assert (found["NA"].price, found["NA"].exchange) == (None, "NASDAQ")
    assert (found["QFND"].asset_class, found["QFND"].name) == (AssetClass.ETF, '"Q" Fund ETF')
    assert found["SPYX"].native_id == "11111111-0000-0000-0000-000000000001"
    assert (found["LFAW"].tradable, found["LFAW"].inactive_reason) == (False, "not_tradable")


def test_crypto_pairs(listings: dict[tuple[str, str], Listing]) -> None:
    bitcoin, ether = listings["alpaca", "22222222-0000-0000-0000-000000000001"], listings["alpaca", "3"]
    assert (bitcoin.currency, bitcoin.price, bitcoin.lot_size, bitcoin.tick_size) == ("USDT", 60000, Decimal("0.00001"), 1)
    assert (ether.currency, ether.price, ether.tradable) == ("USD", None, False)


def test_currency_pairs_come_along(listings: dict[tuple[str, str], Listing]) -> None:
    (pair,) = [x for x in listings.values() if x.asset_class is AssetClass.FX and x.native_id != "12"]
    assert (pair.symbol, pair.currency, pair.price) == ("EUR", "USD", Decimal("1.17"))


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("ibkr/contracts.csv", None, "readable"),
        ("ibkr/contracts.csv", "con_id,symbol\n", "long_name"),
        ("ibkr/contracts.csv", CONTRACTS.replace("JPY", "yen"), r"row 2.*currency"),
        ("ibkr/contracts.csv", CONTRACTS + "14,SHORT\n", "row 15.*11 cells"),
        ("nasdaqtrader/otherlisted.txt", "ACT Symbol\n", "Security Name"),
        ("alpaca/etfs.json", "{", "etfs.json"),
        ("alpaca/coins.json", "[{}]", "coins.json"),
    ],
)
def test_a_faulty_list_is_named(folder: Path, markets: dict[str, Market], name: str, text: str | None, match: str) -> None:
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=match):
        from_catalogs(folder, ROWS, {}, NOW, markets)


def test_the_real_lists_price_what_the_old_system_found(shared_data: Path) -> None:
    suffixes = {"T": "XTKS", "L": "XLON", "ST": "XSTO", "CO": "XCSE", "PA": "XPAR", "DE": "XETR", "AX": "XASX", "TO": "XTSE"}
    suffixes |= {
        "SW": "XSWX",
        "MI": "XMIL",
        "AT": "ASEX",
        "HE": "XHEL",
        "BR": "XBRU",
        "V": "XTSX",
        "MC": "XMAD",
        "OL": "XOSL",
        "AS": "XAMS",
    }
    stocks = json.loads((shared_data / "uncle_stock" / "universe.json").read_text(encoding="utf-8"))["all_stocks"]
    rows = [
        row(
            ticker,
            None if stock["isin"] == "null" else stock["isin"],
            stock["name"],
            stock["currency"],
            suffixes[ticker.rsplit(".", 1)[1]] if "." in ticker else "US",
            str(stock["price"]),
        )
        for ticker, stock in stocks.items()
    ]
    built = from_catalogs(shared_data, rows, {"USD": Decimal("1.17")}, NOW)
    contracts = {listing.native_id: listing for listing in built if listing.venue == "ibkr"}
    assert len(contracts) == 18958 + 1
    with open(shared_data / "uncle_stock" / "ibkr_truth.csv", encoding="utf-8", newline="") as file:
        truth = [entry for entry in csv.DictReader(file) if entry["expected"] == "match" and entry["ticker"] in stocks]
    wrong = [e["ticker"] for e in truth if contracts[e["con_id"]].price != Decimal(str(stocks[e["ticker"]]["price"]))]
    assert (len(truth), wrong) == (431, [])
    known = {entry["con_id"] for entry in truth}
    strangers = [x.symbol for x in contracts.values() if x.price is not None and x.native_id not in known and x.symbol != "EUR"]
    assert strangers == []
    assert not contracts["748086613"].tradable
    symbols = {listing.symbol for listing in built if listing.venue == "alpaca"}
    assert {"NA", "BRK.B"} <= symbols
    assert not {"ZEXIT", "ZVZZT"} & symbols
    assert len(symbols) == 11738
