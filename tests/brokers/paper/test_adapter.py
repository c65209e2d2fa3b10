from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from include.brokers.base import BrokerContext, ResendClass
from include.brokers.paper import account as account_module
from include.brokers.paper.adapter import PaperBroker
from include.domain.account import Account, Environment
from include.domain.contract import CONTRACT_SCHEMA, from_row
from include.domain.instrument import Instrument
from include.domain.order import Order, OrderState, Side
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    DuplicateOrder,
    InputError,
    InsufficientFunds,
    InvalidQuantity,
    InvalidSymbol,
    NotPermitted,
    OrderRejected,
)
from include.settings import load_settings
from tests.brokers.paper.conftest import NOW, Mirror, Store

Open = Callable[..., PaperBroker]
Make = Callable[..., Order]
LATER = NOW + timedelta(minutes=10)
YEN = {"native_id": "ibkr:2", "symbol": "2222", "currency": "JPY", "lot_size": "100"}


def wanted(isin: str) -> Instrument:
    return Instrument(instrument_id=f"isin:{isin}", ticker="X", name="X", isin=isin, currency="USD", market="US")


def test_contracts_are_the_mirrors_under_our_name(open_paper: Open) -> None:
    with open_paper() as broker:
        table = pa.Table.from_batches(broker.contracts([wanted("US0000000001")]))
    assert table.schema == CONTRACT_SCHEMA
    (row,) = table.to_pylist()
    assert (row["broker"], row["native_id"], row["name"], row["isin"]) == ("paper", "ibkr:1", "One Inc", "US0000000001")


def test_capabilities_follow_the_mirror(open_paper: Open) -> None:
    found = open_paper().capabilities
    assert (found.lists_all, found.knows_isin, found.resend) == (False, True, ResendClass.DUPLICATE_REFUSED)
    assert found.asset_classes == {"stock", "etf"}
    assert {"limit", "market"} <= found.order_types


def test_a_mirror_that_knows_no_isins_makes_a_paper_broker_that_knows_none(open_paper: Open, mirror: Mirror) -> None:
    mirror.capabilities = replace(mirror.capabilities, knows_isin=False)
    assert not open_paper().capabilities.knows_isin


def test_quotes_go_through_the_mirror_and_back(open_paper: Open, order: Make) -> None:
    broker = open_paper()
    contract = order().contract
    unknown = contract.model_copy(update={"native_id": "ibkr:3"})
    quotes = broker.quotes([contract, unknown])
    assert list(quotes) == ["ibkr:1"]
    assert (quotes["ibkr:1"].native_id, quotes["ibkr:1"].bid, quotes["ibkr:1"].ask) == ("ibkr:1", 99, 101)
    assert broker.quotes([]) == {}
    assert broker.fx_quotes("EUR", ["USD", "CHF"]).keys() == {"USD"}


@pytest.mark.parametrize("changes", [{"native_id": "alpaca:1"}, {"native_id": "1"}, {"broker": "ibkr", "native_id": "1"}])
def test_foreign_contracts_are_refused(open_paper: Open, order: Make, changes: dict[str, object]) -> None:
    broker = open_paper()
    with pytest.raises(InvalidSymbol):
        broker.quotes([order(contract=changes).contract])
    with pytest.raises(InvalidSymbol):
        broker.submit(order(contract=changes))
    assert broker.find_order("A") is None


def test_a_purchase_in_dollars_is_paid_in_euros_at_the_mirrors_rate(open_paper: Open, order: Make) -> None:
    broker = open_paper()
    report = broker.submit(order())
    assert (report.state, report.average_price, report.filled_quantity) == (OrderState.FILLED, 101, 10)
    assert (report.client_order_id, report.native_id, report.side) == ("A", "ibkr:1", Side.BUY)
    snapshot = broker.snapshot("2026-03-02", LATER)
    assert snapshot.settled_cash == {"EUR": Decimal(100000) - Decimal(1010) / Decimal("1.25")}
    assert snapshot.equity == Decimal(100000) - Decimal(1010) / Decimal("1.25") + Decimal(1000) / Decimal("1.25")
    (held,) = snapshot.positions
    assert (held.native_id, held.name, held.isin, held.mic) == ("ibkr:1", "One Inc", "US0000000001", "XNAS")
    assert (held.quantity, held.average_cost, held.market_price) == (10, 101, 100)
    assert (snapshot.currency, snapshot.session, snapshot.taken_at) == ("EUR", "2026-03-02", LATER)
    assert (snapshot.broker, snapshot.environment, snapshot.account_id) == ("paper", Environment.PAPER, "paper-shadow")


def test_a_sale_brings_euros(open_paper: Open, order: Make) -> None:
    broker = open_paper()
    broker.submit(order("A", quantity="100", limit="1700", contract=YEN))
    broker.submit(order("B", Side.SELL, quantity="100", limit=None, contract=YEN))
    snapshot = broker.snapshot("2026-03-02", NOW)
    assert snapshot.settled_cash == {"EUR": Decimal(100000) - 161000 / Decimal(160) + 159000 / Decimal(160)}
    assert snapshot.positions == ()


