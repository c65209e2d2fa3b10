"""Screens to one universe document, and the gate in front of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from include.domain.identifiers import instrument_id
from include.errors import InputError
from include.screening.rows import RejectedRow, Screen, ScreenRow


@dataclass
class _Merge:
    """What the screens say of each ticker, and what had to be decided about it."""

    chosen: dict[str, ScreenRow] = field(default_factory=dict)
    member_of: dict[str, list[str]] = field(default_factory=dict)
    rejected: list[RejectedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def universe_document(screens: Sequence[Screen], *, as_of: date, created_at: str) -> dict[str, Any]:
    """The universe document of step 2 (docs/architecture.md).

    A ticker in several screens is one entry of `all_stocks` and the same row in each of them: price and change are those of
    the newest dated screen (the difference is noted); an ISIN that only one of them knows is taken where both name the same
    company. Screens that contradict each other about ISIN or currency, and a second listing of an instrument (one ISIN, or one
    pair in two notations), are rejected rows.

    Args:
        screens: In the order they shall have in the document.
        created_at: ISO time for the metadata.

    Raises:
        InputError: Nothing usable is left of a screen.
    """
    merge = _merged(screens)
    entries = {ticker: _entry(row, merge.member_of[ticker]) for ticker, row in merge.chosen.items()}
    listed: dict[str, dict[str, Any]] = {}
    total = 0
    for screen in screens:
        stocks = [_stock(entries[row.ticker]) for row in screen.rows if row.ticker in entries]
        if not stocks:
            raise InputError("expected at least one row that does not contradict another screen", source=screen.name)
        listed[screen.key] = {"name": screen.name, "count": len(stocks), "stocks": stocks}
        total += len(stocks)
    rejected = [row for screen in screens for row in screen.rejected] + merge.rejected
    metadata = {
        "created_at": created_at,
        "as_of": as_of.isoformat(),
        "synthetic": any(screen.synthetic for screen in screens),
        "screens": [screen.name for screen in screens],
        "screen_dates": {screen.key: screen.dated for screen in screens},
        "screen_ages_days": {screen.key: (as_of - date.fromisoformat(screen.dated)).days for screen in screens},
        "total_stocks": total,
        "unique_stocks": len(entries),
        "rejected_rows": len(rejected),
        "notes": merge.notes,
    }
    return {
        "metadata": metadata,
        "screens": listed,
        "all_stocks": entries,
        "rejected": [row.model_dump(mode="json") for row in rejected],
    }


def gate_reasons(
    document: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    *,
    max_screen_age_days: int,
    max_rejected_pct: float,
    max_membership_change_pct: float,
) -> list[str]:
    """Reasons, in words, for which a person should look before anything is sent; [] for none.

    Args:
        document: The universe document.
        previous: The last run's, or None. One that is synthetic says nothing about one that is real, and the reverse.
        max_screen_age_days: From the day of an export to the session.
        max_rejected_pct: Rejected rows, in percent of all rows.
        max_membership_change_pct: The larger of names that joined and names that left, in percent of the names before.
    """
    reasons = [
        f"the export of {key} is {age} days old (allowed {max_screen_age_days})"
        for key, age in document["metadata"]["screen_ages_days"].items()
        if age > max_screen_age_days
    ]
    rejected, usable = len(document["rejected"]), document["metadata"]["total_stocks"]
    share = 100 * rejected / (rejected + usable)
    if share > max_rejected_pct:
        reasons.append(f"{rejected} of {rejected + usable} rows are rejected ({share:.1f}%, allowed {max_rejected_pct:g}%)")
    if previous is None or bool(previous["metadata"].get("synthetic")) != document["metadata"]["synthetic"]:
        return reasons
    before, now = set(previous["all_stocks"]), set(document["all_stocks"])
    joined, left = len(now - before), len(before - now)
    change = 100 * max(joined, left) / max(len(before), 1)
    if change > max_membership_change_pct:
        reasons.append(
            f"membership changed by {change:.1f}% against the last run (allowed {max_membership_change_pct:g}%): "
            f"{joined} joined, {left} left, {len(before)} before"
        )
    return reasons


def with_history(document: Mapping[str, Any], screens: Iterable[Screen]) -> dict[str, Any]:
    """The document with `metadata.historical_performance`, each screen's history under its key."""
    history = {screen.key: screen.history for screen in screens}
    return {**document, "metadata": {**document["metadata"], "historical_performance": history}}


