from collections import Counter
from decimal import Decimal

import pytest
from stdnum import isin as isin_number

from include.domain.market import Market
from include.sandbox.build import Hole, HoleKind, synthetic
from include.sandbox.catalogue import Listing
from include.sandbox.rows import PricedRow
from tests.sandbox.conftest import NOW

FX = {"USD": Decimal("1.17"), "JPY": Decimal(173)}


def with_check_digit(body: str) -> str:
    return body + isin_number.calc_check_digit(body)


def many(count: int) -> list[PricedRow]:
    """A third US, a third Tokyo, a third London."""
    kinds = (("US", "US", "USD", ""), ("XTKS", "JP", "JPY", ".T"), ("XLON", "GB", "GBP", ".L"))
    return [
        PricedRow(
            ticker=f"S{number}{suffix}",
            isin=with_check_digit(f"{country}{number:09d}"),
            name=f"Company {number}",
            currency=currency,
            market=market,
            price=Decimal(100 + number),
        )
        for number in range(count)
        for market, country, currency, suffix in [kinds[number % 3]]
    ]


def found(listings: list[Listing], venue: str, row: PricedRow) -> list[Listing]:
    symbol = row.ticker.partition(".")[0]
    return [listing for listing in listings if listing.venue == venue and listing.symbol == symbol]


@pytest.fixture(scope="module")
def built(markets: dict[str, Market]) -> tuple[list[PricedRow], list[Listing], list[Hole]]:
    rows = many(300)
    return rows, *synthetic(rows, 7, FX, NOW, markets)


def test_at_most_five_percent_are_lost(built: tuple[list[PricedRow], list[Listing], list[Hole]]) -> None:
    counts = Counter(hole.kind for hole in built[2])
    assert counts == {
        HoleKind.AMBIGUOUS: 4,
        HoleKind.DELISTED: 4,
        HoleKind.MISSING: 4,
        HoleKind.RECYCLED: 3,
        HoleKind.RENAMED: 6,
        HoleKind.MISSING_AT_IBKR: 2,
        HoleKind.MISSING_AT_ALPACA: 1,
    }


def test_every_other_row_is_listed_as_it_is(built: tuple[list[PricedRow], list[Listing], list[Hole]]) -> None:
    rows, listings, holes = built
    whole = [row for row in rows if row.ticker not in {hole.ticker for hole in holes}]
    assert len(whole) == 276
    for row in whole:
        (contract,) = found(listings, "ibkr", row)
        assert (contract.isin, contract.currency, contract.price) == (row.isin, row.currency, row.price)
        assert len(found(listings, "alpaca", row)) == (row.market == "US")


def test_each_kind_of_hole_is_what_it_says(built: tuple[list[PricedRow], list[Listing], list[Hole]]) -> None:
    rows, listings, holes = built
    row_of = {row.ticker: row for row in rows}
    kind_of = {hole.ticker: hole.kind for hole in holes}
    for ticker, kind in kind_of.items():
        row = row_of[ticker]
        ibkr, alpaca = found(listings, "ibkr", row), found(listings, "alpaca", row)
        if kind is HoleKind.MISSING:
            assert (ibkr, alpaca) == ([], [])
        elif kind is HoleKind.AMBIGUOUS:
            one, two = ibkr
            assert one.native_id != two.native_id
            assert one.model_copy(update={"native_id": two.native_id}) == two
            assert alpaca == []
        elif kind is HoleKind.DELISTED:
            assert {(x.tradable, x.inactive_reason, x.price) for x in ibkr + alpaca} == {(False, "delisted", None)}
        elif kind is HoleKind.RECYCLED:
            assert ibkr[0].isin != row.isin
            assert ibkr[0].isin is not None
            assert isin_number.is_valid(ibkr[0].isin)
            assert all(x.name != row.name and x.price == row.price * 3 for x in ibkr + alpaca if row.price)
        elif kind is HoleKind.RENAMED:
            assert (ibkr[0].isin, ibkr[0].price) == (row.isin, row.price)
            assert ibkr[0].name != row.name
        elif kind is HoleKind.MISSING_AT_IBKR:
            assert (len(ibkr), len(alpaca)) == (0, 1)
        else:
            assert (len(ibkr), len(alpaca)) == (1, 0)


