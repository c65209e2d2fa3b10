"""Kite's instruments as contracts."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import BrokerUnavailable
from tests.brokers.lists import BROKERS, counted, rows, table

HEAD = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange\n"
)


def line(
    symbol: str, name: str = "A COMPANY", kind: str = "EQ", segment: str = "NSE", exchange: str = "NSE", **cells: str
) -> str:
    values = {"token": "408065", "expiry": "", "strike": "0", "tick": "0.05", "lot": "1", **cells}
    token, expiry, strike, tick, lot = (values[key] for key in ("token", "expiry", "strike", "tick", "lot"))
    return f'{token},1594,{symbol},"{name}",0,{expiry},{strike},{tick},{lot},{kind},{segment},{exchange}\n'


def listed(*lines: str) -> bytes:
    return (HEAD + "".join(lines)).encode()


def kind_of(symbol: str, name: str = "A COMPANY") -> str:
    return str(table("zerodha", listed(line(symbol, name)))["asset_class"][0].as_py())


def test_a_share() -> None:
    row = rows("zerodha", listed(line("INFY", "INFOSYS", tick="0.10")))["INFY"]
    assert (row["native_id"], row["symbol"], row["name"], row["asset_class"]) == ("408065", "INFY", "INFOSYS", "stock")
    assert (row["currency"], row["mic"], row["exchange"], row["base"]) == ("INR", "XNSE", "NSE", None)
    assert (row["lot_size"], row["tick_size"], row["multiplier"], row["min_notional"]) == ("1", "0.1", "1", None)
    assert (row["tradable"], row["fractionable"], row["inactive_reason"], row["expiry"]) == (True, False, None, None)


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("INFY", "stock"),
        ("M&M", "stock"),
        ("BAJAJ-AUTO", "stock"),
        ("NAM-INDIA", "stock"),
        ("MCDOWELL-N", "stock"),
        ("AAKASH-BE", "stock"),
        ("SANWARIA-BZ", "stock"),
        ("OMFURN-SM", "stock"),
        ("MILTON-ST", "stock"),
        ("EMBASSY-RR", "stock"),
        ("SGBSEP28VI-GB", "bond"),
        ("622GS2035-GS", "bond"),
        ("656KA30-SG", "bond"),
        ("364D190326-TB", "bond"),
        ("965SCL25C-N0", "bond"),
        ("850NHAI29-N5", "bond"),
        ("97SFL28-YS", "bond"),
        ("971SCL28I-BC", "bond"),
        ("965SCL28-AK", "bond"),
        ("CHOLAFIN-D1", "bond"),
        ("ANURAS-W1", "warrant"),
        ("TVSMNCRPS-P1", "other"),
        ("SOLARAPP1-E1", "other"),
        ("MHLSRG-SF", "other"),
        ("SOMEFUND-MF", "other"),
        ("RIGHTS-RE", "other"),
        ("INFY-BL", "other"),
        ("GOLDBEINAV", "index"),
        ("HDFCSIINAV-RL", "index"),
    ],
)
def test_the_series_tells_the_kind(symbol: str, kind: str) -> None:
    assert kind_of(symbol) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NIPPON INDIA ETF NIFTY 100", "etf"),
        ("UTI MUTUAL FUND - UTI GOLD EXCHANGE TRADED FUND", "etf"),
        ("MIRAEAMC - DEFENCE", "etf"),
        ("QUANTUM GOLD FUND", "etf"),
        ("HDFC AMC", "stock"),
        ("ICICI PRUDENTIAL AMC", "stock"),
        ("SKY GOLD AND DIAMONDS", "stock"),
        ("NETFLICKS", "stock"),
        ("", "stock"),
    ],
)
def test_a_fund_says_so_in_its_name(name: str, kind: str) -> None:
    assert kind_of("SYMBOL", name) == kind


def test_an_index_and_a_value_are_quoted_but_not_traded() -> None:
    payload = listed(
        line("NIFTY 50", segment="INDICES", tick="0", lot="0"), line("GOLDBEINAV", "GOLDBEES NAV"), line("AARNAV", "AARNAV")
    )
    found = rows("zerodha", payload)
    assert [(row["asset_class"], row["tradable"], row["inactive_reason"]) for row in found.values()] == [
        ("index", False, "index"),
        ("index", False, "index"),
        ("stock", True, None),
    ]
    assert (found["NIFTY 50"]["lot_size"], found["NIFTY 50"]["tick_size"]) == ("1", "0.01")


def test_derivatives_and_the_other_exchanges() -> None:
    payload = listed(
        line("NIFTY26MARFUT", "NIFTY", "FUT", "NFO-FUT", "NFO", expiry="2026-03-30", lot="65"),
        line("NIFTY26MAR24000CE", "NIFTY", "CE", "NFO-OPT", "NFO", expiry="2026-03-20", strike="24000", lot="65"),
        line("SENSEX26MAR80000PE", "SENSEX", "PE", "BFO-OPT", "BFO", expiry="2026-03-19", strike="80000", lot="20"),
        line("USDINR26MARFUT", "USDINR", "FUT", "CDS-FUT", "CDS", expiry="2026-03-27", tick="0.0025"),
        line("INFY", "INFOSYS", "EQ", "BSE", "BSE"),
        line("ODD", "ODD", "NEW", "XYZ", "XYZ"),
    )
    found = table("zerodha", payload).to_pylist()
    assert [(r["asset_class"], r["expiry"], r["mic"], r["lot_size"], r["tradable"], r["inactive_reason"]) for r in found] == [
        ("future", "2026-03-30", "XNSE", "65", True, None),
        ("option", "2026-03-20", "XNSE", "65", True, None),
        ("option", "2026-03-19", "XBOM", "20", False, "expired"),
        ("future", "2026-03-27", "XNSE", "1", True, None),
        ("stock", None, "XBOM", "1", True, None),
        ("other", None, "", "1", True, None),
    ]
    assert (found[3]["tick_size"], found[5]["exchange"]) == ("0.0025", "XYZ")


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"token": "x12"}, "instrument_token"),
        ({"token": ""}, "instrument_token"),
        ({"tick": "-1"}, "tick_size"),
        ({"tick": ""}, "tick_size"),
        ({"lot": "many"}, "lot_size"),
        ({"expiry": "30-03-2026"}, "expiry"),
    ],
)
def test_one_row_that_makes_no_sense_spoils_the_list(cells: dict[str, str], column: str) -> None:
    with pytest.raises(BrokerUnavailable, match=rf"row 3, {column}: '"):
        table("zerodha", listed(line("GOOD"), line("INFY", **cells)))


def test_a_list_that_was_cut_or_has_lost_a_column() -> None:
    whole = listed(line("GOOD"), line("INFY"))
    with pytest.raises(BrokerUnavailable, match="zerodha sent no instruments"):
        table("zerodha", whole[:-20])
    with pytest.raises(BrokerUnavailable, match="lot_size"):
        table("zerodha", whole.replace(b"lot_size", b"lots"))
    with pytest.raises(BrokerUnavailable, match="listed nothing"):
        table("zerodha", HEAD.encode())
    with pytest.raises(BrokerUnavailable, match="zerodha"):
        table("zerodha", whole.replace(b"GOOD", b"\xff\xfe"))


WORDS = st.text(st.characters(codec="ascii", categories=("Lu", "Nd"), include_characters="&- "), min_size=1, max_size=12)
NUMBERS = st.decimals(min_value="0.0001", max_value=10**6, places=4)


@given(st.lists(st.tuples(WORDS.map(lambda w: f"A{w}Z"), NUMBERS), min_size=1, max_size=20))
def test_every_line_gives_one_row_with_its_own_numbers(lines: list[tuple[str, object]]) -> None:
    read = table("zerodha", listed(*(line(symbol, tick=str(tick)) for symbol, tick in lines))).to_pylist()
    assert [(row["symbol"], type(tick)(row["tick_size"])) for row, (_, tick) in zip(read, lines, strict=True)] == lines
    assert not any(row["tick_size"].endswith((".", ".0")) for row in read)


def test_the_real_list_of_the_nse(shared_data: Path) -> None:
    read = table("zerodha", (shared_data / "zerodha" / "instruments_nse_2026-03.csv").read_bytes(), date(2026, 3, 20))
    assert counted(read, "asset_class") == {"stock": 2816, "etf": 317, "bond": 5805, "index": 453, "other": 27, "warrant": 2}
    assert counted(read, "inactive_reason") == {None: 8967, "index": 453}  # 136 indices and 317 funds' values
    assert counted(read, "mic") == {"XNSE": 9420}
    kinds = dict(zip(read["symbol"].to_pylist(), read["asset_class"].to_pylist(), strict=True))
    named = ("RELIANCE", "M&M", "BAJAJ-AUTO", "HDFCAMC", "NIFTYBEES", "NIFTY 50", "TVSMOTOR", "TVSMNCRPS-P1")
    assert [kinds[name] for name in named] == ["stock", "stock", "stock", "stock", "etf", "index", "stock", "other"]
    long = max(read["tick_size"].to_pylist(), key=len)
    assert len(long) == 4
    assert BROKERS["zerodha"]["exchanges"]["BSE"] == "XBOM"
