"""What became of the orders: counts, money, cost, position differences and drift. Pure: the same answers give the same report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from include.domain.order import Order, OrderReport, OrderState

CENT = Decimal("0.01")
_COUNTED = {
    OrderState.PLANNED: "waiting",
    OrderState.SENDING: "unknown",
    OrderState.ACCEPTED: "open",
}  # every other state counts under its own name
COUNTS = (
    "planned",
    "held",
    "waiting",
    "sent",
    "filled",
    "partially_filled",
    "open",
    "cancelled",
    "expired",
    "rejected",
    "not_sent",
    "unknown",
)
_SENT = frozenset({"filled", "partially_filled", "open", "cancelled", "expired"})


@dataclass(frozen=True)
class Outcome:
    """One order with where it stands and the broker's last word.

    Attributes:
        reason: Why it was held, waits or was not sent; None otherwise.
    """

    order: Order
    state: OrderState
    reason: str | None
    report: OrderReport


@dataclass(frozen=True)
class Holding:
    """A managed position before and after the run's orders.

    Attributes:
        before / after: Signed quantity.
        unit_value: One unit in the portfolio's base currency; None: nobody told a price.
    """

    ticker: str
    before: Decimal
    after: Decimal
    unit_value: Decimal | None


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Number of orders by where they stand (`COUNTS`).

    `planned` is all of them; `sent` those that stood at the broker, whatever became of them; `partially_filled` still
    stands there and `open` has filled nothing yet; `waiting` was never sent and may still go.
    """
    found = dict.fromkeys(COUNTS, 0)
    for outcome in outcomes:
        name = _COUNTED.get(outcome.state, outcome.state.value)
        found[name] += 1
        found["sent"] += name in _SENT
    found["planned"] = len(outcomes)
    return found


