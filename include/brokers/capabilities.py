"""What a broker can do: declared as data by its adapter, narrowed by what the broker tells of an account, never widened."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any


class ResendClass(StrEnum):
    """What sending the same client order id again does: decides what follows a time-out (docs/architecture.md)."""

    REPLAY_RETURNS_ORIGINAL = "replay_returns_original"
    DUPLICATE_REFUSED = "duplicate_refused"
    UNIQUE_AMONG_OPEN = "unique_among_open"
    TAG_ONLY = "tag_only"


@dataclass(frozen=True)
class Limit:
    """What a broker can do less for some kinds of contracts than for others; None: as for the others.

    Attributes:
        asset_classes: The kinds it is about.
    """

    asset_classes: frozenset[str]
    order_types: frozenset[str] | None = None
    times_in_force: frozenset[str] | None = None
    brackets: bool | None = None
    cash_amounts: bool | None = None
    extended_hours: bool | None = None
    fractional: bool | None = None
    shorting: bool | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a broker can do, declared as data and checked before sending (`include/brokers/checks.py`).

    Attributes:
        lists_all: True when `contracts(None)` delivers everything it trades; False when it must be asked (IBKR).
        knows_isin: True when the broker answers to ISINs, so that a name match is allowed after a definite miss.
        resend: What a repeated client order id does.
        order_types / times_in_force: `OrderType` / `TimeInForce` values it takes.
        asset_classes: `AssetClass` values it trades.
        fractional: Whether fractions of a unit can be traded at all.
        brackets: Whether an entry may carry its closing orders.
        cash_amounts: Whether an order may name money instead of a quantity.
        extended_hours: Whether an order may fill outside of the regular session.
        modifies: Whether a standing order can be changed.
        shorting: Whether more may be sold than is held (this project never does).
        hedging: Whether a contract may be held long and short at once: then it has several positions, of which the sum counts.
        fifo_only: Whether the oldest position must be closed first (US rules for currency pairs): no closing orders of its own
            for an order beside what is held already.
        bars / quote_stream / order_stream: Whether it tells historical bars, and follows quotes and orders live.
        limits: Kinds of contracts for which it can do less; the first row of a kind counts.
        why_not: Kinds that are declared and cannot be traded in this account: why, in the broker's words.
    """

    lists_all: bool
    knows_isin: bool
    resend: ResendClass
    order_types: frozenset[str]
    times_in_force: frozenset[str]
    asset_classes: frozenset[str]
    fractional: bool = False
    brackets: bool = False
    cash_amounts: bool = False
    extended_hours: bool = False
    modifies: bool = False
    shorting: bool = False
    hedging: bool = False
    fifo_only: bool = False
    bars: bool = False
    quote_stream: bool = False
    order_stream: bool = False
    limits: tuple[Limit, ...] = ()
    why_not: Mapping[str, str] = field(default_factory=dict)

    def for_kind(self, asset_class: str) -> "Capabilities":
        """What it can do for one kind of contracts; everything of `limits` is worked in."""
        limit = self._limit(asset_class)
        told = {name: value for name, value in vars(limit).items() if name != "asset_classes" and value is not None}
        return replace(self, limits=(), **told)

    def without(self, reasons: Mapping[str, str]) -> "Capabilities":
        """The same without some kinds of contracts.

        Args:
            reasons: Kind to why; a kind that is not declared says nothing.
        """
        gone = {str(kind): why for kind, why in reasons.items() if kind in self.asset_classes}
        return (
            replace(self, asset_classes=self.asset_classes.difference(gone), why_not={**self.why_not, **gone}) if gone else self
        )

    def less(self, kinds: Collection[str], **remaining: frozenset[str] | bool) -> "Capabilities":
        """The same, but for these kinds only what is declared and in `remaining` (by the names of `Limit`)."""
        rows = []
        for kind in sorted(kinds):
            able = self.for_kind(kind)
            told: dict[str, Any] = {name: getattr(able, name) & value for name, value in remaining.items()}
            rows.append(replace(self._limit(kind), asset_classes=frozenset({kind}), **told))
        return replace(self, limits=(*rows, *self.limits))

    def _limit(self, kind: str) -> Limit:
        return next((row for row in self.limits if kind in row.asset_classes), Limit(frozenset({kind})))


def document(capabilities: Capabilities) -> dict[str, Any]:
    """Capabilities as plain JSON types: sets are sorted, `limits` is a list of what is less for which kinds."""
    return {one.name: _plain(getattr(capabilities, one.name)) for one in fields(capabilities)}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, tuple):
        return [{name: _plain(told) for name, told in vars(one).items() if told is not None} for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(told) for name, told in sorted(value.items())}
    return value
