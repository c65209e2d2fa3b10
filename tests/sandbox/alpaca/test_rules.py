"""What the venue refuses, in Alpaca's statuses, codes and words."""

from typing import Any

import pytest

from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.sandbox.alpaca.conftest import AAPL, KEY, Ask, body

SUB = "sub-penny increment does not fulfill minimum pricing criteria"
BRACKET = {"order_class": "bracket", "take_profit": {"limit_price": "220"}, "stop_loss": {"stop_price": "190"}}


@pytest.mark.parametrize(
    ("change", "status", "code", "message"),
    [
        ({"type": "market_on_open"}, 422, 40010001, "invalid order type"),
        ({"side": "hold"}, 422, 40010001, "invalid side"),
        ({"time_in_force": "soon"}, 422, 40010001, "invalid time_in_force"),
        ({"time_in_force": "opg"}, 403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am"),
        ({"stop_price": "1"}, 422, 40010001, "limit orders require a limit price"),
        ({"type": "stop"}, 422, 40010001, "stop orders require a stop price"),
        ({"type": "stop_limit"}, 422, 40010001, "stop limit orders require both stop and limit price"),
        ({"type": "stop", "limit_price": None, "stop_price": "210.001"}, 422, 42210000, f"invalid stop_price 210.001. {SUB}"),
        (
            {"type": "stop", "limit_price": None, "stop_price": "210", "time_in_force": "ioc"},
            422,
            42210000,
            "stop orders must be DAY or GTC orders",
        ),
        (
            {"type": "trailing_stop"},
            422,
            40010001,
            "trailing stop orders must specify one of trail_price or trail_percent",
        ),
        (
            {"type": "trailing_stop", "limit_price": None, "trail_percent": "0.05"},
            422,
            40010001,
            "trail_percent must be greater than or equal to 0.1",
        ),
        (
            {"type": "trailing_stop", "limit_price": None, "trail_price": "2", "time_in_force": "fok"},
            422,
            42210000,
            "trailing stop orders must be DAY or GTC orders",
        ),
        ({"notional": "100"}, 422, 40010001, "only one of qty or notional is accepted"),
        ({"qty": None, "notional": "0.5"}, 422, 40010001, "notional must be >= 1.00"),
        ({"qty": None, "notional": "5.001"}, 422, 40010001, "notional must have at most 2 decimal places"),
        ({"qty": None, "notional": "100"}, 403, 40310000, 'asset "AAPL" is not fractionable'),
        (
            {"symbol": "BRK.B", "qty": None, "notional": "100", "time_in_force": "gtc"},
            422,
            42210000,
            "fractional orders must be DAY orders",
        ),
        (
            {"symbol": "BRK.B", "qty": "0.5", "type": "trailing_stop", "limit_price": None, "trail_price": "2"},
            422,
            42210000,
            "fractional orders must be simple orders",
        ),
        (
            {"extended_hours": True, "time_in_force": "gtc"},
            422,
            42210000,
            "extended hours order must be DAY limit orders",
        ),
        (
            {"extended_hours": True, "type": "market", "limit_price": None},
            422,
            42210000,
            "extended hours order must be DAY limit orders",
        ),
        ({"order_class": "mleg"}, 422, 40010001, "order_class mleg is not offered by this venue"),
        ({"stop_loss": {"stop_price": "190"}}, 422, 40010001, "take_profit and stop_loss require an advanced order_class"),
        ({**BRACKET, "take_profit": None}, 422, 40010001, "bracket orders require take_profit.limit_price"),
        ({**BRACKET, "stop_loss": None}, 422, 40010001, "bracket orders require stop_loss.stop_price"),
        ({**BRACKET, "order_class": "oto"}, 422, 40010001, "oto orders require either take_profit or stop_loss"),
        ({**BRACKET, "side": "sell"}, 422, 42210000, "bracket orders must be entry orders"),
        ({**BRACKET, "time_in_force": "ioc"}, 422, 42210000, "bracket orders must be DAY or GTC orders"),
        ({**BRACKET, "extended_hours": True}, 422, 42210000, "bracket orders are not supported in extended hours"),
        (
            {**BRACKET, "type": "stop", "limit_price": None, "stop_price": "210"},
            422,
            40010001,
            "bracket orders must be market or limit orders",
        ),
        (
            {**BRACKET, "take_profit": {"limit_price": "201"}},
            422,
            42210000,
            "take_profit.limit_price must be >= base_price + 0.01",
        ),
        (
            {**BRACKET, "stop_loss": {"stop_price": "200"}},
            422,
            42210000,
            "stop_loss.stop_price must be <= base_price - 0.01",
        ),
        ({**BRACKET, "stop_loss": "190"}, 400, 40010000, "request body format is invalid"),
        (
            {"symbol": "BTC/USD", "type": "stop", "limit_price": None, "stop_price": "110000", "time_in_force": "gtc"},
            422,
            42210000,
            "invalid order type for crypto order",
        ),
        ({"symbol": "BTC/USD", "qty": "0.01", "time_in_force": "fok"}, 422, 42210000, "invalid crypto time_in_force"),
        ({"symbol": None}, 422, 40010001, "symbol is required"),
        ({"symbol": "NOBODY"}, 422, 42210000, 'asset "NOBODY" not found'),
        (
            {"symbol": "22222222-2222-4222-8222-222222222222"},
            422,
            42210000,
            "asset 22222222-2222-4222-8222-222222222222 is not active",
        ),
        ({"qty": None}, 422, 40010001, "qty or notional is required"),
        ({"qty": "ten"}, 422, 40010001, "qty must be a number"),
        ({"qty": "0"}, 422, 40010001, "qty must be > 0"),
        ({"qty": "-1"}, 422, 40010001, "qty must be > 0"),
        ({"qty": "NaN"}, 422, 40010001, "qty must be > 0"),
        ({"qty": "1E+999999"}, 422, 40010001, "qty must be a number"),
        ({"limit_price": "1E-999999"}, 422, 40010001, "limit_price must be a number"),
        ({"qty": "1.0000000001"}, 422, 40010001, "qty must have at most 9 decimal places"),
        ({"qty": "1.5"}, 403, 40310000, 'asset "AAPL" is not fractionable'),
        ({"limit_price": None}, 422, 40010001, "limit orders require a limit price"),
        ({"limit_price": "0"}, 422, 40010001, "limit_price must be > 0"),
        ({"type": "market"}, 422, 40010001, "market orders require no stop or limit price"),
        (
            {"limit_price": "11.055"},
            422,
            42210000,
            "invalid limit_price 11.055. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        ({"qty": "1", "limit_price": "0.5"}, 403, 40310000, "cost basis must be >= minimal amount of order 1"),
        ({"qty": "50", "limit_price": "200.01"}, 403, 40310000, "insufficient buying power"),
        ({"side": "sell"}, 403, 40310000, "account is not allowed to short"),
        ({"client_order_id": "x" * 129}, 422, 40010001, "client_order_id must be no more than 128 characters"),
        ({"symbol": "BRK.B", "qty": "0.5", "time_in_force": "gtc"}, 422, 42210000, "fractional orders must be DAY orders"),
        ({"symbol": "BTC/USD", "qty": "0.01"}, 422, 42210000, "invalid crypto time_in_force"),
        ({"symbol": "BTC/USD", "qty": "0.00015", "time_in_force": "gtc"}, 422, 42210000, "qty increment must be 0.0001"),
        (
            {"symbol": "BTC/USD", "qty": "0.0001", "time_in_force": "gtc", "limit_price": "90000"},
            403,
            40310000,
            "cost basis must be >= minimal amount of order 10",
        ),
        ({"symbol": "NOV", "type": "market", "limit_price": None}, 422, 42210000, "order refused: no_quote"),
    ],
)
def test_refusals(ask: Ask, book: VenueBook, change: dict[str, Any], status: int, code: int, message: str) -> None:
    answer = ask("POST", "/v2/orders", json=body(**change))
    found = answer.json()
    assert (answer.status_code, found["code"], found["message"]) == (status, code, message)
    assert ask("GET", "/v2/orders:by_client_order_id?client_order_id=one").status_code == 404
    assert ask("GET", "/v2/orders?status=all").json() == []
    assert ask("POST", "/v2/orders", json=body()).status_code == 200  # what was refused has not used its id up


def test_a_refused_sale_tells_what_there_is(ask: Ask) -> None:
    ask("POST", "/v2/orders", json=body())
    ask("POST", "/v2/orders", json=body(client_order_id="two", side="sell", qty="4", limit_price="300"))
    answer = ask("POST", "/v2/orders", json=body(client_order_id="three", side="sell", qty="7", limit_price="300")).json()
    assert (answer["available"], answer["existing_qty"], answer["held_for_orders"]) == ("6", "10", "4")


def test_money_set_aside_for_one_order_is_not_there_for_another(ask: Ask) -> None:
    assert ask("POST", "/v2/orders", json=body(qty="60", limit_price="100")).status_code == 200
    answer = ask("POST", "/v2/orders", json=body(client_order_id="two", qty="41", limit_price="100"))
    assert (answer.status_code, answer.json()["buying_power"], answer.json()["cost_basis"]) == (403, "4000", "4100")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'"order"', b"\xff", b'{"symbol": "\\ud800"}', b"[" * 100_000])