def test_foreign_starting_cash_is_spent_first(open_paper: Open, order: Make) -> None:
    broker = open_paper(starting_cash={"EUR": "1000", "USD": "510"})
    assert broker.snapshot("s", NOW).equity == Decimal(1000) + Decimal(510) / Decimal("1.25")
    broker.submit(order())
    assert broker.snapshot("s", NOW).settled_cash == {"EUR": Decimal(600)}


def test_costs_come_from_the_configuration(open_paper: Open, order: Make) -> None:
    broker = open_paper(slippage_bp=50, commission_bp=10, commission_minimum=2)
    report = broker.submit(order(limit="105"))
    assert report.average_price == Decimal("101.505")
    assert report.fills[0].commission == 2


def test_the_same_id_twice_is_a_duplicate_also_for_another_process(open_paper: Open, order: Make, store: Store) -> None:
    open_paper().submit(order())
    with pytest.raises(DuplicateOrder):
        open_paper().submit(order())
    assert open_paper().snapshot("s", NOW).positions[0].quantity == 10
    assert store.saves >= 1


def test_a_refused_order_leaves_nothing(open_paper: Open, order: Make, mirror: Mirror, store: Store) -> None:
    broker = open_paper()
    cases: list[tuple[Order, type[Exception]]] = [
        (order(quantity="5000"), InsufficientFunds),
        (order(side=Side.SELL), NotPermitted),
        (order(quantity="50", limit="1700", contract=YEN), InvalidQuantity),
        (order(limit="0"), InvalidQuantity),
        (order(contract={"tradable": False}), InvalidSymbol),
        (order(limit=None, contract={"native_id": "ibkr:3"}), OrderRejected),
        (order(contract={"currency": "CHF"}), BrokerUnavailable),
    ]
    for refused, kind in cases:
        with pytest.raises(kind):
            broker.submit(refused)
    assert broker.find_order("A") is None
    assert store.saves == 1, "looking made the account, refusals wrote nothing"
    mirror.has_fx = False
    with pytest.raises(BrokerUnavailable, match="no rate for USD"):
        broker.submit(order())
    assert broker.submit(order(contract={"currency": "EUR"})).state is OrderState.FILLED


def test_a_resting_order_fills_when_somebody_looks_later(open_paper: Open, order: Make, mirror: Mirror) -> None:
    assert open_paper().submit(order(limit="100")).state is OrderState.ACCEPTED
    (resting,) = open_paper().snapshot("s", NOW).open_orders
    assert (resting.client_order_id, resting.state) == ("A", OrderState.ACCEPTED)
    mirror.prices["1"] = (Decimal(94), Decimal(95), Decimal(94))
    mirror.time = LATER
    report = open_paper(at=LATER).find_order("A")
    assert report is not None
    assert (report.state, report.average_price, report.fills[0].time) == (OrderState.FILLED, 95, LATER)


def test_a_resting_order_ends_with_its_session(open_paper: Open, order: Make) -> None:
    open_paper().submit(order(limit="90"))
    report = open_paper(at=NOW + timedelta(hours=6)).find_order("A")
    assert report is not None
    assert report.state is OrderState.EXPIRED


def test_an_order_of_an_old_session_stands_a_day(open_paper: Open, order: Make) -> None:
    open_paper().submit(order(limit="90", valid_until=NOW - timedelta(days=30)))
    assert [open_paper(at=NOW + timedelta(hours=h)).find_order("A").state for h in (23, 24)] == [  # type: ignore[union-attr]
        OrderState.ACCEPTED,
        OrderState.EXPIRED,
    ]


def test_orders_can_be_found_and_cancelled_without_the_mirror(open_paper: Open, order: Make, mirror: Mirror) -> None:
    broker = open_paper()
    broker.submit(order(limit="90"))
    mirror.down = True
    found = broker.find_order("A")
    assert found is not None
    assert found.state is OrderState.ACCEPTED
    assert broker.cancel("A").state is OrderState.CANCELLED
    with pytest.raises(OrderRejected, match="no order B"):
        broker.cancel("B")


def test_cancelling_after_the_price_came_gives_the_fill(open_paper: Open, order: Make, mirror: Mirror) -> None:
    broker = open_paper()
    broker.submit(order(limit="90"))
    mirror.prices["1"] = (Decimal(88), Decimal(89), Decimal(88))
    assert broker.cancel("A").state is OrderState.FILLED


def test_what_cannot_be_read_is_unavailable_never_empty(open_paper: Open, order: Make, mirror: Mirror, store: Store) -> None:
    broker = open_paper()
    broker.submit(order())
    mirror.down = True
    with pytest.raises(BrokerUnavailable):
        list(broker.contracts([wanted("US0000000001")]))
    with pytest.raises(BrokerUnavailable):
        broker.snapshot("s", NOW)
    with pytest.raises(BrokerUnavailable):
        broker.submit(order("B"))
    alone = PaperBroker(broker.account, BrokerContext(accounts=store))
    with pytest.raises(BrokerUnavailable, match="not open"):
        list(alone.contracts([]))
    assert not alone.capabilities.lists_all


