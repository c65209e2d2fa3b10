"""What `adopt` records of a contract: as the broker describes it, never what a position alone tells."""

from decimal import Decimal

import pytest

from include.cli.orders import _described
from include.domain.contract import Contract
from include.errors import InputError
from include.settings import load_settings
from tests.mapping.build import contract
from tests.steps.mapping_run import ListingBroker

EVERPLAY = "GB00BP0VT325"
BARE = Contract(broker="ibkr", native_id="319091809", symbol="TM17", name="EVERPLAY GROUP PLC", currency="GBP", mic="XLON")


def described(bare: Contract, *listed: Contract) -> Contract:
    return _described(bare, "EVPL.L", ListingBroker(listed, name="ibkr"), load_settings())


def listed(native_id: str = "319091809", isin: str | None = None) -> Contract:
    changes = {"currency": "GBP", "price_magnifier": Decimal(100), "tick_size": Decimal("0.005"), "isin": isin}
    return contract(native_id, "TM17", "EVERPLAY GROUP PLC", "XLON", **changes)


def test_london_stays_in_pence_on_the_wire() -> None:
    found = described(BARE.model_copy(update={"isin": EVERPLAY}), listed())
    assert (found.price_magnifier, found.tick_size, found.isin) == (Decimal(100), Decimal("0.005"), EVERPLAY)


@pytest.mark.parametrize("others", [[], [listed("7")], [listed(isin="US0378331005")]])
def test_what_the_broker_does_not_know_is_not_adopted(others: list[Contract]) -> None:
    with pytest.raises(InputError, match="expected ibkr to know TM17"):
        described(BARE.model_copy(update={"isin": EVERPLAY}), *others)
