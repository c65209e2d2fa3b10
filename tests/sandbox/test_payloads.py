import json
from pathlib import Path

import pytest

from include.errors import InputError
from include.sandbox.payloads import list_payload, list_payloads

HEADER = (
    "market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size,market_ticker,"
    "minimum_order_size,price_magnifier,strike_multiplier\n"
)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_binance_symbols_without_futures(tmp_path: Path) -> None:
    rows = "binance,BTCUSDT,crypto,BTCUSDT,USDT,1,0.01,0.00001,BTCUSDT,5\n"
    rows += "binance,ADAUSD,cryptofuture,ADAUSD_PERP,USD,10,0.0001,1,ADAUSD_PERP\n"
    document = json.loads(list_payload("binance", written(tmp_path / "b.csv", HEADER + rows)))
    (symbol,) = document["symbols"]
    assert (symbol["symbol"], symbol["baseAsset"], symbol["quoteAsset"], symbol["status"]) == (
        "BTCUSDT",
        "BTC",
        "USDT",
        "TRADING",
    )
    assert [found["filterType"] for found in symbol["filters"]] == ["PRICE_FILTER", "LOT_SIZE", "NOTIONAL"]
    assert symbol["filters"][2]["minNotional"] == "5"


def test_coinbase_products(tmp_path: Path) -> None:
    rows = "coinbase,1INCHBTC,crypto,1inch-Bitcoin,BTC,1,0.0000001,0.01,1INCH-BTC,0.01,\n"
    document = json.loads(list_payload("coinbase", written(tmp_path / "c.csv", HEADER + rows)))
    (product,) = document["products"]
    assert document["num_products"] == 1
    assert (product["product_id"], product["base_currency_id"], product["quote_currency_id"]) == ("1INCH-BTC", "1INCH", "BTC")
    assert (product["base_name"], product["base_increment"], product["price_increment"]) == ("1inch", "0.01", "0.0000001")


def test_crypto_com_pairs_and_bare_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "s.csv", "unified_symbol,native_id,last\nSHIB/USDC,SHIB_USD,8.53e-06\nBTC/USDT,BTC_USDT,20000\n")
    document = json.loads(list_payload("crypto_com", table))
    assert document["code"] == 0
    assert [(row["symbol"], row["quote_ccy"], row["price_tick_size"]) for row in document["result"]["data"]] == [
        ("SHIB_USD", "USD", "0.00000001"),
        ("BTC_USDT", "USDT", "1"),
    ]
    bare = written(tmp_path / "get_instruments.json", '[{"symbol": "BTC_USD"}]')
    assert json.loads(list_payload("crypto_com", bare))["result"]["data"] == [{"symbol": "BTC_USD"}]
    whole = written(tmp_path / "whole.json", '{"code": 0, "result": {"data": []}}')
    assert list_payload("crypto_com", whole) == whole.read_bytes()


def test_oanda_from_either_table(tmp_path: Path) -> None:
    own = "name,type,displayName,pipLocation,marginRate,minimumTradeSize\nXAU_USD,METAL,Gold,-2,0.05,0.1\n"
    own += "XAU_JPY,METAL,Gold/JPY,1,0.05,1\n"
    found = json.loads(list_payload("oanda", written(tmp_path / "o.csv", own)))["instruments"]
    assert [(row["displayPrecision"], row["tradeUnitsPrecision"], row["minimumTradeSize"]) for row in found] == [
        (3, 1, "0.1"),
        (0, 0, "1"),
    ]
    other = "oanda,DE30EUR,cfd,Germany 30,EUR,1,0.1,0.1\n"
    other += "oanda,XAUUSD,cfd,Gold,USD,1,0.001,1\noanda,EURUSD,forex,EUR/USD,USD,1,0.00001,1\n"
    found = json.loads(list_payload("oanda", written(tmp_path / "p.csv", HEADER + other)))["instruments"]
    assert [(row["name"], row["type"], row["displayPrecision"]) for row in found] == [
        ("DE30_EUR", "CFD", 1),
        ("XAU_USD", "METAL", 3),
        ("EUR_USD", "CURRENCY", 5),
    ]


def test_answers_stay_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path / "i.csv", "instrument_token\n1\n")
    assert list_payload("zerodha", path) == path.read_bytes()
    answer = written(tmp_path / "e.json", '{"symbols":  []}')
    assert list_payload("binance", answer) == b'{"symbols":  []}'


def test_a_folder_gives_the_newest_list_of_each_broker_it_has(tmp_path: Path) -> None:
    assert list_payloads(tmp_path) == {}
    written(tmp_path / "zerodha" / "instruments_nse_2026-02.csv", "old")
    written(tmp_path / "zerodha" / "instruments_nse_2026-03.csv", "new")
    written(tmp_path / "binance" / "exchange_info_2021-04.json", '{"symbols": [1]}')
    assert list_payloads(tmp_path) == {"zerodha": b"new", "binance": b'{"symbols": [1]}'}


@pytest.mark.parametrize(
    ("broker", "name", "text", "message"),
    [
        ("ibkr", "x.csv", "", "expected one of binance"),
        ("binance", "x.csv", "symbol,type\nBTCUSDT,crypto\n", "expected a list of binance: KeyError"),
        ("binance", "x.csv", HEADER + "binance,BTC,crypto,BTC,USDT,1,0.01,1,BTC,5\n", "ends with USDT"),
        ("binance", "x.json", "{", "expected a list of binance"),
        ("oanda", "x.csv", "name,pipLocation\nA_B,x\n", "expected a list of oanda"),
    ],
)
def test_files_that_are_no_lists(tmp_path: Path, broker: str, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list_payload(broker, written(tmp_path / name, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a readable file: FileNotFoundError"):
        list_payload("zerodha", tmp_path / "none.csv")


def test_the_real_folder(shared_data: Path) -> None:
    found = list_payloads(shared_data)
    assert sorted(found) == ["binance", "coinbase", "crypto_com", "oanda", "zerodha"]
    assert len(json.loads(found["binance"])["symbols"]) == 3320
    assert len(json.loads(found["crypto_com"])["result"]["data"]) == 499
