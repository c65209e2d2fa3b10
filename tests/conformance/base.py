"""What the cases share: the venue, a broker connected to it, orders, and looking at both sides."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from include.brokers.base import Broker, ResendClass
from include.brokers.checks import check_order
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.order import Order, OrderReport, OrderState, OrderType, Side, TimeInForce
from include.errors import DuplicateOrder, OutcomeUnknown, PolybrokerError
from include.sandbox.faults import Fault
from tests.conformance.cases import needs_of
from tests.conformance.harness import CLOSE, MARKED, PRICE, Ability, Harness

CROSSING = PRICE + 2  # a purchase at this limit fills at once
AWAY = PRICE - 50  # and at this one it rests
UNITS = Decimal(10)
FIGURES = "POLYBROKER_CONFORMANCE_FIGURES"  # names the file that measured cases write to


def order_id(number: int) -> str:
    """20 characters of base32, as all our ids are."""
    return "".join(chr(ord("A") + int(digit)) for digit in f"{number:020d}")


ID, OTHER = order_id(1), order_id(2)


def raised(work: Callable[[], object]) -> PolybrokerError | None:
    """The error of this project that `work` raises, None for none; any other error is one of the case."""
    try:
        work()
    except PolybrokerError as error:
        return error
    return None


class Cases:
    """One column of the page: a subclass names the harness.

    Attributes:
        venue: Running, new for every case.
        broker: Connected to it for orders, on first use.
    """

    column: ClassVar[type[Harness]]
    venue: Harness
    _broker: Broker | None
    _patience: Mapping[str, Any]

    @pytest.fixture(scope="class")
    @classmethod
    def _shared(cls) -> Iterator[Any]:
        with cls.column.serving() as shared:
            yield shared

    @pytest.fixture(autouse=True)
    def _with_venue(self, request: pytest.FixtureRequest, tmp_path: Path, _shared: Any) -> Iterator[None]:
        parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
        wanted = needs_of(request.function, parameters)
        reason = wanted.unmet(self.column)
        if reason is not None:
            pytest.skip(reason)
        if wanted.measured and FIGURES not in os.environ:
            pytest.skip("only with `make conformance`")
        alone = wanted.ability in (Ability.STOP, Ability.RESTART)
        with self.column.running(tmp_path, None if alone else _shared) as self.venue:
            silent = wanted.order_fault in (Fault.ACCEPT_THEN_SILENT, Fault.LATE_UPDATE)
            self._broker, self._patience = None, {"timeout_seconds": 1} if silent else {}
            try:
                yield
            finally:
                self.venue.close()

    @property
    def broker(self) -> Broker:
        """The one broker that most cases need; it has proven its environment."""
        if self._broker is None:
            self._broker = self.venue.open(config=self._patience)
            self._broker.prove_environment()
        return self._broker

    def reopened(self) -> Broker:
        """Another broker, as after a crash: whatever the one before knew is gone."""
        if self._broker is not None:
            self._broker.close()
            self._broker, self._patience = None, {}
        return self.broker

    def again(self, number: int = 1, **changes: Any) -> OrderReport:
        """Send an order once more as a retry does it, by what the broker declares (`ResendClass`); gives how it stands."""
        if self.broker.capabilities.resend in (ResendClass.TAG_ONLY, ResendClass.UNIQUE_AMONG_OPEN):
            standing = self.broker.find_order(order_id(number))
            return standing or self.send(number, **changes)
        with suppress(DuplicateOrder):
            self.send(number, **changes)
        return self.found(number)

    @property
    def stock(self) -> Contract:
        """Marked 200."""
        return self.venue.contracts[AssetClass.STOCK]

    def order(self, number: int = 1, **changes: Any) -> Order:
        """A purchase of 10 shares for the day, at a limit that crosses (`limit_price=None` with a type of its own)."""
        contract: Contract = changes.get("contract", self.stock)
        values: dict[str, Any] = {
            "client_order_id": order_id(number),
            "portfolio": "main",
            "environment": "sandbox",
            "account": "conformance",
            "broker": contract.broker,
            "as_of": "2025-09-18",
            "revision": 1,
            "ticker": contract.symbol,
            "instrument_id": f"ticker:{contract.symbol}",
            "contract": contract,
            "mic": contract.mic,
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "time_in_force": TimeInForce.DAY,
            "quantity": UNITS,
            "limit_price": CROSSING if changes.get("order_type", OrderType.LIMIT) is OrderType.LIMIT else None,
            "quote_price": PRICE,
            "quote_time": MARKED,
            "fx_rate": Decimal(1),
            "notional": Decimal(2000),
            "current_quantity": Decimal(0),
            "target_quantity": UNITS,
            "delta_quantity": UNITS,
            "reason": "a case of the conformance suite",
            "valid_until": CLOSE,
        }
        return Order(**(values | changes))

    def send(self, number: int = 1, **changes: Any) -> OrderReport:
        """Submit such an order as it is always done: checked first."""
        order = self.order(number, **changes)
        check_order(order, self.broker.capabilities)
        return self.broker.submit(order)

    @contextmanager
    def misbehaving(self, fault: Fault, times: int = 1) -> Iterator[Broker]:
        """The broker, opened before the venue misbehaves; a fault that nothing has met proves nothing, so that fails."""
        broker = self.broker
        self.venue.misbehave(fault, times)
        yield broker
        assert times < 0 or self.venue.happened(fault), f"nothing met the fault {fault.value}"

    def found(self, number: int = 1) -> OrderReport:
        """The order by our id, which the broker has."""
        report = self.broker.find_order(order_id(number))
        assert report is not None
        assert report.client_order_id == order_id(number)
        return report

    def bought(self, units: Decimal = UNITS, number: int = 99) -> None:
        """The account holds shares."""
        self.send(number, order_type=OrderType.MARKET, quantity=units)
        assert self.found(number).state is OrderState.FILLED

    def agrees_with_the_venue(self, number: int = 1) -> OrderReport | None:
        """What the broker finds is what the venue has, and the venue has it once at most."""
        report = self.broker.find_order(order_id(number))  # first: in process an order fills when somebody looks
        standing = self.venue.standing(order_id(number))
        assert len(standing) <= 1
        if not standing:
            assert report is None or report.state is OrderState.REJECTED
            return None
        assert report is not None
        assert (report.state, report.filled_quantity) == (standing[0].state, standing[0].filled_quantity)
        return report

    def listed(self, *, open_only: bool = True) -> list[str]:
        """Our ids of what the broker lists, oldest first."""
        return [report.client_order_id for report in self.broker.list_orders(open_only=open_only)]

    async def followed(self, fault: Fault | None = None) -> list[OrderReport]:
        """What the stream tells of an order that fills. Others are sent first, until one shows that the stream is there."""
        stream, number = self.broker.stream_orders(), 100
        first = asyncio.ensure_future(anext(stream))  # type: ignore[arg-type]
        while not first.done():
            await asyncio.to_thread(self.send, number, limit_price=AWAY)
            number += 1
            await asyncio.wait({first}, timeout=0.5)
        first.result()
        if fault is not None:
            self.venue.misbehave(fault)
        with suppress(OutcomeUnknown):
            await asyncio.to_thread(self.send, 1, limit_price=CROSSING)
        await asyncio.to_thread(self.broker.find_order, order_id(1))  # a late word comes after a later answer
        told: list[OrderReport] = []
        try:
            async for report in stream:
                if report.client_order_id == order_id(1):
                    told.append(report)
                    if report.state.is_final:
                        return told
            raise AssertionError("the stream ended by itself")
        finally:
            await stream.aclose()  # type: ignore[attr-defined]
