"""Several processes at one local venue: its own log shows that their sum keeps the limit, and who came with which client id."""

import multiprocessing
from bisect import bisect_left
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from include.brokers.opening import open_broker
from include.domain.account import Account, Environment
from include.sandbox.book import VenueBook
from include.sandbox.ibkr.server import running_ibkr_venue
from include.settings import load_settings
from include.storage.database import open_database, upgrade
from include.storage.shared_states import DatabaseSharedState
from tests.brokers.ibkr.venue import TOKEN, make_book

PROCESSES = 3


def look_up(url: str, broker: str, credentials: dict[str, str], times: int, opened_by_all: Barrier) -> None:
    """What one task would do: open the broker, and ask it many times for an order that nobody sent."""
    account = Account(account_id=f"{broker}-main", broker=broker, environment=Environment.SANDBOX)
    with (
        open_database(url) as database,
        open_broker(
            account,
            settings=load_settings(),
            credentials=lambda _: credentials,
            shared=DatabaseSharedState(database),
            sandbox_token=TOKEN,
        ) as opened,
    ):
        opened_by_all.wait(timeout=120)  # raises in all of them where one could not
        for _ in range(times):
            assert opened.find_order("nobody") is None


def run_processes(folder: Path, broker: str, credentials: dict[str, str], times: int) -> None:
    url = f"sqlite:///{folder / 'polybroker.db'}"
    upgrade(url)
    context = multiprocessing.get_context("spawn")
    arguments = (url, broker, credentials, times, context.Barrier(PROCESSES))
    processes = [context.Process(target=look_up, args=arguments) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES


def busiest(book: VenueBook, window: float) -> int:
    moments = sorted(moment for moment, kind, _ in book.requests if kind != "closed")
    return max(place + 1 - bisect_left(moments, moment - window) for place, moment in enumerate(moments))


def started(requests: Sequence[tuple[float, str, str]]) -> list[str]:
    return sorted(detail.rsplit(";", 1)[1] for _, kind, detail in requests if kind == "start_api")


def test_ibkr_sees_no_more_than_its_limit_from_all_of_them(tmp_path: Path) -> None:
    book = make_book()
    with running_ibkr_venue(book) as port:
        run_processes(tmp_path, "ibkr", {"host": "127.0.0.1", "port": str(port)}, times=20)
    assert sum(1 for _, kind, _ in book.requests if kind != "closed") >= PROCESSES * 20 * 3
    assert busiest(book, 1.0) <= 45
    assert started(book.requests) == ["11", "12", "13"]  # nobody had to be refused first
