"""Starting, stopping, restarting and misbehaving."""

import asyncio
import json
import socket
import threading
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from include.errors import InputError
from include.sandbox.alpaca import running_alpaca_venue, sandbox_keys, start
from include.sandbox.book import VenueBook
from tests.fakes.clock import SetClock
from tests.sandbox.alpaca.conftest import CODE, KEY, LISTINGS, NOW, SECRET, Ask, body

HEADERS = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


def new_book(state: Path | None = None) -> VenueBook:
    return VenueBook(LISTINGS, account_code=CODE, cash={"USD": Decimal(10000)}, state_path=state, clock=SetClock(NOW))


def get(url: str, headers: dict[str, str] = HEADERS) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, headers=headers, timeout=10)


def post(url: str, **more: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{url}/v2/orders", headers=HEADERS, json=body(**more), timeout=10)


def test_inside_an_event_loop() -> None:
    async def scenario() -> tuple[int, str]:
        running = await start(new_book(), "127.0.0.1", 0)
        answer = await asyncio.to_thread(get, f"http://127.0.0.1:{running.port}/v2/account")
        await running.stop()
        await running.stop()
        with pytest.raises(requests.exceptions.ConnectionError):
            await asyncio.to_thread(get, f"{running.url}/v2/account")
        return answer.status_code, answer.json()["account_number"]

    assert asyncio.run(scenario()) == (200, CODE)


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1:{port}"):
            asyncio.run(_start_and_stop(port))


async def _start_and_stop(port: int) -> None:
    await (await start(new_book(), "127.0.0.1", port)).stop()


def test_keys_of_ones_own() -> None:
    own = {"APCA-API-KEY-ID": "PKMINE", "APCA-API-SECRET-KEY": "mine"}
    with running_alpaca_venue(new_book(), api_key="PKMINE", secret_key="mine", requests_per_minute=7) as url:
        assert get(f"{url}/v2/account").status_code == 403
        answer = get(f"{url}/v2/account", own)
        assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (200, "7")


def test_keys_follow_from_the_account_code() -> None:
    assert sandbox_keys(CODE) == sandbox_keys(CODE)
    assert sandbox_keys(CODE) != sandbox_keys("SBX00000000")
    assert sandbox_keys(CODE)[0] == "PKSBX12345678"
    assert len(sandbox_keys(CODE)[1]) == 40


def test_orders_and_used_ids_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "alpaca.json"
    with running_alpaca_venue(new_book(state)) as url:
        assert post(url).status_code == 200
        assert post(url, client_order_id="two", limit_price="100").status_code == 200
        orders = get(f"{url}/v2/orders?status=all").json()
    with running_alpaca_venue(new_book(state)) as url:
        assert get(f"{url}/v2/orders?status=all").json() == orders
        assert [p["qty"] for p in get(f"{url}/v2/positions").json()] == ["10"]
        again = post(url)
        assert (again.status_code, again.json()["code"]) == (422, 40010001)
        assert post(url, client_order_id="three").status_code == 200


def test_faults_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text(json.dumps({"alpaca.server_error": 1}), encoding="utf-8")
    with running_alpaca_venue(new_book(tmp_path / "alpaca.json")) as url:
        assert [get(f"{url}/v2/account").status_code for _ in range(2)] == [500, 200]
        (tmp_path / "faults.json").write_text("nonsense", encoding="utf-8")
        assert get(f"{url}/v2/account").status_code == 200
        assert post(url).status_code == 200


def test_an_id_that_no_file_can_hold_spoils_nothing(tmp_path: Path) -> None:
    with running_alpaca_venue(new_book(tmp_path / "alpaca.json")) as url:
        assert post(url, client_order_id="\ud800").status_code == 400
        assert post(url).status_code == 200
        assert [order["client_order_id"] for order in get(f"{url}/v2/orders?status=all").json()] == ["one"]


@pytest.mark.parametrize("fault", ["drop_connection", "accept_then_drop"])
def test_a_dying_connection(ask: Ask, book: VenueBook, fault: str) -> None:
    book.faults.add(fault)
    with pytest.raises(requests.exceptions.ConnectionError):
        ask("POST", "/v2/orders", json=body())
    assert len(book.engine.find("one")) == (1 if fault == "accept_then_drop" else 0)
    assert ask("GET", "/v2/account").status_code == 200


@pytest.mark.parametrize("fault", ["hang", "accept_then_silent"])
def test_a_silent_answer(ask: Ask, book: VenueBook, fault: str) -> None:
    book.faults.add(fault)
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask("POST", "/v2/orders", json=body(), timeout=0.2)
    assert len(book.engine.find("one")) == (1 if fault == "accept_then_silent" else 0)


def test_answers_that_are_none(ask: Ask, book: VenueBook) -> None:
    book.faults.add("malformed_body")
    answer = ask("GET", "/v2/account")
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    book.faults.add("too_many_requests")
    assert ask("GET", "/v2/account").status_code == 429
    book.faults.add("accept_then_server_error")
    assert ask("POST", "/v2/orders", json=body()).status_code == 504
    assert len(book.engine.find("one")) == 1


def test_a_fault_after_acceptance_waits_for_an_acceptance(ask: Ask, book: VenueBook) -> None:
    book.faults.add("accept_then_server_error")
    assert ask("POST", "/v2/orders", json=body(qty="0")).status_code == 422
    assert ask("POST", "/v2/orders", json=body()).status_code == 504


def test_a_venue_that_fails_inside_answers_500(ask: Ask, book: VenueBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise InputError("expected a disk with room")

    monkeypatch.setattr(book, "save", broken)
    answer = ask("POST", "/v2/orders", json=body())
    assert (answer.status_code, answer.json()["code"]) == (500, 50010000)


def test_many_clients_at_once(ask: Ask, book: VenueBook) -> None:
    answers: list[int] = []

    def send() -> None:
        answers.append(ask("POST", "/v2/orders", json=body(qty="1")).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [422] * 7
    assert len([o for o in book.engine.find("one") if o.filled_quantity]) == 1
