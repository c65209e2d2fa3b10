"""The local TWS as a server: its port, and what is there again after a restart."""

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.ibkr.server import running_ibkr_venue
from tests.fakes.clock import SetClock
from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import NOW, make_book
from tests.sandbox.ibkr.market import bracket, mark, statuses


def test_account_and_order_numbers_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "ibkr.json"
    with running_ibkr_venue(make_book(state_path=path)) as port, WireClient(port) as client:
        client.start().place(7, reference="KEPT")
        client.until("59")
    with running_ibkr_venue(make_book(state_path=path)) as port, WireClient(port) as client:
        assert client.greet() is not None
        client.send(71, 2, 1, "")
        assert client.until("9")[-1] == ["9", "1", "8"]
        client.until("4", times=3)
        client.send(99, 0)
        assert client.until("102")[0][22] == "KEPT"


def test_waiting_orders_survive_a_restart(tmp_path: Any) -> None:
    values: dict[str, Any] = {
        "account_code": "DU1",
        "cash": {"USD": Decimal(20_000)},
        "clock": SetClock(NOW),
        "state_path": tmp_path / "ibkr.json",
    }
    with running_ibkr_venue(make_book(**values)) as port, WireClient(port) as client:
        bracket(client.start())
        client.until("3", times=3)
    book = make_book(**values)
    with running_ibkr_venue(book) as port, WireClient(port) as client:
        client.start()
        mark(book, "229")
        assert statuses(client, 2) == [("3", "Filled", "10"), ("2", "Cancelled", "0")]


def test_a_taken_port_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        running_ibkr_venue(make_book(), port=taken.getsockname()[1]),
    ):
        pass