def test_a_position_without_a_quote_keeps_its_last_price(open_paper: Open, order: Make, mirror: Mirror) -> None:
    broker = open_paper()
    broker.submit(order())
    del mirror.prices["1"]
    assert broker.snapshot("s", NOW).positions[0].market_price == 100


def test_cash_in_a_currency_without_a_rate_cannot_be_valued(open_paper: Open) -> None:
    broker = open_paper(starting_cash={"EUR": "1", "CHF": "1"})
    with pytest.raises(BrokerUnavailable, match="CHF per EUR"):
        broker.snapshot("s", NOW)


def test_overtaken_by_another_process_it_starts_from_what_that_one_wrote(open_paper: Open, order: Make, store: Store) -> None:
    broker = open_paper()
    store.meanwhile.append(lambda: open_paper().submit(order("B", quantity="5")))
    assert broker.submit(order("A")).state is OrderState.FILLED
    assert broker.snapshot("s", NOW).positions[0].quantity == 15


def test_overtaken_with_the_same_order_it_is_sent_once(open_paper: Open, order: Make, store: Store) -> None:
    store.meanwhile.append(lambda: open_paper().submit(order("A")))
    with pytest.raises(DuplicateOrder):
        open_paper().submit(order("A"))
    assert open_paper().snapshot("s", NOW).positions[0].quantity == 10


def test_always_overtaken_it_gives_up_without_a_trace(
    open_paper: Open, order: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "ATTEMPTS", 3)
    names = iter("BCDEFG")
    store.meanwhile += [lambda: open_paper().submit(order(next(names), quantity="1")), lambda: None] * 3
    with pytest.raises(BrokerUnavailable, match="3 times"):
        open_paper().submit(order("A"))
    assert open_paper().find_order("A") is None


@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.SANDBOX])
def test_paper_and_sandbox_can_be_proven(open_paper: Open, environment: Environment) -> None:
    open_paper(environment).prove_environment()


def test_live_cannot(open_paper: Open, order: Make, store: Store) -> None:
    broker = open_paper(Environment.LIVE)
    with pytest.raises(AuthenticationFailed, match="paper-shadow"):
        broker.prove_environment()
    with pytest.raises(AuthenticationFailed):
        broker.submit(order())
    assert store.accounts == {}


def test_accounts_are_kept_apart_by_their_code(mirror: Mirror, store: Store, order: Make) -> None:
    def broker(code: str | None) -> PaperBroker:
        account = Account(account_id="paper-shadow", broker="paper", environment=Environment.PAPER, broker_account=code)
        return PaperBroker(account, BrokerContext(accounts=store, mirror=mirror), lambda: NOW)

    broker(None).submit(order())
    backfill = broker("backfill:7").snapshot("s", NOW)
    assert (backfill.positions, backfill.equity) == ((), 1_000_000)
    assert set(store.accounts) == {"paper-shadow", "backfill:7"}


def test_without_a_store_it_does_not_open() -> None:
    with pytest.raises(InputError, match="store"):
        PaperBroker(Account(account_id="p", broker="paper"), BrokerContext()).connect()


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"slippage_bp": -1}, "slippage_bp"),
        ({"starting_cash": {"EUR": "lots"}}, "starting_cash.EUR"),
        ({"starting_cash": {"EUR": "-1"}}, "starting_cash"),
        ({"latency_seconds": "soon"}, "latency_seconds"),
        ({"volume_per_quote": 0}, "volume_per_quote"),
        ({"commission_tiers": [{"above_units": -5}]}, "commission_tiers.0.above_units"),
        ({"commission_tiers": [{"over": 5}]}, "commission_tiers.0.above_units"),
    ],
)
def test_a_faulty_configuration_names_its_key(open_paper: Open, config: dict[str, object], field: str) -> None:
    with pytest.raises(InputError, match=r"paper\.yaml") as caught:
        open_paper(**config)
    assert caught.value.field == field


def test_the_shipped_configuration_opens_an_account(mirror: Mirror, store: Store) -> None:
    context = BrokerContext(config=load_settings().brokers["paper"], accounts=store, mirror=mirror)
    with PaperBroker(Account(account_id="p", broker="paper", environment=Environment.PAPER), context) as broker:
        snapshot = broker.snapshot("s", NOW)
    assert snapshot.settled_cash == {"EUR": 1_000_000}


def test_contracts_survive_the_store(open_paper: Open, order: Make, store: Store) -> None:
    open_paper().submit(order())
    loaded = store.load("paper-shadow")
    assert loaded is not None
    assert [from_row(row) for (kind, _), row in loaded[2].items() if kind == "contract"] == [order().contract]
