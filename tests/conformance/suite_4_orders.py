"""4xx: every type of order with every time in force that the broker declares."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from include.brokers.base import ResendClass
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.order import OrderReport, OrderState, OrderType, Side, TimeInForce
from tests.conformance.base import AWAY, CROSSING, ID, UNITS, Cases
from tests.conformance.cases import needs, over
from tests.conformance.harness import PRICE, Ability

T, F = OrderType, TimeInForce
AT_ONCE = tuple((kind, tif) for kind in (T.MARKET, T.LIMIT) for tif in (F.DAY, F.GTC, F.IOC, F.FOK))
STANDS = (F.DAY, F.GTC)
RESTING: Mapping[OrderType, Mapping[str, Any]] = {
    T.LIMIT: {"limit_price": AWAY},
    T.STOP: {"stop_price": PRICE + 10},
    T.STOP_LIMIT: {"stop_price": PRICE + 10, "limit_price": PRICE + 15},
    T.TRAILING_STOP: {"trail_amount": Decimal(10)},
}
RESTS = tuple((kind, tif) for kind in RESTING for tif in STANDS)
EARLY = datetime(2025, 9, 19, 11, 30, tzinfo=UTC)  # New York's day, as all columns' stock is listed there
OPENING = datetime(2025, 9, 19, 13, 30, tzinfo=UTC)
CLOSING = datetime(2025, 9, 19, 20, 0, tzinfo=UTC)
AUCTIONS = ((T.MARKET_ON_OPEN, F.OPG), (T.MARKET_ON_CLOSE, F.CLS), (T.LIMIT, F.OPG), (T.LIMIT, F.CLS))


class Orders(Cases):
    def filled(self, number: int = 1, quantity: Decimal = UNITS) -> OrderReport:
        """The order, which filled whole; both sides say so."""
        report = self.agrees_with_the_venue(number)
        assert report is not None
        assert (report.state, report.filled_quantity) == (OrderState.FILLED, quantity)
        assert report.average_price is not None
        assert report.average_price > 0
        return report

    def rests(self, number: int = 1) -> OrderReport:
        """The order, which stands and has not filled."""
        report = self.agrees_with_the_venue(number)
        assert report is not None
        assert (report.state, report.filled_quantity, report.average_price) == (OrderState.ACCEPTED, 0, None)
        return report

    @over("order_type, time_in_force", AT_ONCE)
    def test_c401_fills_at_once(self, order_type: OrderType, time_in_force: TimeInForce) -> None:
        """What crosses the market fills, and is found with its price, side, quantity and contract."""
        first = self.send(order_type=order_type, time_in_force=time_in_force)
        assert first.client_order_id == ID
        report = self.filled()
        assert abs((report.average_price or 0) - PRICE) < 1
        assert (report.native_id, report.side, report.quantity) == (self.stock.native_id, Side.BUY, UNITS)
        assert report.broker_order_id
        assert sum(fill.quantity for fill in report.fills) in (0, UNITS)

    @over("order_type, time_in_force", RESTS)
    def test_c402_rests(self, order_type: OrderType, time_in_force: TimeInForce) -> None:
        """What the market has not reached rests and is found."""
        self.send(order_type=order_type, time_in_force=time_in_force, **RESTING[order_type])
        assert self.rests().quantity == UNITS

    @needs(verb="list_orders")
    @over("order_type, time_in_force", RESTS)
    def test_c403_is_listed(self, order_type: OrderType, time_in_force: TimeInForce) -> None:
        """What rests is listed as open; what is over only where that is asked for."""
        self.bought()
        self.send(order_type=order_type, time_in_force=time_in_force, **RESTING[order_type])
        assert self.listed() == [ID]
        assert set(self.listed(open_only=False)) >= {ID}

    @over("time_in_force", (F.IOC, F.FOK))
    def test_c404_now_or_never(self, time_in_force: TimeInForce) -> None:
        """What cannot fill at once, and may not wait, is cancelled."""
        self.send(limit_price=AWAY, time_in_force=time_in_force)
        report = self.agrees_with_the_venue()
        assert report is not None
        assert (report.state, report.filled_quantity) == (OrderState.CANCELLED, 0)

    @over("order_type", (T.LIMIT,))
    def test_c405_a_resting_limit_fills(self, order_type: OrderType) -> None:
        """A resting limit fills when the market comes, never at a worse price."""
        self.send(order_type=order_type, limit_price=AWAY)
        self.venue.mark(AWAY - 1)
        assert (self.filled().average_price or 0) <= AWAY

    @over("order_type", (T.STOP, T.STOP_LIMIT))
    def test_c406_a_stop_is_triggered(self, order_type: OrderType) -> None:
        """A stop stands until the market reaches it, and fills then."""
        self.send(order_type=order_type, **RESTING[order_type])
        self.venue.mark(PRICE + 9)
        self.rests()
        self.venue.mark(PRICE + 11)
        assert abs((self.filled().average_price or 0) - (PRICE + 11)) < 1

    @over("order_type", (T.STOP_LIMIT,))
    def test_c407_a_limit_behind_a_stop_holds(self, order_type: OrderType) -> None:
        """A stop with a limit that the market jumps over does not fill until it comes back."""
        self.send(order_type=order_type, **RESTING[order_type])
        self.venue.mark(PRICE + 30)
        self.rests()
        self.venue.mark(PRICE + 12)
        assert (self.filled().average_price or 0) <= PRICE + 15

    @over("trail", ("trail_amount", "trail_pct"))
    @over("order_type", (T.TRAILING_STOP,))
    def test_c408_a_trailing_stop_follows(self, order_type: OrderType, trail: str) -> None:
        """A trailing stop follows the market and is triggered when it turns."""
        self.send(order_type=order_type, **{trail: Decimal(10)})  # 10 from 180 is 190, or 10 % more: 198
        self.venue.mark("180")
        self.rests()
        self.venue.mark("199")
        self.filled()

    @over("order_type, time_in_force", AUCTIONS)
    def test_c409_waits_for_an_auction(self, order_type: OrderType, time_in_force: TimeInForce) -> None:
        """An order for an auction, sent before it, is taken and waits for it, also while the market is open."""
        if time_in_force is F.OPG:
            self.venue.clock.now = EARLY
        self.send(order_type=order_type, time_in_force=time_in_force)
        self.rests()

    @needs(ability=Ability.AUCTIONS)
    @over("order_type, time_in_force", AUCTIONS)
    def test_c410_fills_in_its_auction(self, order_type: OrderType, time_in_force: TimeInForce) -> None:
        """It fills in the auction that it waits for."""
        if time_in_force is F.OPG:
            self.venue.clock.now = EARLY
        self.send(order_type=order_type, time_in_force=time_in_force)
        self.venue.auction(OPENING if time_in_force is F.OPG else CLOSING)
        self.filled()

    @over("asset_class", tuple(AssetClass))
    def test_c411_every_kind_of_contract(self, asset_class: AssetClass) -> None:
        """Every kind of contract that the broker declares can be bought with one of the types declared for it."""
        contract = self.venue.contracts[asset_class]
        units = contract.lot_size if contract.lot_size >= 1 else Decimal("0.01")
        self.buy(contract, units)
        self.filled(quantity=units)

    def buy(self, contract: Contract, quantity: Decimal) -> None:
        """Order it at a limit that crosses."""
        times = self.broker.capabilities.for_kind(contract.asset_class).times_in_force
        ask = self.broker.quotes([contract])[contract.native_id].ask
        assert ask is not None
        limit = (ask * Decimal("1.01") / contract.tick_size).to_integral_value(ROUND_UP) * contract.tick_size
        tif = F.DAY if F.DAY in times else F.GTC
        self.send(contract=contract, limit_price=limit, quantity=quantity, time_in_force=tif)

    def test_c412_sells(self) -> None:
        """What is held can be sold."""
        self.bought()
        self.send(side=Side.SELL, limit_price=PRICE - 2)
        assert self.filled().side is Side.SELL

    @needs(flag="fractional")
    def test_c413_fractions(self) -> None:
        """A fraction is bought exactly where the contract can be split."""
        kind = AssetClass.CRYPTO if AssetClass.CRYPTO in self.venue.contracts else AssetClass.STOCK
        self.buy(self.venue.contracts[kind], Decimal("0.0125"))
        self.filled(quantity=Decimal("0.0125"))

    @needs(flag="cash_amounts")
    def test_c414_an_amount_of_money(self) -> None:
        """An order that names money buys about that much of it."""
        self.send(order_type=T.MARKET, cash_amount=Decimal(1000), quantity=Decimal(5))
        report = self.found()
        assert report.state is OrderState.FILLED
        assert abs(report.filled_quantity * (report.average_price or 0) - 1000) < 210

    @needs(flag="extended_hours")
    def test_c415_outside_of_regular_hours(self) -> None:
        """An order for extended hours is taken and found."""
        self.send(extended_hours=True, limit_price=AWAY)
        self.rests()

    @over("exit_at", (21, -21))
    @over("order_type", (T.MARKET, T.LIMIT))
    @needs(flag="brackets")
    def test_c416_a_bracket(self, order_type: OrderType, exit_at: int) -> None:
        """The closing orders of a bracket stand once the entry filled; one that fills closes the position and ends the other."""
        self.send(order_type=order_type, take_profit_price=PRICE + 20, stop_loss_price=PRICE - 20)
        report = self.found()
        assert report.state is OrderState.FILLED
        assert len(report.legs) in (0, 2)  # a broker need not tell them here
        before = self.broker.snapshot("2025-09-18", self.venue.clock())
        assert before.held(self.stock.native_id) == UNITS
        assert {told.side for told in before.open_orders} == {Side.SELL}
        self.venue.mark(PRICE + exit_at)
        self.found()
        after = self.broker.snapshot("2025-09-18", self.venue.clock())
        assert (after.held(self.stock.native_id), after.open_orders) == (0, ())

    @needs(flag="brackets")
    def test_c417_a_bracket_that_rests(self) -> None:
        """While the entry of a bracket rests, nothing can be closed; cancelling it ends all of it."""
        self.send(limit_price=AWAY, take_profit_price=PRICE + 20, stop_loss_price=PRICE - 80)
        assert self.found().state is OrderState.ACCEPTED
        assert self.broker.cancel(ID).state is OrderState.CANCELLED
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).open_orders == ()

    @needs(verb="fills")
    def test_c418_fills_are_listed(self) -> None:
        """Executions are told with our ids, oldest first, once each, and from the moment asked for."""
        self.send(1)
        self.venue.mark(PRICE)
        self.send(2)
        told = self.broker.fills(self.venue.clock().replace(hour=0))
        assert [number for number, _ in told] == [self.found(1).client_order_id, self.found(2).client_order_id]
        assert len({fill.fill_id for _, fill in told}) == 2
        assert all(fill.quantity == UNITS and fill.price < CROSSING for _, fill in told)
        assert [number for number, _ in self.broker.fills(told[1][1].time)][-1:] == [told[1][0]]
        assert self.broker.fills(self.venue.clock().replace(year=2027)) == []

    @needs(verb="list_orders")
    def test_c419_nothing_to_list(self) -> None:
        """An account without orders lists none."""
        assert self.broker.list_orders() == []

    def test_c420_a_day_order_ends_with_its_day(self) -> None:
        """An order for the day that did not fill has expired the day after."""
        self.send(limit_price=AWAY)
        self.venue.clock.now = self.venue.clock.now.replace(day=20, hour=15)
        report = self.found()
        assert (report.state, report.filled_quantity) == (OrderState.EXPIRED, 0)

    @over("time_in_force", (F.GTC,))
    def test_c421_good_till_cancelled_stays(self, time_in_force: TimeInForce) -> None:
        """An order without an end stands the day after."""
        self.send(limit_price=AWAY, time_in_force=time_in_force)
        self.venue.clock.now = self.venue.clock.now.replace(day=22)
        self.rests()

    def test_c422_declares_how_a_repeated_id_is_taken(self) -> None:
        """The adapter says what a repeated id does, and at least one type of order and one time in force."""
        able = self.broker.capabilities
        assert able.resend in ResendClass
        assert able.order_types <= {kind.value for kind in T}
        assert able.times_in_force <= {tif.value for tif in F}
        assert able.order_types
        assert able.times_in_force
