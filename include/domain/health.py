"""How well a broker has been answering: what was counted, and the score from 0 to 1 that follows from it (docs/brokers.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

ANSWERED = ""  # the code of a call that ended without an error
NOBODY_THERE = frozenset({"CONNECTION_ERROR", "OUTCOME_UNKNOWN"})
NOT_UNDERSTOOD = "UNKNOWN"
QUICK = frozenset({"connect", "snapshot", "submit", "cancel", "find_order", "list_orders"})  # one question each, whatever the run
WEIGHTS: Mapping[str, Decimal] = {
    "answered": Decimal("0.4"),
    "uptime": Decimal("0.3"),
    "speed": Decimal("0.15"),
    "filled": Decimal("0.15"),
}
FAST_SECONDS, SLOW_SECONDS = 1.0, 10.0


@dataclass(frozen=True)
class CallCount:
    """Calls of one kind with one outcome at one broker, in one hour.

    Attributes:
        source: The broker in one environment (`Broker.source`).
        hour: Its beginning, aware UTC.
        method: Of the port.
        code: Standard code of the error, `ANSWERED` without one.
        seconds / slowest_seconds: Of all of them together; of the slowest one.
        broker_code: The broker's own code of the error, "" where it gave none.
    """

    source: str
    broker: str
    hour: datetime
    method: str
    code: str
    calls: int
    seconds: float
    slowest_seconds: float
    broker_code: str = ""


@dataclass(frozen=True)
class ErrorCount:
    """Errors of one kind at one broker.

    Attributes:
        code / broker_code: The standard code; the broker's own, "" where it gave none.
        last_hour: The beginning of the hour of the last one, aware UTC.
    """

    code: str
    broker_code: str
    calls: int
    last_hour: datetime


@dataclass(frozen=True)
class Health:
    """A broker's score and what it is made of; a part is None where nothing was counted.

    Attributes:
        answered: Share of calls that somebody answered; one whose error nobody understands counts half.
        uptime: Share of attempts to connect that succeeded.
        speed: 1 where single questions take a second or less on average, 0 from ten seconds on.
        filled: Share of the orders that are over which filled.
        calls: Counted calls.
        mean_seconds: Of a single question; None where none was asked.
        codes: Errors by standard code.
        errors: The same by the broker's own codes too: what nobody understood first, then the newest.
    """

    answered: Decimal | None
    uptime: Decimal | None
    speed: Decimal | None
    filled: Decimal | None
    calls: int
    mean_seconds: float | None
    codes: Mapping[str, int]
    errors: tuple[ErrorCount, ...] = ()

    @property
    def score(self) -> Decimal | None:
        """Weighted mean of the parts that are known, to two places; None where no call was counted."""
        parts = {name: part for name in WEIGHTS if (part := getattr(self, name)) is not None}
        if not self.calls:
            return None
        total = sum((WEIGHTS[name] for name in parts), Decimal(0))
        return (sum((WEIGHTS[name] * part for name, part in parts.items()), Decimal(0)) / total).quantize(Decimal("0.01"))


def health(counts: Iterable[CallCount], filled: tuple[int, int] = (0, 0)) -> Health:
    """The health out of what was counted.

    Args:
        counts: Of one broker.
        filled: (orders that filled whole, orders that are over), refused ones left out.
    """
    rows = list(counts)
    calls = sum(row.calls for row in rows)
    codes: dict[str, int] = {}
    for row in rows:
        if row.code != ANSWERED:
            codes[row.code] = codes.get(row.code, 0) + row.calls
    lost = sum((Decimal(codes.get(code, 0)) for code in NOBODY_THERE), Decimal(codes.get(NOT_UNDERSTOOD, 0)) / 2)
    connects = [row for row in rows if row.method == "connect"]
    connected = sum(row.calls for row in connects if row.code not in NOBODY_THERE)
    quick = [row for row in rows if row.method in QUICK and row.code not in NOBODY_THERE]
    asked = sum(row.calls for row in quick)
    mean = sum(row.seconds for row in quick) / asked if asked else None
    return Health(
        answered=_share(calls - lost, calls),
        uptime=_share(connected, sum(row.calls for row in connects)),
        speed=None if mean is None else _speed(mean),
        filled=_share(*filled),
        calls=calls,
        mean_seconds=mean,
        codes=codes,
        errors=_errors(rows),
    )


def _errors(rows: Iterable[CallCount]) -> tuple[ErrorCount, ...]:
    found: dict[tuple[str, str], ErrorCount] = {}
    for row in rows:
        if row.code != ANSWERED:
            known = found.get((row.code, row.broker_code), ErrorCount(row.code, row.broker_code, 0, row.hour))
            last = max(known.last_hour, row.hour)
            found[row.code, row.broker_code] = replace(known, calls=known.calls + row.calls, last_hour=last)
    return tuple(sorted(found.values(), key=_first_to_look_at))


def _first_to_look_at(error: ErrorCount) -> tuple[bool, float, str, str]:
    return error.code != NOT_UNDERSTOOD, -error.last_hour.timestamp(), error.code, error.broker_code


def _share(part: Decimal | int, whole: int) -> Decimal | None:
    return Decimal(part) / whole if whole else None


def _speed(mean: float) -> Decimal:
    share = (SLOW_SECONDS - mean) / (SLOW_SECONDS - FAST_SECONDS)
    return Decimal(str(round(min(max(share, 0.0), 1.0), 4)))
