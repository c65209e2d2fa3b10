import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.domain.order import OrderState, OrderType, Side, TimeInForce
from include.errors import InputError
from include.sandbox import book as book_module
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.simulation.engine import Costs, SimRequest
from tests.sandbox.conftest import NOW, MakeListing


def make(listings: list[Listing], path: Path | None = None, **other: object) -> VenueBook:
    values: dict[str, object] = {
        "account_code": "DU1",
        "cash": {"USD": Decimal(10000)},
        "state_path": path,
        "clock": lambda: NOW + timedelta(hours=1),
    }
    return VenueBook(listings, **(values | other))  # type: ignore[arg-type]


def buy(book: VenueBook, native_id: str = "1", limit: str = "101") -> int:
    request = SimRequest("A", native_id, "ONE", "USD", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(10), Decimal(limit))
    return book.engine.submit(request, book.clock()).order_id


def test_listings_are_marked_and_found(listing: MakeListing) -> None:
    book = make([listing(), listing(native_id="2", price=None, price_time=None)])
    assert book.by_native_id["1"] is book.listings[0]
    quote = book.engine.quote("1")
    assert quote is not None
    assert (quote.last, quote.time) == (100, NOW)
    assert book.engine.quote("2") is None
    assert book.engine.orders[buy(book, "2")].state is OrderState.ACCEPTED


def test_dead_listings_and_lots_are_the_engines_business(listing: MakeListing) -> None:
    book = make([listing(tradable=False), listing(native_id="2", lot_size=Decimal(100))])
    assert book.engine.orders[buy(book, "1")].reject_code == "not_tradable"
    assert book.engine.orders[buy(book, "2")].reject_code == "invalid_quantity"


def test_account_and_orders_survive_a_restart(listing: MakeListing, tmp_path: Path) -> None:
    path = tmp_path / "ibkr.state.json"
    book = make([listing(), listing(native_id="2")], path)
    filled, resting = buy(book), buy(book, limit="90")
    book.extra[filled] = {"client_id": 3}
    book.meta["next"] = 17
    book.save()
    again = make([listing(price=Decimal(80))], path, cash={"USD": Decimal(1)}, costs=Costs(half_spread_bp=Decimal(0)))
    assert again.extra == {filled: {"client_id": 3}}
    assert again.meta == {"next": 17}
    assert again.engine.orders[filled] == book.engine.orders[filled]
    assert again.engine.orders[resting].average_price == 80, "the new mark crosses the order that rested"
    assert again.engine.positions["1"].quantity == 20
    assert list(tmp_path.iterdir()) == [path]


def test_a_holding_that_left_the_catalogue_keeps_its_last_mark(listing: MakeListing, tmp_path: Path) -> None:
    path = tmp_path / "ibkr.state.json"
    book = make([listing(), listing(native_id="2")], path)
    buy(book)
    book.save()
    again = make([listing(native_id="2")], path)
    assert again.engine.equity({}, "USD") == book.engine.equity({}, "USD")
    assert [row["native_id"] for row in json.loads(path.read_text())["engine"]["contracts"]] == ["1"]


def test_new_marks_while_it_runs_fill_what_they_cross(listing: MakeListing) -> None:
    book = make([listing()])
    resting = buy(book, limit="95")
    book.load([listing(price=Decimal(90), price_time=NOW + timedelta(days=1)), listing(native_id="2")])
    assert book.engine.orders[resting].state is OrderState.FILLED
    assert set(book.by_native_id) == {"1", "2"}


def test_another_accounts_state_is_refused(listing: MakeListing, tmp_path: Path) -> None:
    path = tmp_path / "ibkr.state.json"
    make([listing()], path).save()
    with pytest.raises(InputError, match="account DU2") as caught:
        make([listing()], path, account_code="DU2")
    assert caught.value.field == "account_code"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"account_code": "DU1", "extra": {}, "meta": {}, "engine": {}}'])
def test_a_damaged_state_is_an_input_error(listing: MakeListing, tmp_path: Path, text: str) -> None:
    path = tmp_path / "ibkr.state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        make([listing()], path)
    assert path.read_text(encoding="utf-8") == text


def test_requests_are_logged_in_order_and_bounded(listing: MakeListing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MAX_REQUESTS", 10)
    book = make([listing()])
    for number in range(11):
        book.log("order", str(number))
    book.log("quote")
    assert [(kind, detail) for _, kind, detail in book.requests] == [("order", str(n)) for n in range(6, 11)] + [("quote", "")]
    assert [moment for moment, *_ in book.requests] == sorted(moment for moment, *_ in book.requests)


def test_without_a_path_nothing_is_saved_and_faults_come_from_code(listing: MakeListing) -> None:
    book = make([listing()])
    book.save()
    book.faults.add("drop")
    assert [book.faults.take("drop") for _ in range(2)] == [True, False]


def test_the_clock_is_wall_clock_time_unless_given(listing: MakeListing) -> None:
    book = VenueBook([listing()], account_code="DU1", cash={})
    assert book.clock().tzinfo is not None