def _merged(screens: Sequence[Screen]) -> _Merge:
    merge = _Merge()
    found: dict[str, list[tuple[Screen, ScreenRow]]] = {}
    for screen in screens:
        for row in screen.rows:
            found.setdefault(row.ticker, []).append((screen, row))
    owners: dict[str, str] = {}
    for ticker, rows in found.items():
        field = _contradiction([row for _, row in rows])
        if field:
            merge.rejected += [_contradicting(screen, row, field, rows) for screen, row in rows]
            continue
        row = _newest(ticker, rows, merge.notes)
        identity = _identity(row)
        if identity in owners:
            field, what = ("isin", "has this ISIN") if row.isin else ("ticker", f"is the pair {row.pair}")
            reason = f"expected one listing per instrument: {owners[identity]} {what} already"
            merge.rejected += [_rejected(screen, one, field, row.isin or ticker, reason) for screen, one in rows]
            continue
        owners[identity] = ticker
        merge.chosen[ticker] = row
        merge.member_of[ticker] = [screen.name for screen, _ in rows]
    return merge


def _contradiction(rows: Sequence[ScreenRow]) -> str | None:
    if len({row.isin for row in rows if row.isin}) > 1:
        return "isin"
    return "currency" if len({row.currency for row in rows}) > 1 else None


def _contradicting(screen: Screen, row: ScreenRow, field: str, rows: Sequence[tuple[Screen, ScreenRow]]) -> RejectedRow:
    others = [f"{other.name} has {getattr(one, field)}" for other, one in rows if other.key != screen.key]
    reason = f"expected the same {field} in every screen: {', '.join(others)}"
    return _rejected(screen, row, field, str(getattr(row, field) or ""), reason)


def _rejected(screen: Screen, row: ScreenRow, field: str, value: str, reason: str) -> RejectedRow:
    return RejectedRow(file=screen.file, line=row.line, ticker=row.ticker, field=field, value=value, reason=reason)


def _newest(ticker: str, rows: Sequence[tuple[Screen, ScreenRow]], notes: list[str]) -> ScreenRow:
    screen, row = max(rows, key=lambda pair: pair[0].dated)  # the first of several with the same date
    for other, one in rows:
        if (one.price, one.price_180d_change) != (row.price, row.price_180d_change):
            notes.append(
                f"{ticker}: price {row.price:g} ({row.price_180d_change}) of {screen.name}, {screen.dated}, "
                f"not {one.price:g} ({one.price_180d_change}) of {other.name}, {other.dated}"
            )
    # A ticker that was given away stands for another company in an older export: its ISIN is not this one's.
    isin = row.isin or next((one.isin for _, one in rows if one.isin and one.name.casefold() == row.name.casefold()), None)
    return row.model_copy(update={"isin": isin})


def _entry(row: ScreenRow, screens: list[str]) -> dict[str, Any]:
    return {
        "ticker": row.ticker,
        "isin": row.isin,
        "name": row.name,
        "currency": row.currency,
        "sector": row.sector,
        "country": row.country,
        "price": row.price,
        "price_180d_change": row.price_180d_change,
        "screens": screens,
        "instrument_id": _identity(row),
        "market": row.market,
        "asset_class": row.asset_class.value,
    }


def _identity(row: ScreenRow) -> str:
    return instrument_id(isin=row.isin, pair=row.pair, ticker=row.ticker)


def _stock(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in ("instrument_id", "market", "asset_class")}