def test_a_body_that_is_no_order(ask: Ask, raw: bytes) -> None:
    answer = ask("POST", "/v2/orders", data=raw)
    assert (answer.status_code, answer.json()["code"]) == (400, 40010000)


def test_an_order_without_a_client_id_gets_one(ask: Ask) -> None:
    assert len(ask("POST", "/v2/orders", json=body(client_order_id=None)).json()["client_order_id"]) == 36


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/orders/nonsense", 422),
        ("GET", "/v2/orders/61e69015-8549-4bfd-b9c3-01e75843f47d", 404),
        ("DELETE", "/v2/orders/61e69015-8549-4bfd-b9c3-01e75843f47d", 404),
        ("DELETE", "/v2/orders/nonsense", 422),
        ("GET", "/v2/orders?limit=many", 422),
        ("GET", "/v2/orders?after=2025-09-19T00:00:00", 422),
        ("GET", "/v2/assets/NOBODY", 404),
        ("GET", "/v2/positions/AAPL", 404),
        ("GET", "/v2/positions/NOBODY", 404),
        ("GET", "/v2/nothing", 404),
        ("PUT", "/v2/account", 404),
        ("GET", "/v2/calendar?start=soon", 422),
        ("GET", "/v2/stocks/quotes/latest", 400),
        ("GET", "/v2/stocks/quotes/latest?symbols=bad+symbol", 400),
    ],
)
def test_questions_without_an_answer(ask: Ask, method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"APCA-API-KEY-ID": None}, 401, "unauthorized."),
        ({"APCA-API-SECRET-KEY": ""}, 401, "unauthorized."),
        ({"APCA-API-KEY-ID": "PKNOBODY"}, 403, "forbidden."),
        ({"APCA-API-SECRET-KEY": "wrong"}, 403, "forbidden."),
        ({"APCA-API-SECRET-KEY": b"\xff\xfe"}, 403, "forbidden."),
    ],
)
def test_keys(ask: Ask, headers: dict[str, Any], status: int, message: str) -> None:
    answer = ask("GET", "/v2/account", headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"message": message})


