"""Difference against yesterday: what of today's mappings is not as it was last seen. Pure.

A broker can give a symbol to another company, merge lots or move to pence overnight, and a matcher can be led astray. So the
handle that orders are made with is compared with the one that was last seen, and what differs waits for a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from include.domain.contract import Contract
from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.seen import Change, Form, Seen, SeenPrice, Waiting

_NUMBERS = ("lot_size", "tick_size", "multiplier", "price_magnifier")


class Verdict(StrEnum):
    """`new` was never seen at this source; `gone` was, and has no contract now."""

    SAME = "same"
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True)
class Difference:
    """One mapping against what was last seen; `before` is None for what is new, `changes` is empty unless it changed."""

    mapping: Mapped
    verdict: Verdict
    before: Seen | None = None
    changes: tuple[Change, ...] = ()


def handle_of(contract: Contract) -> dict[str, str]:
    """What an order is made with, as text; numbers in one form (`0.010` is `0.01`)."""
    words = {
        "native_id": contract.native_id,
        "symbol": contract.symbol,
        "currency": contract.currency,
        "mic": contract.mic,
        "asset_class": contract.asset_class.value,
    }
    return words | {name: f"{Decimal(getattr(contract, name)).normalize():f}" for name in _NUMBERS}


def differences(
    mappings: Sequence[Mapped],
    prices: Mapping[str, SeenPrice],
    seen: Sequence[Seen],
    waiting: Sequence[Waiting] = (),
    *,
    run_id: str,
    session: str,
    max_ratio: Decimal,
) -> list[Difference]:
    """Every mapping against what was last seen before this run, in the order of `mappings`.

    Mappings without a contract are left out, unless there was one before: then they are `gone` (`unavailable` says nothing).
    What this run recorded itself is no yesterday, so that a cleared task says the same again; what was accepted for a later
    session does not hold an older one.

    Args:
        mappings: What the matcher said at one broker.
        prices: Ticker to the export's price of this session; absent where there is none.
        seen: Everything seen at the broker's source.
        waiting: What waits there for a person: an instrument that has another ticker or identity since is compared with what it
            was before that, else the change would pass as the first mapping of something new.
        run_id: This run.
        session: Its session, ISO date.
        max_ratio: A price more than this many times, or less than this part of, the one before is a change.
    """
    past = _Past(mappings, seen, waiting, run_id, session)
    found = []
    for mapping in mappings:
        if mapping.status is MappingStatus.UNAVAILABLE:
            continue
        handle = handle_of(mapping.contract) if mapping.contract else None
        before = past.of(mapping, handle)
        if handle is None:
            if before is not None and before.session <= session:
                found.append(Difference(mapping, Verdict.GONE, before))
        elif before is None:
            found.append(Difference(mapping, Verdict.NEW))
        elif before.session > session:
            found.append(Difference(mapping, Verdict.NEW if before.first_run_id == run_id else Verdict.SAME, before))
        else:
            changes = _changed(before.handle, handle)
            changes += _jumped(before.price_before(session), prices.get(mapping.ticker), max_ratio)
            found.append(Difference(mapping, Verdict.CHANGED if changes else Verdict.SAME, before, tuple(changes)))
    return found


class _Past:
    """Finds what was last seen of an instrument, also under a ticker or an identity that it no longer has."""

    def __init__(
        self, mappings: Sequence[Mapped], seen: Sequence[Seen], waiting: Sequence[Waiting], run_id: str, session: str
    ) -> None:
        self._run_id = run_id
        self._today = {(mapping.instrument_id, mapping.ticker) for mapping in mappings}
        self._exact = {one.key: one for one in seen if one.first_session <= session}
        self._by_word: dict[str, list[Seen]] = {}
        for one in self._exact.values():
            if one.first_run_id != run_id:
                for word in (one.instrument_id, one.ticker):
                    self._by_word.setdefault(word, []).append(one)
        self._waiting: dict[str, list[Waiting]] = {}
        for due in waiting:
            if due.session <= session and due.key not in self._today:
                for word in (due.instrument_id, due.ticker):
                    self._waiting.setdefault(word, []).append(due)

    def of(self, mapping: Mapped, handle: dict[str, str] | None) -> Seen | None:
        exact = self._exact.get((mapping.instrument_id, mapping.ticker))
        own = exact is not None and exact.first_run_id == self._run_id and exact.seen_by is None
        if exact is not None and not (own and handle in (None, exact.handle)):
            return exact
        due = self._waiting.get(mapping.instrument_id) or [
            one for one in self._waiting.get(mapping.ticker, []) if _may_be(one, mapping)
        ]
        if due:
            return _before(max(due, key=lambda one: (one.session, one.key)))
        akin = [one for one in self._by_word.get(mapping.instrument_id, []) if one.key not in self._today]
        akin = akin or [one for one in self._by_word.get(mapping.ticker, []) if _may_be(one, mapping)]
        return max(akin, key=lambda one: (one.session, one.key), default=None)


def _before(one: Waiting) -> Seen:
    """What was last seen, out of what waits for differing from it."""
    was = {change.field: change.before for change in one.changes}
    price = one.price
    if price and "price" in was:  # of some session before
        price = SeenPrice(amount=Decimal(was.pop("price")), currency=price.currency, session="")
    values = {name: getattr(one, name) for name in Form.model_fields} | {"name": one.name_before, "price": price}
    values |= {"handle": {**one.handle, **was}, "first_run_id": one.run_id, "first_session": one.session}
    return Seen(**values)


def is_akin(one: Form, mapping: Mapped) -> bool:
    """Whether a form may be of a mapping's instrument, under a ticker or an identity that it no longer has, too."""
    return one.instrument_id == mapping.instrument_id or _may_be(one, mapping)


def _may_be(one: Form, mapping: Mapped) -> bool:
    """Whether a ticker may still be the same instrument: not where two ISINs (or two FIGIs ...) differ, a symbol given away."""
    return one.ticker == mapping.ticker and one.instrument_id.partition(":")[0] != mapping.instrument_id.partition(":")[0]


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Fields that both tell (an empty word tells nothing) and that differ."""
    return [
        Change(field=field, before=before[field], after=value)
        for field, value in after.items()
        if value and before.get(field) and before[field] != value
    ]


def _jumped(before: SeenPrice | None, after: SeenPrice | None, max_ratio: Decimal) -> list[Change]:
    if before is None or after is None or before.currency != after.currency or min(before.amount, after.amount) <= 0:
        return []
    if 1 / max_ratio <= after.amount / before.amount <= max_ratio:
        return []
    return [Change(field="price", before=f"{before.amount:f}", after=f"{after.amount:f} {after.currency}")]
