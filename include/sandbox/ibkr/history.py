"""Historical bars of the local TWS: a walk of prices that ends at the mark, the same at every request."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.tickets import Refusal
from include.sandbox.ibkr.wire import Field
from include.simulation.engine import SimQuote

SIZES = {"1 min": timedelta(minutes=1), "1 hour": timedelta(hours=1), "1 day": timedelta(days=1)}
SPANS = {"S": 1, "D": 86_400, "W": 7 * 86_400, "M": 30 * 86_400, "Y": 365 * 86_400}
MAX_BARS = 5000
OPEN_HOUR, CLOSE_HOUR = 14, 21  # UTC; one session for every market
_SATURDAY = 5


def history(listing: Listing, quote: SimQuote | None, fields: Sequence[str], now: datetime) -> list[Field]:
    """Message 17, the answer to message 20 (split into fields).

    Raises:
        Refusal: Nothing is known of that time, or the request is none.
    """
    request_id, end_text, size, duration, format_date = fields[2 - 1], fields[15], fields[16], fields[17], fields[20]
    if size not in SIZES or duration.partition(" ")[2] not in SPANS:
        raise Refusal(321, f"Error validating request.-'bK' : cause - Invalid step or duration: {size}, {duration}")
    end = datetime.strptime(end_text, "%Y%m%d %H:%M:%S UTC").replace(tzinfo=UTC) if end_text else now
    count, _, unit = duration.partition(" ")
    start = end - timedelta(seconds=int(count) * SPANS[unit])
    bars = list(_bars(listing, quote, SIZES[size], start, min(end, now))) if quote else []
    if not bars:
        raise Refusal(162, "Historical Market Data Service error message:HMDS query returned no data")
    values: list[Field] = [17, request_id, f"{start:%Y%m%d %H:%M:%S} UTC", f"{end:%Y%m%d %H:%M:%S} UTC", len(bars)]
    for time, prices, volume in bars:
        date = (
            f"{time:%Y%m%d}"
            if size == "1 day"
            else str(int(time.timestamp()))
            if format_date == "2"
            else f"{time:%Y%m%d %H:%M:%S} UTC"
        )
        shown = [price * listing.price_magnifier for price in prices]
        values += [date, *shown, volume, shown[3], 1]
    return values


def _bars(
    listing: Listing, quote: SimQuote, step: timedelta, start: datetime, end: datetime
) -> Iterator[tuple[datetime, list[Decimal], int]]:
    """(begin, [open, high, low, close], volume) of every bar that begins in [start, end), on weekdays in session hours."""
    time = datetime(start.year, start.month, start.day, tzinfo=UTC)
    if step < timedelta(days=1):
        time += (start - time) // step * step
    found: list[tuple[datetime, list[Decimal], int]] = []
    while time < end:
        in_session = step >= timedelta(days=1) or OPEN_HOUR <= time.hour < CLOSE_HOUR
        if time >= start and time.weekday() < _SATURDAY and in_session:
            found.append((time, *_bar(listing, quote, time, step)))
        time += step
    yield from found[-MAX_BARS:]


def _bar(listing: Listing, quote: SimQuote, time: datetime, step: timedelta) -> tuple[list[Decimal], int]:
    drawn = hashlib.sha256(f"{listing.native_id}:{time.isoformat()}:{step}".encode()).digest()
    steps = [Decimal(byte - 128) / 12_800 for byte in drawn[:2]]  # at most one percent either way
    begin, finish = (_stepped(quote.last * (1 + each), listing.tick_size) for each in steps)
    high = _stepped(max(begin, finish) * (1 + Decimal(drawn[2]) / 51_200), listing.tick_size)
    low = _stepped(min(begin, finish) * (1 - Decimal(drawn[3]) / 51_200), listing.tick_size)
    return [begin, max(high, begin, finish), min(low, begin, finish), finish], 100 * (1 + drawn[4])


def _stepped(price: Decimal, tick: Decimal) -> Decimal:
    return max((price / tick).to_integral_value() * tick, tick)
