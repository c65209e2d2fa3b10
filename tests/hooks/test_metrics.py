"""Metrics go wherever Airflow's own go: shown with a backend of Airflow's own kind that writes StatsD lines to a UDP socket."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.hooks.metrics import send_health

REPORT = {
    "ibkr-paper": {
        "health": 0.79,
        "answered": 0.75,
        "uptime": None,
        "speed": 1.0,
        "filled": None,
        "calls": 4,
        "errors": {"CONNECTION_ERROR": 1},
        "breaker": "half_open",
        "clock_skew_seconds": -0.7,
    }
}


class StatsD:
    """What Airflow makes its client of: one line per gauge."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)

    def gauge(self, stat: str, value: float, **ignored: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(f"{stat}:{value}|g".encode(), self._to)


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    from airflow.sdk.observability import stats

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(10)
        stats.initialize(factory=lambda: StatsD(bound.getsockname()[1]), export_legacy_names=False)  # type: ignore[arg-type]
        yield bound
        from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger

        stats.initialize(factory=NoStatsLogger, export_legacy_names=False)


def test_gauges_of_a_report_arrive(receiver: socket.socket) -> None:
    send_health(REPORT)
    received = [receiver.recv(1000).decode() for _ in range(7)]
    assert received == [
        "polybroker.broker.ibkr-paper.health:0.79|g",
        "polybroker.broker.ibkr-paper.answered:0.75|g",
        "polybroker.broker.ibkr-paper.speed:1.0|g",
        "polybroker.broker.ibkr-paper.calls:4|g",
        "polybroker.broker.ibkr-paper.clock_skew_seconds:-0.7|g",
        "polybroker.broker.ibkr-paper.breaker_open:1|g",
        "polybroker.broker.ibkr-paper.errors.connection_error:1|g",
    ]


def test_nothing_is_sent_of_nothing(receiver: socket.socket) -> None:
    send_health({})
    receiver.setblocking(False)
    with pytest.raises(BlockingIOError):
        receiver.recv(1000)
