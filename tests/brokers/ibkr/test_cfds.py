"""A CFD bears its share's symbol, name, currency and ISIN: neither is ever taken for the other."""

from decimal import Decimal

import pytest

from include.domain.instrument import AssetClass, Instrument
from include.domain.order import OrderState
from include.sandbox.ibkr.server import running_ibkr_venue
from tests.brokers.ibkr.kinds import CFD, KINDS, STOCK, kind_of, kinds_book
from tests.brokers.ibkr.venue import found, instrument, make_book, make_broker, order

APPLE = "US0378331005"
BY_ISIN = instrument("AAPL", "Apple Inc", "USD", "US", APPLE)
BY_SYMBOL = instrument("AAPL", "Apple Inc", "USD", "US")
BY_NAME = instrument("NOSUCH", "Apple Inc", "USD", "US")
SHARES = pytest.mark.parametrize("share", [BY_ISIN, BY_SYMBOL, BY_NAME], ids=["isin", "symbol", "name"])


def as_cfd(share: Instrument) -> Instrument:
    return share.model_copy(update={"asset_class": AssetClass.CFD})


@SHARES
def test_a_share_is_looked_up_without_its_cfd(share: Instrument) -> None:
    with running_ibkr_venue(kinds_book()) as port, make_broker(port) as broker:
        assert [row.native_id for row in found(broker, share)] == [str(STOCK)]


@SHARES
def test_a_cfd_is_looked_up_without_its_share(share: Instrument) -> None:
    with running_ibkr_venue(kinds_book()) as port, make_broker(port) as broker:
        (row,) = found(broker, as_cfd(share))
    assert (row.native_id, row.asset_class, row.symbol, row.exchange) == (str(CFD), AssetClass.CFD, "AAPL", "")


@SHARES
def test_without_the_share_its_cfd_is_no_answer(share: Instrument) -> None:
    book = make_book([each for each in KINDS if each.native_id != str(STOCK)])
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        assert found(broker, share) == []


def test_a_cfd_that_was_bought_is_no_share() -> None:
    book = kinds_book()
    with running_ibkr_venue(book) as port, make_broker(port, for_orders=True) as broker:
        report = broker.submit(order(contract=kind_of(CFD)))
        assert report.state is OrderState.FILLED
        snapshot = broker.snapshot("2025-09-18", book.clock())
    assert (snapshot.held(str(CFD)), snapshot.held(str(STOCK))) == (Decimal(10), Decimal(0))