def test_the_limit_is_told_and_kept(ask: Ask, server: AlpacaVenue) -> None:
    now = [1000.0]
    server.venue.limiter = Limiter(2, clock=lambda: now[0])
    answers = [ask("GET", "/v2/account") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"2"}
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {"1060"}
    assert answers[2].json() == {"code": 42910000, "message": "rate limit exceeded"}
    now[0] = 1060.0
    assert ask("GET", "/v2/account").status_code == 200


def test_requests_with_wrong_keys_use_nothing_up(ask: Ask, server: AlpacaVenue) -> None:
    server.venue.limiter = Limiter(1)
    ask("GET", "/v2/account", headers={"APCA-API-KEY-ID": "PKNOBODY"})
    assert ask("GET", "/v2/account", headers={"APCA-API-KEY-ID": KEY}).status_code == 200


def test_every_request_is_logged(ask: Ask, book: VenueBook) -> None:
    ask("GET", "/v2/assets/AAPL")
    ask("GET", "/v2/orders?status=all")
    assert [(kind, detail) for _, kind, detail in book.requests] == [
        ("GET /v2/assets/AAPL", ""),
        ("GET /v2/orders", "status=all"),
    ]


def test_a_price_that_moves_fills_what_rests(ask: Ask, book: VenueBook) -> None:
    ask("POST", "/v2/orders", json=body(limit_price="150"))
    assert ask("GET", "/v2/orders").json()[0]["status"] == "new"
    with book.lock:
        book.engine.set_mark(AAPL, "USD", book.engine.marks[AAPL].price / 2, book.clock())
    assert ask("GET", "/v2/orders?status=closed").json()[0]["status"] == "filled"
