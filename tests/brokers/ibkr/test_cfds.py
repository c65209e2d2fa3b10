"""A CFD bears its share's symbol, name, currency and ISIN: neither is ever taken for the other."""

from decimal import Decimal

import pyarrow as pa
import pytest

from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import OrderState
from include.mapping.matcher import match
from include.sandbox.ibkr import contracts
from include.sandbox.ibkr.server import running_ibkr_venue
from include.settings import load_settings
from tests.brokers.ibkr.kinds import CFD, KINDS, STOCK, kind_of, kinds_book
from tests.brokers.ibkr.venue import found, instrument, make_book, make_broker, order

APPLE = "US0378331005"
BY_ISIN = instrument("AAPL", "Apple Inc", "USD", "US", APPLE)
BY_SYMBOL = instrument("AAPL", "Apple Inc", "USD", "US")
BY_NAME = instrument("NOSUCH", "Apple Inc", "USD", "US")
SHARES = pytest.mark.parametrize("share", [BY_ISIN, BY_SYMBOL, BY_NAME], ids=["isin", "symbol", "name"])


def as_cfd(share: Instrument) -> Instrument:
    return share.model_copy(update={"asset_class": AssetClass.CFD})


def said(broker: IbkrBroker, wanted: Instrument) -> tuple[str, str | None, str | None]:
    """What the matcher makes of what the look-ups found."""
    table = pa.Table.from_batches(broker.contracts([wanted]), CONTRACT_SCHEMA)
    (mapping,) = match([wanted], table, load_settings().markets, broker.capabilities.knows_isin, broker.name)
    return mapping.status.value, mapping.contract.native_id if mapping.contract else None, mapping.reason


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
        assert said(broker, share)[:2] == ("not_found", None)


@pytest.mark.parametrize(
    ("gone", "wanted"), [(STOCK, BY_ISIN), (CFD, as_cfd(BY_ISIN)), (STOCK, BY_SYMBOL), (CFD, as_cfd(BY_SYMBOL))]
)
def test_a_tws_that_does_not_mind_the_kind_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, gone: int, wanted: Instrument
) -> None:
    monkeypatch.setattr(contracts, "_fits", lambda listing, query: query.currency in ("", listing.currency))
    book = make_book([each for each in KINDS if each.native_id != str(gone) and each.asset_class in ("stock", "cfd")])
    with running_ibkr_venue(book) as port, make_broker(port) as broker:
        assert found(broker, wanted), "the other one is told"
        told = said(broker, wanted)
        assert told[:2] == ("not_found", None)
    assert told[2] in ("asset_class_mismatch", "market_mismatch")  # by symbol, a CFD is on no market of shares


def test_a_cfd_is_matched_by_its_isin() -> None:
    with running_ibkr_venue(kinds_book()) as port, make_broker(port) as broker:
        assert said(broker, as_cfd(BY_ISIN)) == ("matched", str(CFD), None)
        assert said(broker, BY_ISIN) == ("matched", str(STOCK), None)


def test_a_cfd_that_was_bought_is_no_share() -> None:
    book = kinds_book()
    with running_ibkr_venue(book) as port, make_broker(port, for_orders=True) as broker:
        report = broker.submit(order(contract=kind_of(CFD)))
        assert report.state is OrderState.FILLED
        snapshot = broker.snapshot("2025-09-18", book.clock())
    assert (snapshot.held(str(CFD)), snapshot.held(str(STOCK))) == (Decimal(10), Decimal(0))