def test_the_seed_decides_and_order_does_not(markets: dict[str, Market]) -> None:
    rows = many(200)
    listings, holes = synthetic(rows, 1, FX, NOW, markets)
    assert synthetic(rows, 1, FX, NOW, markets) == (listings, holes)
    assert {hole.ticker: hole.kind for hole in synthetic(rows[::-1], 1, FX, NOW, markets)[1]} == {h.ticker: h.kind for h in holes}
    assert synthetic(rows, 2, FX, NOW, markets)[1] != holes


def test_few_rows_have_no_holes_and_repeated_tickers_count_once(markets: dict[str, Market]) -> None:
    rows = many(6)
    other = rows[0].model_copy(update={"name": "Later"})
    listings, holes = synthetic([*rows, other], 1, FX, NOW, markets)
    assert holes == []
    assert len(listings) == 6 + 2 + 2
    assert found(listings, "ibkr", rows[0])[0].name == "Company 0"


def test_ids_are_unique_per_venue(built: tuple[list[PricedRow], list[Listing], list[Hole]]) -> None:
    listings = built[1]
    assert len({(listing.venue, listing.native_id) for listing in listings}) == len(listings)


def test_conventions_of_the_markets(markets: dict[str, Market]) -> None:
    rows = [
        PricedRow(ticker="6095.T", isin="JP3921280007", name="M", currency="JPY", market="XTKS", price=Decimal(2500)),
        PricedRow(ticker="CLBS.L", name="C", currency="GBP", market="XLON", price=Decimal("1.8")),
        PricedRow(ticker="BRK-B", isin="US0846707026", name="B", currency="USD", market="US", price=Decimal(500)),
        PricedRow(ticker="BTC-USD", name="Bitcoin", currency="USD", market="CRYPTO", price=Decimal(60000)),
        PricedRow(ticker="SAP.DE", isin="DE0007164600", name="S", currency="EUR", market="XETR", price=None),
    ]
    tokyo, london, us, xetra, asset, bitcoin = synthetic(rows, 1, {}, NOW, markets)[0]
    assert (tokyo.exchange, tokyo.lot_size, tokyo.tick_size) == ("TSEJ", 100, Decimal("0.5"))
    assert (london.exchange, london.price_magnifier, london.price, london.isin) == ("LSE", 100, Decimal("1.8"), None)
    assert (us.symbol, asset.symbol, asset.venue, asset.isin) == ("BRK B", "BRK.B", "alpaca", None)
    assert (bitcoin.venue, bitcoin.symbol, bitcoin.asset_class, bitcoin.price) == ("alpaca", "BTC/USD", "crypto", 60000)
    assert (bitcoin.lot_size, bitcoin.exchange, bitcoin.currency) == (Decimal("0.000000001"), "CRYPTO", "USD")
    assert (xetra.exchange, xetra.price, xetra.price_time) == ("IBIS", None, None)


def test_the_markets_come_from_the_configuration_when_not_given() -> None:
    rows = [PricedRow(ticker="SAP.DE", isin="DE0007164600", name="S", currency="EUR", market="XETR", price=Decimal(1))]
    assert synthetic(rows, 1, {}, NOW)[0][0].exchange == "IBIS"


def test_pairs_of_currencies_are_listed_once_and_a_coin_alone_nowhere(markets: dict[str, Market]) -> None:
    """IBKR's currencies come from the rates; a second one from a row could not be told apart."""
    rows = [
        PricedRow(ticker="EURUSD=X", name="EUR/USD", currency="USD", market="FX", price=Decimal("1.1")),
        PricedRow(ticker="BTC.CRYPTO", name="Bitcoin", currency="USD", market="CRYPTO", price=Decimal(60000)),
    ]
    listings = synthetic(rows, 1, {"USD": Decimal("1.1")}, NOW, markets)[0]
    assert [(listing.venue, listing.symbol, listing.currency) for listing in listings] == [("ibkr", "EUR", "USD")]
