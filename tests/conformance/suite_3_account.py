"""3xx: what the account holds."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.account import AccountSnapshot, Environment
from include.domain.order import OrderState, Side
from include.errors import Transient
from include.sandbox.faults import Fault
from tests.conformance.base import AWAY, ID, UNITS, Cases
from tests.conformance.cases import over
from tests.conformance.harness import PRICE
from tests.conformance.suite_2_contracts import READ_FAULTS

TAKEN_AT = datetime(2025, 9, 19, 15, 0, tzinfo=UTC)


class AccountCases(Cases):
    def snapshot(self) -> AccountSnapshot:
        """The account now."""
        return self.broker.snapshot("2025-09-18", TAKEN_AT)

    def test_c301_a_new_account(self) -> None:
        """Cash and equity of a new account; nothing is held, nothing is open."""
        found = self.snapshot()
        assert found.settled_cash["USD"] == 100_000
        assert found.equity > 0
        assert (found.positions, found.open_orders) == ((), ())
        assert (found.session, found.taken_at, found.environment) == ("2025-09-18", TAKEN_AT, Environment.SANDBOX)
        assert (found.account_id, found.broker, found.frozen) == ("conformance", self.broker.name, False)

    def test_c302_what_was_bought_is_held(self) -> None:
        """A purchase is a position, at what it cost, and the cash is gone."""
        self.bought()
        found = self.snapshot()
        [held] = found.positions
        assert (held.native_id, held.currency, held.quantity) == (self.stock.native_id, "USD", UNITS)
        assert found.held(self.stock.native_id) == UNITS
        assert held.average_cost is not None
        assert abs(held.average_cost - PRICE) < 1
        assert abs(found.settled_cash["USD"] - (100_000 - UNITS * PRICE)) < 10

    def test_c303_equity_is_cash_and_positions(self) -> None:
        """Buying at the market changes equity by the costs only; a rising market raises it by what is held."""
        before = self.snapshot().equity
        self.bought()
        bought = self.snapshot().equity
        assert 0 <= before - bought < 10
        self.venue.mark("210")
        gain = self.snapshot().equity - bought
        assert UNITS * 10 * Decimal("0.8") < gain < UNITS * 10 * Decimal("1.2")

    def test_c304_open_orders_are_told(self) -> None:
        """A resting order is among the open ones, with side and quantity."""
        self.send(limit_price=AWAY)
        [told] = self.snapshot().open_orders
        assert (told.client_order_id, told.native_id, told.side) == (ID, self.stock.native_id, Side.BUY)
        assert (told.quantity, told.state, told.filled_quantity) == (UNITS, OrderState.ACCEPTED, 0)

    def test_c305_what_is_being_sold(self) -> None:
        """A resting sale counts as being sold; the position stays until it fills."""
        self.bought()
        self.send(side=Side.SELL, limit_price=PRICE + 50, quantity=Decimal(4))
        found = self.snapshot()
        assert found.being_sold(self.stock.native_id) == 4
        assert found.held(self.stock.native_id) == UNITS

    def test_c306_what_was_sold_is_gone(self) -> None:
        """A position that was sold is not told any more, and the cash is back."""
        self.bought()
        self.send(side=Side.SELL, limit_price=PRICE - 2)
        assert self.found().state is OrderState.FILLED
        found = self.snapshot()
        assert found.positions == ()
        assert abs(found.settled_cash["USD"] - 100_000) < 10

    def test_c309_a_contract_is_one_position(self) -> None:
        """Bought twice and sold in part, a contract is one position; where the broker declares hedging, the sum of several."""
        self.bought(number=98)
        self.bought()
        self.send(side=Side.SELL, limit_price=PRICE - 2, quantity=Decimal(4))
        assert self.found().state is OrderState.FILLED
        found = self.snapshot()
        assert found.held(self.stock.native_id) == 2 * UNITS - 4
        assert len(found.positions) == 1 or self.broker.capabilities.hedging

    @over("read_fault", READ_FAULTS)
    def test_c307_unreadable_is_no_empty_account(self, read_fault: Fault) -> None:
        """An account that cannot be read is an error that may be tried again, or it is right; never empty."""
        self.bought()
        with self.misbehaving(read_fault), suppress(Transient):
            assert self.snapshot().held(self.stock.native_id) == UNITS

    @over("read_fault", READ_FAULTS)
    def test_c308_no_secret_in_an_error(self, read_fault: Fault) -> None:
        """An error of a read shows no credential."""
        self.bought()  # an account in process asks nobody while it holds nothing
        with self.misbehaving(read_fault, -1) as broker, pytest.raises(Transient) as caught:
            broker.snapshot("2025-09-18", TAKEN_AT)
        secrets = [value for name, value in broker.context.credentials.items() if "key" in name]
        assert not [value for value in secrets if value in f"{caught.value} {caught.value.context}"]
