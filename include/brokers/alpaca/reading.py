"""Lists of Alpaca, read to their end: orders, fills, bars."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.brokers.alpaca.reports import moment, required
from include.brokers.alpaca.standing import own_id
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.order import Fill
from include.errors import BrokerUnavailable

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient

PAGE = 500  # orders; Alpaca's most
FILLS_PAGE = 100  # Alpaca's most
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
_MOMENT = timedelta(milliseconds=1)
_DAY = timedelta(days=1)

Row = dict[str, Any]


def orders(client: "AlpacaClient", *, open_only: bool, after: datetime | None = None) -> list[Row]:
    """Orders submitted after a moment (None: all that Alpaca tells), oldest first.

    Raises:
        BrokerUnavailable: The answers are no orders, or more than a page of them are of one moment.
    """
    found: dict[str, Row] = {}
    try:
        while True:
            page = _list(client.orders(open_only, after, PAGE))
            fresh = {str(row["id"]): row for row in page if str(row["id"]) not in found}
            found |= fresh
            if len(page) < PAGE:
                return list(found.values())
            if not fresh:
                raise BrokerUnavailable(f"alpaca lists {PAGE} orders of one moment: the rest cannot be read")
            # `after` excludes that very moment, at which further orders may stand: step back, what is known already is skipped.
            after = moment(str(page[-1]["submitted_at"])) - _MOMENT
    except _MALFORMED as error:
        raise BrokerUnavailable(f"alpaca's orders made no sense: {error!r}") from error


def fills(client: "AlpacaClient", since: datetime) -> list[tuple[str, Fill]]:
    """(our client order id, or somebody else's; fill) of every execution at or after `since`, oldest first.

    Raises:
        BrokerUnavailable: The answers are no executions.
    """
    rows: list[Row] = []
    token: str | None = None
    try:
        while True:
            page = _list(client.fills(since - _MOMENT, token, FILLS_PAGE))
            rows += page
            if len(page) < FILLS_PAGE:
                break
            token = str(page[-1]["id"])
        names = _names(client, {str(row["order_id"]) for row in rows}, since)
        told = [(names[str(row["order_id"])], fill_of(row)) for row in rows]
    except _MALFORMED as error:
        raise BrokerUnavailable(f"alpaca's fills made no sense: {error!r}") from error
    return [(name, fill) for name, fill in told if fill.time >= since]


def fill_of(row: Row) -> Fill:
    """One execution. Its id is the part after the time of Alpaca's `<time>::<uuid>`.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    return Fill(
        fill_id=str(row["id"]).rpartition("::")[2],
        quantity=required(row["qty"]),
        price=required(row["price"]),
        time=moment(str(row["transaction_time"])),
    )


def _list(answer: object) -> list[Row]:
    """The rows of an answer; an empty object is no empty list."""
    if not isinstance(answer, list):
        raise TypeError(f"expected a list, found {type(answer).__name__}")
    return answer


def _names(client: "AlpacaClient", wanted: set[str], since: datetime) -> dict[str, str]:
    """Our id by Alpaca's: executions tell theirs only. Orders of more than a day before are asked for one by one."""
    if not wanted:
        return {}
    rows = orders(client, open_only=False, after=since - _DAY)
    names = {str(row["id"]): own_id(str(row["client_order_id"])) for row in rows}
    for order_id in wanted - names.keys():
        names[order_id] = own_id(str(client.order(order_id)["client_order_id"]))
    return names


def bars(client: "AlpacaClient", contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
    """Bars that begin in [start, end), oldest first.

    Alpaca's day begins at midnight of its market's zone; here it is midnight UTC of the same date.

    Raises:
        BrokerUnavailable: The answer is no bars.
    """
    daily = size is BarSize.DAY
    crypto = contract.asset_class is AssetClass.CRYPTO
    read: Callable[..., Any] = client.crypto_history if crypto else client.stock_history
    midnight, last = start.replace(hour=0, minute=0, second=0, microsecond=0), end + _DAY if daily else end
    try:
        rows: Iterable[Row] = read(contract.symbol, size, midnight if daily else start, last)
        found = [_bar(contract, row, daily) for row in rows]
    except _MALFORMED as error:
        raise BrokerUnavailable(f"alpaca's bars made no sense: {error!r}") from error
    return [bar for bar in found if start <= bar.time < end]


def _bar(contract: Contract, row: Row, daily: bool) -> Bar:
    time = moment(str(row["t"]))
    return Bar(
        native_id=contract.native_id,
        currency=contract.currency,
        time=datetime(time.year, time.month, time.day, tzinfo=UTC) if daily else time,
        open=required(row["o"]),
        high=required(row["h"]),
        low=required(row["l"]),
        close=required(row["c"]),
        volume=required(row["v"]),
    )
