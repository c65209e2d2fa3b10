"""Orders and quotes followed live: every change once, and across a connection that died."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.brokers.alpaca import reading
from include.brokers.alpaca.reports import moment, order_report, quote, required
from include.brokers.alpaca.standing import own_id, report_of
from include.brokers.alpaca.streams import Login, order_messages, quote_messages
from include.brokers.streaming import stream_begun
from include.domain.contract import Contract
from include.domain.order import Fill, OrderReport
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, PolybrokerError, Transient

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
_DAY = timedelta(days=1)
_LONGEST_PAUSE = 30.0

Row = Mapping[str, Any]


@dataclass
class Follower:
    """What was told so far, and therefore what is news.

    Attributes:
        read: Gives an order by Alpaca's id.
        told: Our id -> the last report.
        fills: Ids of executions that were told.
        gone: Alpaca's id -> an order that was replaced.
    """

    read: Callable[[str], Row]
    told: dict[str, OrderReport] = field(default_factory=dict)
    fills: set[str] = field(default_factory=set)
    gone: dict[str, Row] = field(default_factory=dict)

    def message(self, data: Row) -> OrderReport | None:
        """The report of a message of the stream; None where it says nothing new.

        Raises:
            BrokerUnavailable: It is no message about an order.
        """
        try:
            fill = _fill(data)
            report = self.row(data["order"])
        except _MALFORMED as error:
            raise BrokerUnavailable(f"alpaca's message about an order made no sense: {error!r}", broker="alpaca") from error
        if fill is None or fill.fill_id in self.fills:
            return report
        self.fills.add(fill.fill_id)
        if report is None:  # it was overtaken by a later word, yet nobody has heard of this execution
            report = self.told.get(own_id(str(data["order"]["client_order_id"])))
        return report and report.model_copy(update={"fills": (fill,)})

    def row(self, row: Row) -> OrderReport | None:
        """The report of an order; None where nothing about it is new, or its successor tells it."""
        if row["status"] == "replaced" and row.get("replaced_by"):
            self.gone[str(row["id"])] = row
            return None
        if str(row["id"]) in self.gone:
            return None
        chain = [row]
        while chain[0].get("replaces"):
            before = str(chain[0]["replaces"])
            if before not in self.gone:
                self.gone[before] = self.read(before)
            chain.insert(0, self.gone[before])
        report = report_of(chain)
        known = self.told.get(report.client_order_id)
        if known is not None and not _is_newer(report, known):
            return None
        self.told[report.client_order_id] = report
        return report


def _is_newer(report: OrderReport, known: OrderReport) -> bool:
    """Whether a report is more than what is known: words of an order arrive twice, late, and out of their order."""
    if report.filled_quantity != known.filled_quantity:
        return report.filled_quantity > known.filled_quantity
    if report.broker_order_id != known.broker_order_id:
        return True  # its successor: predecessors never come this far
    if known.state.is_final:
        return False
    return report.state.is_final or (report.state, report.quantity) != (known.state, known.quantity)


def _fill(data: Row) -> Fill | None:
    if data.get("event") not in ("fill", "partial_fill") or not data.get("execution_id"):
        return None
    return Fill(
        fill_id=str(data["execution_id"]),
        quantity=required(data["qty"]),
        price=required(data["price"]),
        time=moment(str(data["timestamp"])),
    )


async def follow_orders(
    client: "AlpacaClient", url: str, login: Callable[[], Login], *, reconnects: int, pause_seconds: float
) -> AsyncIterator[OrderReport]:
    """Every change of the account's orders from now on.

    A connection that dies is opened again, and what changed meanwhile is read and told first.

    Args:
        reconnects: How often in a row it is tried again before the iterator ends with `BrokerUnavailable`.
        pause_seconds: Before the first of them; doubled before each further one.

    Raises:
        AuthenticationFailed: Keys or token are refused.
        BrokerUnavailable: No connection, in spite of all.
    """
    follower, began, tried = Follower(client.order), await asyncio.to_thread(client.now), -1
    while True:
        try:
            async with order_messages(url, await asyncio.to_thread(login)) as messages:
                stream_begun()
                if tried >= 0:
                    for row in await asyncio.to_thread(_changed, client, follower, began):
                        if report := follower.row(row):
                            yield report
                async for data in messages:
                    tried = 0
                    if report := follower.message(data):
                        yield report
        except Transient:
            tried = max(tried, 0) + 1
            if tried > reconnects:
                raise
            await asyncio.sleep(min(pause_seconds * 2 ** (tried - 1), _LONGEST_PAUSE))


def _changed(client: "AlpacaClient", follower: Follower, began: datetime) -> list[Row]:
    """Orders that may have changed while nobody listened: those of these days, those that are open, those that were."""
    rows = reading.orders(client, open_only=False, after=began - _DAY) + reading.orders(client, open_only=True)
    found = {str(row["id"]): row for row in rows}
    for report in follower.told.values():
        if not report.state.is_final and report.broker_order_id and report.broker_order_id not in found:
            found[report.broker_order_id] = client.order(report.broker_order_id)
    replaced = [row for row in found.values() if row["status"] == "replaced"]
    for row in replaced:
        follower.row(row)
    return [row for row in found.values() if _is_of_this_stream(row, follower, began)]


def _is_of_this_stream(row: Row, follower: Follower, began: datetime) -> bool:
    """Whether an order changed since the beginning; one that was never told and did not change is no news."""
    updated = order_report(row).updated_at
    return own_id(str(row["client_order_id"])) in follower.told or updated is None or updated >= began


async def follow_quotes(feeds: Mapping[str, Sequence[Contract]], login: Login) -> AsyncIterator[Quote]:
    """Quotes as they change; the same one twice is told once.

    Args:
        feeds: Address of a stream -> contracts that are quoted there.

    Raises:
        AuthenticationFailed: Keys or token are refused.
        BrokerUnavailable: A connection cannot be opened, or ended.
    """
    queue: asyncio.Queue[Quote | PolybrokerError] = asyncio.Queue()
    tasks = [asyncio.create_task(_read_feed(url, contracts, login, queue)) for url, contracts in feeds.items() if contracts]
    last: dict[str, Quote] = {}
    try:
        while tasks:
            found = await queue.get()
            if isinstance(found, PolybrokerError):
                raise found
            if last.get(found.native_id) != found:
                last[found.native_id] = found
                yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read_feed(
    url: str, contracts: Sequence[Contract], login: Login, queue: "asyncio.Queue[Quote | PolybrokerError]"
) -> None:
    by_symbol = {contract.symbol: contract for contract in contracts}
    try:
        async with quote_messages(url, login, sorted(by_symbol)) as messages:
            stream_begun()
            async for row in messages:
                contract = by_symbol.get(str(row.get("S")))
                found = quote(contract, row, None) if contract else None
                if found is not None:
                    await queue.put(found)
    except PolybrokerError as error:
        await queue.put(error)
    except _MALFORMED as error:
        await queue.put(BrokerUnavailable(f"alpaca's quote made no sense: {error!r}", broker="alpaca"))
