"""Historical bars, and the time at TWS."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from include.brokers.ibkr.details import number
from include.brokers.ibkr.session import Session
from include.brokers.ibkr.wire import wire_contract
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable

# How much IBKR tells of each size in one answer (TWS API, historical data limitations), in days.
_CHUNK_DAYS = {BarSize.MINUTE: 1, BarSize.HOUR: 30, BarSize.DAY: 365}
_SIZES = {BarSize.MINUTE: "1 min", BarSize.HOUR: "1 hour", BarSize.DAY: "1 day"}
# What IBKR tells no trades of: pairs and CFDs have no market of their own that reports them.
_WHAT = {AssetClass.FX: "MIDPOINT", AssetClass.CRYPTO: "AGGTRADES", AssetClass.CFD: "MIDPOINT"}
_ALL_HOURS = frozenset({AssetClass.FX, AssetClass.CRYPTO})
_NO_DATA = "162"


async def bars(session: Session, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
    """Bars that begin in [start, end), oldest first, asked for piece by piece from the end; regular hours where there are such.

    Raises:
        Transient: A piece could not be read.
    """
    found: dict[datetime, Bar] = {}
    until = end
    while until > start:
        days = min(_CHUNK_DAYS[size], -((start - until) // timedelta(days=1)))
        for told in await _piece(session, contract, size, until, days):
            bar = _bar(told, contract)
            if start <= bar.time < end:
                found[bar.time] = bar
        until -= timedelta(days=days)
    return [found[time] for time in sorted(found)]


async def _piece(session: Session, contract: Contract, size: BarSize, until: datetime, days: int) -> list[Any]:
    asked = wire_contract(session.library, contract)
    what, regular = _WHAT.get(contract.asset_class, "TRADES"), contract.asset_class not in _ALL_HOURS

    async def request() -> list[Any]:
        found: list[Any] = await session.ib.reqHistoricalDataAsync(
            asked, until, f"{days} D" if days < 365 else "1 Y", _SIZES[size], what, regular, formatDate=2, timeout=0
        )  # the library's own time-out would end in an empty list
        return found

    try:
        return await session.ask(request, "bars")
    except BrokerUnavailable as error:
        if error.broker_code == _NO_DATA and "no data" in error.context.get("text", "").lower():
            return []
        raise


def _bar(told: Any, contract: Contract) -> Bar:
    moment: date | datetime = told.date
    time = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    prices = {name: number(getattr(told, name)) / contract.price_magnifier for name in ("open", "high", "low", "close")}
    volume = max(number(told.volume), Decimal(0))  # -1: not told, as for middle prices
    return Bar(native_id=contract.native_id, currency=contract.currency, time=time.astimezone(UTC), volume=volume, **prices)


async def current_time(session: Session) -> datetime:
    """The time at TWS, right to half a second: it tells whole ones."""
    cut: datetime = await session.ask_named(session.ib.reqCurrentTimeAsync)
    return cut + timedelta(seconds=0.5)
