"""Look-ups through the unmodified ib_insync against the local TWS."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable, RateLimited
from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.venue import (
    MemoryLookups,
    asked,
    busiest_second,
    found,
    instrument,
    listing,
    make_book,
    make_broker,
)

APPLE = instrument("AAPL", "Apple Inc", "USD", "US", "US0378331005")
MBS = instrument("1401.T", "Mbs Inc", "JPY", "XTKS", "JP3167660004")


def test_an_isin_and_its_currency_decide(book: VenueBook, port: int) -> None:
    with make_broker(port) as broker:
        (apple,) = found(broker, APPLE)
    assert (apple.native_id, apple.symbol, apple.currency, apple.exchange, apple.mic) == (
        "265598",
        "AAPL",
        "USD",
        "NASDAQ",
        "XNAS",
    )
    assert (apple.isin, apple.evidence, apple.name) == ("US0378331005", "isin=US0378331005", "APPLE INC")
    assert (apple.lot_size, apple.tick_size, apple.tradable) == (Decimal(1), Decimal("0.01"), True)
    assert asked(book, "contract_details", "matching_symbols") == ["isin=US0378331005;currency=USD"]


def test_lots_and_names_are_what_the_details_say(port: int) -> None:
    with make_broker(port) as broker:
        mbs, ferry = found(broker, MBS, instrument("AERO.CO", "Ærø Færger", "DKK", "XCSE", "DK0000000001"))
    assert (mbs.lot_size, mbs.tick_size, mbs.mic) == (Decimal(100), Decimal(1), "XTKS")
    assert ferry.name == "ÆRØ FÆRGER A/S"


def test_other_listings_of_an_isin_are_found_without_its_currency(book: VenueBook, port: int) -> None:
    with make_broker(port) as broker:
        rows = found(broker, instrument("APC.SW", "Apple Inc", "CHF", "XSWX", "US0378331005"))
    assert {row.native_id for row in rows} == {"265598", "38708077"}
    assert asked(book, "contract_details") == [
        "isin=US0378331005;currency=CHF",
        "isin=US0378331005",
        "symbol=APC;exchange=SMART;currency=CHF",
    ]
    assert asked(book, "matching_symbols") == []


@pytest.mark.parametrize(
    ("wanted", "con_id", "evidence"),
    [
        (instrument("ROCK-A.CO", "ROCKWOOL International A/S", "DKK", "XCSE", "DK0010219070"), "773314785", "symbol=ROCKA"),
        (instrument("CCL-A.TO", "CCL Industries Inc.", "CAD", "XTSE"), "14889177", "symbol=CCL.A"),
        (instrument("EVPL.L", "Everplay Group PLC", "GBP", "XLON"), "319091809", "name=Everplay"),
        (instrument("ILYDA.AT", "Ilyda SA", "EUR", "ASEX", "GRS475003018"), "621515874", "name=Ilyda"),
    ],
)
def test_weaker_keys_follow_a_definite_miss(port: int, wanted: object, con_id: str, evidence: str) -> None:
    with make_broker(port) as broker:
        (row,) = found(broker, wanted)  # type: ignore[arg-type]
    assert (row.native_id, row.evidence, row.isin) == (con_id, evidence, None)


def test_london_is_quoted_in_pence_and_told_in_pounds(port: int) -> None:
    with make_broker(port) as broker:
        (row,) = found(broker, instrument("TM17.L", "Everplay Group PLC", "GBP", "XLON"))
    assert (row.price_magnifier, row.tick_size, row.currency) == (Decimal(100), Decimal("0.005"), "GBP")


def test_a_dead_listing_is_not_tradable(port: int) -> None:
    with make_broker(port) as broker:
        (row,) = found(broker, instrument("DWHT.L", "Dewhurst plc", "GBP", "XLON"))
    assert (row.symbol, row.tradable, row.inactive_reason) == ("DWHT.OLD", False, "delisted")


def test_a_symbol_of_another_market_is_no_answer(port: int) -> None:
    with make_broker(port) as broker:
        assert found(broker, instrument("SPY.MI", "Somebody Else", "USD", "XMIL")) == []


def test_an_unknown_market_takes_the_symbol_where_it_is(port: int) -> None:
    with make_broker(port) as broker:
        (row,) = found(broker, instrument("SPY", "SPDR S&P 500", "USD", "XXXX"))
    assert (row.native_id, row.asset_class) == ("756733", AssetClass.ETF)


def test_one_contract_is_one_row_with_the_strongest_evidence(port: int) -> None:
    by_symbol = instrument("AAPL", "Apple Inc", "USD", "US")
    with make_broker(port) as broker:
        (row,) = found(broker, by_symbol, APPLE, APPLE)
    assert row.evidence == "isin=US0378331005"


def test_kinds_that_are_not_looked_up_cost_nothing(book: VenueBook, port: int) -> None:
    with make_broker(port) as broker:
        assert found(broker, instrument("ESZ6", "E-mini S&P 500", "USD", "XCME", asset_class="future")) == []
        assert found(broker, instrument("NOPAIR", "Nothing", "USD", "CRYPTO", asset_class="crypto")) == []
        assert found(broker) == []
    assert asked(book, "contract_details", "matching_symbols") == []


def test_a_second_run_asks_nothing(book: VenueBook, port: int) -> None:
    wanted = [APPLE, MBS, instrument("EVPL.L", "Everplay Group PLC", "GBP", "XLON"), instrument("NO.AT", "Nobody", "EUR", "ASEX")]
    lookups = MemoryLookups()
    with make_broker(port, lookups=lookups) as broker:
        first = found(broker, *wanted)
    asked_before = len(asked(book, "contract_details", "matching_symbols"))
    with make_broker(port, lookups=lookups) as broker:
        second = found(broker, *wanted)
    assert first == second
    assert [row.native_id for row in first] == ["265598", "211595875", "319091809"]
    assert asked_before == 2 + 2 + 2 + 1  # ISINs, symbols, names, one name resolved by conId
    assert len(asked(book, "contract_details", "matching_symbols")) == asked_before
    assert lookups.gets == 2


def questions(book: VenueBook) -> int:
    """How many, but for the ends of connections, which are noted when the venue notices them."""
    return sum(1 for _, kind, _ in book.requests if kind != "closed")


def test_what_the_cache_knows_needs_no_connection(book: VenueBook, port: int) -> None:
    lookups = MemoryLookups()
    wanted = [APPLE, MBS, instrument("NOPE", "Nobody Knows It", "USD", "US")]
    with make_broker(port, lookups=lookups, connects_when_asked=True) as broker:
        assert questions(book) == 0
        cold = found(broker, *wanted)
    before = questions(book)
    assert before > 0
    with make_broker(port, lookups=lookups, connects_when_asked=True) as broker:
        assert found(broker, *wanted) == cold
    assert questions(book) == before
    with make_broker(port, lookups=lookups, connects_when_asked=True) as broker:
        found(broker, APPLE, instrument("IBM", "International Business Machines", "USD", "US"))  # one that nobody knows yet
    assert questions(book) > before


def test_a_second_run_on_the_same_connection_sends_no_message(book: VenueBook, port: int) -> None:
    with make_broker(port, lookups=MemoryLookups()) as broker:
        found(broker, APPLE, MBS)
        before = len(book.requests)
        found(broker, MBS, APPLE)
        assert len(book.requests) == before


def test_what_was_not_found_is_forgotten_sooner(port: int) -> None:
    lookups = MemoryLookups()
    before = datetime.now(UTC)
    with make_broker(port, lookups=lookups, lookup_ttl_hours=100, not_found_ttl_hours=2) as broker:
        found(broker, APPLE, instrument("NO.AT", "Nobody", "EUR", "ASEX"))
    lifetimes = {key: expires - before for key, (_, expires) in lookups.rows.items()}
    assert lifetimes["isin=US0378331005;currency=USD"] > timedelta(hours=99)
    assert timedelta(hours=1) < lifetimes["symbol=NO;currency=EUR"] < timedelta(hours=3)


def test_pacing_holds_in_every_second_of_the_venues_own_log() -> None:
    many = [listing(1000 + n, f"S{n}", f"COMPANY {n}", "USD", "NYSE", isin=f"US{n:09d}1") for n in range(110)]
    book = make_book(many)
    wanted = [instrument(f"S{n}", f"Company {n}", "USD", "US", f"US{n:09d}1") for n in range(110)]
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        assert len(found(broker, *wanted)) == 110
    assert len(asked(book, "contract_details")) == 110
    assert busiest_second(book) <= 50


def test_name_searches_keep_their_own_pace(book: VenueBook, port: int) -> None:
    with make_broker(port) as broker:
        found(broker, *(instrument(f"N{n}.AT", f"Nobody{n}", "EUR", "ASEX") for n in range(3)))
    times = [time for time, kind, _ in book.requests if kind == "matching_symbols"]
    assert len(times) == 3
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))


def test_no_answer_is_never_not_found(book: VenueBook, port: int) -> None:
    lookups = MemoryLookups()
    with make_broker(port, lookups=lookups, timeout_seconds=0.3) as broker:
        book.faults.add("silent")
        with pytest.raises(BrokerUnavailable, match="did not answer"):
            found(broker, APPLE, MBS)
        asked = {key for key in lookups.rows if not key.startswith("rules=")}
        assert asked <= {"isin=US0378331005;currency=USD", "isin=JP3167660004;currency=JPY"}
        assert all(rows != "[]" for rows, _ in lookups.rows.values())
        assert len(found(broker, APPLE, MBS)) == 2


def test_a_silent_name_search_is_never_not_found(book: VenueBook, port: int) -> None:
    lookups = MemoryLookups()
    with make_broker(port, lookups=lookups, timeout_seconds=0.3) as broker:
        found(broker, APPLE)
        symbol = "symbol=EVPL;currency=GBP"
        lookups.put("ibkr", {symbol: []}, datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
        book.faults.add("silent")
        with pytest.raises(BrokerUnavailable):
            found(broker, instrument("EVPL.L", "Everplay Group PLC", "GBP", "XLON"))
    assert not [key for key in lookups.rows if key.startswith("name=")]


def test_an_answer_that_cannot_be_decoded_is_never_not_found(book: VenueBook, port: int) -> None:
    lookups = MemoryLookups()
    with make_broker(port, lookups=lookups) as broker:
        book.faults.add("garbage")
        with pytest.raises(BrokerUnavailable, match="cannot be decoded"):
            found(broker, APPLE)
        assert lookups.rows == {}
        assert [row.native_id for row in found(broker, APPLE)] == ["265598"]


def test_asking_too_fast_is_said_and_drops_the_line(port: int) -> None:
    many = [instrument(f"X{n}", "", "USD", "US") for n in range(120)]
    pacing = {"limits": {"messages": {"allowed": 500, "seconds": 1}}, "weights": {"*": {"messages": 1}}}
    with (
        make_broker(port, pacing=pacing) as broker,
        pytest.raises(RateLimited, match="Max rate of messages"),
    ):
        found(broker, *many)


def test_the_isin_ibkr_tells_stands_beside_the_one_it_was_asked_for(port: int) -> None:
    lookups = MemoryLookups()
    with make_broker(port, lookups=lookups) as broker:
        found(broker, APPLE)
        now = datetime.now(UTC)
        (apple,) = lookups.get(broker.source, ["isin=US0378331005;currency=USD"], now).values()
        lookups.put(broker.source, {"isin=US5949181045;currency=USD": apple}, now, now + timedelta(hours=1))
        rows = found(broker, instrument("MSFT", "Microsoft Corp", "USD", "US", "US5949181045"))
    assert [(row.native_id, row.isin) for row in rows] == [("265598", "US5949181045"), ("265598", "US0378331005")]


def test_a_contract_that_answers_to_two_isins_keeps_both() -> None:
    twice = [listing(1, "XYZ", "XYZ CORP", "USD", "NYSE", isin=isin) for isin in ("US0378331005", "US5949181045")]
    wanted = [instrument(ticker, "Xyz", "USD", "US", each.isin) for ticker, each in zip("XY", twice, strict=True)]
    with running_ibkr_venue(make_book(twice)) as port, make_broker(port) as broker:
        rows = found(broker, *wanted)
    assert {(row.native_id, row.isin) for row in rows} == {("1", "US0378331005"), ("1", "US5949181045")}
