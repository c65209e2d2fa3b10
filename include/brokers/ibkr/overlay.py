"""The library's client with what it drops kept: an answer that cannot be decoded, the time of a trade, how an order ended.

ib_insync and ib_async both log the first, and do not keep the others (`Wrapper.tickString`, `Wrapper.completedOrder`).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

LAST_TIMESTAMP = 45  # tick type: when the last trade happened, in seconds


def new_client(library: Any, messages_per_second: int, on_garbage: Callable[[str], None]) -> Any:
    """The library's `IB`, not connected.

    Args:
        library: ib_insync or ib_async.
        messages_per_second: For what the library sends by itself; 0: no limit.
        on_garbage: Told of every answer that cannot be decoded.
    """
    ib = library.IB()
    ib.RaiseRequestErrors = True
    ib.client.MaxRequests = messages_per_second
    ib.client.decoder.logger = _DecodeAlarm(on_garbage)
    told = ib.wrapper.tickString

    def tick_string(request_id: int, tick_type: int, value: str) -> None:
        """the library drops the time of the last trade; it is kept where a later reader looks for a time."""
        ticker = ib.wrapper.reqId2Ticker.get(request_id)
        if tick_type == LAST_TIMESTAMP and ticker is not None:
            ticker.rtTime = datetime.fromtimestamp(int(value), UTC)
        told(request_id, tick_type, value)

    ib.wrapper.tickString = tick_string
    return ib


def keep_endings(ib: Any) -> dict[int, str]:
    """Permanent order id -> how a completed order ended, in IBKR's words: it fills as TWS tells completed orders."""
    endings: dict[int, str] = {}
    completed = ib.wrapper.completedOrder

    def completed_order(contract: Any, order: Any, state: Any) -> None:
        """the library drops how an order ended."""
        endings[order.permId] = state.completedStatus
        completed(contract, order, state)

    ib.wrapper.completedOrder = completed_order
    return endings


class _DecodeAlarm(logging.LoggerAdapter[logging.Logger]):
    """Stands where the library logs an answer it could not decode: such an answer must end the read, not shorten it."""

    def __init__(self, alarm: Callable[[str], None]) -> None:
        super().__init__(logging.getLogger(__name__), {})
        self._alarm = alarm

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Raise the alarm."""
        self._alarm(str(msg))
