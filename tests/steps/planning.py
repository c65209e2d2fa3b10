"""Plans of two accounts, with brokers that quote 200."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.domain.contract import Contract
from include.domain.order import OrderReport, OrderState
from include.domain.quote import Quote
from include.domain.run import Run
from include.errors import BrokerUnavailable
from include.settings import load_settings
from include.steps.plan_orders import plan_orders
from include.storage.artifacts import read_json
from include.storage.database import Database
from include.storage.journal import Journal
from tests.steps.run_files import AFTER_CLOSE, make_run
from tests.trading.build import quote


class Desk:
    """Brokers that quote 200 for everything they are asked, unless told otherwise; each opening is noted."""

    def __init__(self, price: str = "200", down: tuple[str, ...] = ()) -> None:
        self.price = price
        self.down = down
        self.opened: list[str] = []
        self.known: dict[str, OrderReport] = {}

    @contextmanager
    def open(self, account_id: str) -> Iterator[Any]:
        if account_id in self.down:
            raise BrokerUnavailable(f"{account_id} is down")
        self.opened.append(account_id)
        yield self

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        return {c.native_id: quote(c.native_id, self.price, c.currency) for c in contracts}

    def find_order(self, client_order_id: str) -> OrderReport | None:
        return self.known.get(client_order_id)


def plan(run: Run, database: Database, desk: Desk | None = None) -> dict[str, Any]:
    uri = plan_orders(run, (desk or Desk()).open, database, load_settings(), AFTER_CLOSE)
    document: dict[str, Any] = read_json(uri)
    return document


def orders_of(document: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(o["account"], o["side"], o["ticker"], o["quantity"]) for o in document["portfolios"]["main"]["orders"]]


def next_run(tmp_path: Path, run: Run, **changes: object) -> Run:
    values = {"run_id": "manual__next", "as_of": "2026-11-23", "run_after": AFTER_CLOSE + timedelta(days=3)}
    return make_run(tmp_path / "next", **{**values, **changes})


def accepted(database: Database, document: dict[str, Any], ticker: str, done: str = "0") -> str:
    """The order stands at its broker, a part of it filled."""
    order = next(o for o in document["portfolios"]["main"]["orders"] if o["ticker"] == ticker)
    client_order_id: str = order["client_order_id"]
    assert Journal(database).mark_sending(client_order_id)
    Journal(database).record(client_order_id, standing(client_order_id, done), AFTER_CLOSE)
    return client_order_id


def standing(client_order_id: str, done: str = "0") -> OrderReport:
    return OrderReport(client_order_id=client_order_id, state=OrderState.ACCEPTED, filled_quantity=Decimal(done))


def filled(database: Database, document: dict[str, Any], ticker: str) -> None:
    order = next(o for o in document["portfolios"]["main"]["orders"] if o["ticker"] == ticker)
    journal = Journal(database)
    assert journal.mark_sending(order["client_order_id"])
    report = OrderReport(
        client_order_id=order["client_order_id"],
        state=OrderState.FILLED,
        filled_quantity=Decimal(order["quantity"]),
        average_price=Decimal(200),
    )
    journal.record(order["client_order_id"], report, AFTER_CLOSE)