def money(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Notionals in the base currency, cost of execution, and commissions.

    Returns:
        `notional_planned`, `notional_filled`, `notional_left` (text, cents), `slippage_bp` (average fill against the quote
        the order was sized on, weighted by filled notional, positive when it hurt; None while nothing filled) and
        `commissions` (currency -> text, positive when they cost; also where fills tell none: {}).
    """
    filled = [(outcome, _filled_notional(outcome)) for outcome in outcomes]
    total = sum((value for _, value in filled), Decimal(0))
    weighted = sum(((slippage_bp(outcome) or Decimal(0)) * value for outcome, value in filled), Decimal(0))
    commissions: dict[str, Decimal] = {}
    for outcome in outcomes:
        for fill in outcome.report.fills:
            if fill.commission is not None:
                currency = fill.commission_currency or outcome.order.contract.currency
                commissions[currency] = commissions.get(currency, Decimal(0)) + fill.commission
    return {
        "notional_planned": _cents(sum((outcome.order.notional for outcome in outcomes), Decimal(0))),
        "notional_filled": _cents(total),
        "notional_left": _cents(sum((_left_notional(outcome) for outcome in outcomes), Decimal(0))),
        "slippage_bp": round(float(weighted / total), 2) if total else None,
        "commissions": {currency: plain(amount) for currency, amount in sorted(commissions.items())},
    }


def slippage_bp(outcome: Outcome) -> Decimal | None:
    """Average fill price against the quote, in basis points of the quote, positive when it hurt; None without a fill."""
    order, price = outcome.order, outcome.report.average_price
    if price is None or not outcome.report.filled_quantity:
        return None
    return (price / order.quote_price - 1) * order.side.sign * 10_000


def order_row(outcome: Outcome) -> dict[str, Any]:
    """One order as `execution_report.json` shows it; amounts are decimal text, in the contract's currency or units."""
    order, report = outcome.order, outcome.report
    slippage = slippage_bp(outcome)
    return {
        "client_order_id": order.client_order_id,
        "broker_order_id": report.broker_order_id,
        "ticker": order.ticker,
        "symbol": order.contract.symbol,
        "native_id": order.contract.native_id,
        "side": order.side.value,
        "state": outcome.state.value,
        "reason": outcome.reason,
        "code": report.code,
        "message": report.message,
        "quantity": plain(order.quantity),
        "filled_quantity": plain(report.filled_quantity),
        "left_quantity": plain(order.quantity - report.filled_quantity),
        "currency": order.contract.currency,
        "quote_price": plain(order.quote_price),
        "limit_price": None if order.limit_price is None else plain(order.limit_price),
        "average_price": None if report.average_price is None else plain(report.average_price),
        "slippage_bp": None if slippage is None else round(float(slippage), 2),
        "fills": [
            {
                "fill_id": fill.fill_id,
                "quantity": plain(fill.quantity),
                "price": plain(fill.price),
                "time": fill.time.isoformat(),
                "commission": None if fill.commission is None else plain(fill.commission),
                "commission_currency": fill.commission_currency,
            }
            for fill in report.fills
        ],
    }


def compare_positions(
    managed: Mapping[str, Decimal],
    executed: Mapping[str, Decimal],
    before: Mapping[str, Decimal] | None,
    now: Mapping[str, Decimal],
    symbols: Mapping[str, str],
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Hold the broker's positions against the journal's.

    Args:
        managed: Native id -> signed quantity the journal manages now.
        executed: Native id -> signed quantity that this run's orders executed, as far as the journal knows.
        before: The account's positions before the run's orders; None where they are not known.
        now: The account's positions now.
        symbols: Native id -> symbol, for people.

    Returns:
        (differences, unmanaged), each sorted by symbol and native id. A difference is a contract whose position is not what
        is managed plus what was there unmanaged before: rows of `native_id, symbol, managed, unmanaged, broker, difference`
        (broker minus expected). Unmanaged rows: `native_id, symbol, quantity`.
    """
    differences, unmanaged = [], []
    for native_id in sorted({*managed, *now, *(before or {})}, key=lambda key: (symbols.get(key, ""), key)):
        ours, theirs = managed.get(native_id, Decimal(0)), now.get(native_id, Decimal(0))
        if before is not None:
            ours_before = ours - executed.get(native_id, Decimal(0))
            foreign = before.get(native_id, Decimal(0)) - ours_before
            if ours_before and foreign * ours_before < 0:
                foreign = Decimal(0)  # less there than we manage: a difference, nobody else's position
        else:
            foreign = Decimal(0) if ours or executed.get(native_id) else theirs
        row = {"native_id": native_id, "symbol": symbols.get(native_id, "")}
        if foreign:
            unmanaged.append({**row, "quantity": plain(foreign)})
        if theirs != ours + foreign:
            amounts = {"managed": ours, "unmanaged": foreign, "broker": theirs, "difference": theirs - ours - foreign}
            differences.append({**row, **{name: plain(amount) for name, amount in amounts.items()}})
    return differences, unmanaged


def drift(targets: Mapping[str, Decimal], holdings: Iterable[Holding], nav: Decimal) -> dict[str, Any]:
    """How far the managed weights are from the targets, before and after the run's orders, at the same prices.

    Args:
        targets: Ticker -> target weight, 0 to 1; cash is left out.
        holdings: Managed positions; several of one ticker add up.
        nav: Net asset value in the base currency.

    Returns:
        `drift_before_pct` and `drift_after_pct`: the sum of |actual - target| over all names, in percent (0 to 200); None
        where `nav` is not positive. `unvalued`: tickers held without a price, which count as not held.
    """
    actual: dict[str, tuple[Decimal, Decimal]] = {}
    unvalued = set()
    for holding in holdings:
        if holding.unit_value is None:
            unvalued.add(holding.ticker)
            continue
        first, then = actual.get(holding.ticker, (Decimal(0), Decimal(0)))
        actual[holding.ticker] = (first + holding.before * holding.unit_value, then + holding.after * holding.unit_value)
    names = sorted({*targets, *actual})
    zero = (Decimal(0), Decimal(0))
    found: list[float | None] = [None, None]
    if nav > 0:
        for moment in (0, 1):
            parts = (abs(actual.get(name, zero)[moment] / nav - targets.get(name, Decimal(0))) for name in names)
            found[moment] = round(float(sum(parts, Decimal(0)) * 100), 4)
    return {"drift_before_pct": found[0], "drift_after_pct": found[1], "unvalued": sorted(unvalued)}


def plain(amount: Decimal) -> str:
    """A number as text without exponent and without trailing zeros."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def _filled_notional(outcome: Outcome) -> Decimal:
    """What was executed, in the base currency, positive."""
    order, report = outcome.order, outcome.report
    price = report.average_price if report.average_price is not None else order.quote_price
    return report.filled_quantity * price * order.contract.multiplier / order.fx_rate


def _left_notional(outcome: Outcome) -> Decimal:
    order = outcome.order
    return order.notional * (order.quantity - outcome.report.filled_quantity) / order.quantity


def _cents(amount: Decimal) -> str:
    return str(amount.quantize(CENT))
