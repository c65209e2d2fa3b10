"""9xx: pacing, tokens, and many orders at once."""

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.brokers.base import ConnectionState
from include.domain.order import OrderState
from include.sandbox.faults import Fault
from tests.conformance.base import FIGURES, UNITS, Cases, order_id
from tests.conformance.cases import needs, over
from tests.conformance.harness import Ability
from tests.conformance.processes import Sender, send_together

MANY = 100
MAX_P99_SECONDS = 0.5


def busiest(times: Sequence[float], window: float) -> int:
    """Most requests in any window of so many seconds; 0 for none."""
    return max((sum(1 for other in times if first <= other < first + window) for first in times), default=0)


class Limits(Cases):
    def within_the_limit(self) -> None:
        """The venue's log shows no window with more than it takes."""
        limit, window = self.venue.limit
        assert busiest([at for at, kind, _ in self.venue.requests() if kind != "closed"], window) <= limit

    def tell(self, seconds: Sequence[float], processes: int) -> None:
        """Write down how long a hundred orders took, sorted; `make conformance` prints it."""
        figures = {"p50_ms": round(seconds[MANY // 2] * 1000, 1), "p99_ms": round(seconds[MANY - 2] * 1000, 1)}
        with Path(os.environ[FIGURES]).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"processes": processes, **figures}) + "\n")

    @needs(ability=Ability.PACING)
    def test_c901_reads_keep_the_limit(self) -> None:
        """Many reads in a row stay within the venue's limit, by the venue's own log."""
        for _ in range(MANY // 2):
            assert self.broker.quotes([self.stock])
        self.within_the_limit()

    @needs(ability=Ability.PACING, measured=True)
    def test_c902_a_long_run_keeps_the_limit(self) -> None:
        """More reads than the limit of a whole window stay within it, and none is told off."""
        for _ in range(self.venue.limit[0] + 20):
            assert self.broker.quotes([self.stock])
        self.within_the_limit()

    def test_c903_a_hundred_orders(self) -> None:
        """A hundred orders in a row stand once each, in the venue's books and in the account."""
        self._broker = self.venue.open(config=self.venue.burst)
        for number in range(1, MANY + 1):
            self.send(number, quantity=UNITS / 10)
        assert all(len(self.venue.standing(order_id(number))) == 1 for number in range(1, MANY + 1))
        assert self.broker.snapshot("2025-09-18", self.venue.clock()).held(self.stock.native_id) == MANY
        assert self.found(MANY).state is OrderState.FILLED

    @needs(measured=True)
    def test_c904_submits_quickly(self) -> None:
        """Of a hundred orders at once 99 are answered in less than 500 ms each, the adapter's own pacing included."""
        self._broker = self.venue.open(config=self.venue.burst)
        self.broker.prove_environment()
        seconds = []
        for number in range(1, MANY + 1):
            order = self.order(number, quantity=UNITS / 10)
            began = time.perf_counter()
            self.broker.submit(order)
            seconds.append(time.perf_counter() - began)
        seconds.sort()
        self.tell(seconds, 1)
        assert seconds[MANY - 2] < MAX_P99_SECONDS

    @needs(ability=Ability.PROCESSES, measured=True)
    @over("processes", (2, 4))
    def test_c906_several_processes(self, processes: int, tmp_path: Path) -> None:
        """A hundred orders at once of several processes with one login stand once each; together they keep the limit."""
        self.tell(self.sent_by(processes, MANY, tmp_path), processes)

    @needs(ability=Ability.PROCESSES, measured=True)
    def test_c907_processes_over_the_limit(self, tmp_path: Path) -> None:
        """More orders of four processes with one login than the limit of a whole window stand once each, and none is told off."""
        self.sent_by(4, self.venue.limit[0] + 8, tmp_path)

    def sent_by(self, processes: int, orders: int, folder: Path) -> list[float]:
        """Seconds of every submit, sorted."""
        numbers = range(1, orders + 1)
        senders = [
            Sender.of(
                self.venue.make(config=self.venue.burst, credentials=self.venue.login_of(process)),
                [self.order(number, quantity=UNITS / 10) for number in numbers[process::processes]],
            )
            for process in range(processes)
        ]
        seconds = send_together(senders, f"sqlite:///{folder / 'shared.db'}")
        assert len(seconds) == self.venue.orders_sent() == orders
        assert all(len(self.venue.standing(order_id(number))) == 1 for number in numbers)
        self.within_the_limit()
        return seconds

    @needs(fault=Fault.EXPIRED_TOKEN)
    def test_c905_renews_before_it_expires(self) -> None:
        """Renewed in time, the connection goes on."""
        self._broker = self.venue.open(credentials=self.venue.token_login())
        self.broker.refresh()
        assert self.broker.state is ConnectionState.CONNECTED
        self.send()
        assert self.found().state is OrderState.FILLED

    @needs(verb="clock_skew", fault=Fault.CLOCK_SKEW)
    def test_c915_measures_clocks(self) -> None:
        """How far the venue's clock is ahead of ours is measured; when it jumps by minutes, the measure follows."""
        before = self.broker.clock_skew()
        assert before is not None
        ahead = self.venue.clock() - datetime.now(UTC)
        assert abs(before - ahead) < timedelta(seconds=5)
        self.venue.misbehave(Fault.CLOCK_SKEW, -1)
        after = self.broker.clock_skew()
        assert after is not None
        assert after - before > timedelta(minutes=4)
