"""What IBKR tells of a share and of its CFD, matched: neither is ever taken for the other."""

import pyarrow as pa
import pytest

from include.brokers.ibkr.adapter import IbkrBroker
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import Instrument
from include.mapping.matcher import match
from include.sandbox.ibkr import contracts
from include.sandbox.ibkr.server import running_ibkr_venue
from include.settings import load_settings
from tests.brokers.ibkr.kinds import CFD, KINDS, STOCK, kinds_book
from tests.brokers.ibkr.test_cfds import BY_ISIN, BY_SYMBOL, as_cfd
from tests.brokers.ibkr.venue import found, make_book, make_broker


def said(broker: IbkrBroker, wanted: Instrument) -> tuple[str, str | None, str | None]:
    """What the matcher makes of what the look-ups found."""
    table = pa.Table.from_batches(broker.contracts([wanted]), CONTRACT_SCHEMA)
    (mapping,) = match([wanted], table, load_settings().markets, broker.capabilities.knows_isin, broker.name)
    return mapping.status.value, mapping.contract.native_id if mapping.contract else None, mapping.reason


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
