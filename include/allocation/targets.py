"""Target weights: rank inside a screen, a falling line over the first names, the screen's weight, a cap, a cash buffer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.allocation.document import Document, Stock, instrument_id, members, percent, screens, section
from include.errors import InputError

GRID = 10**12  # shares are rounded down to this grid, so that no sum of them ever exceeds 1


@dataclass(frozen=True)
class Line:
    """Weights before normalising: `first` for rank 1, falling linearly to `last` for rank `top_n`, then nothing."""

    top_n: int
    first: float
    last: float

    def weight(self, rank: int) -> float:
        """Weight of a rank (1 is the best) in the unit of `first`; 0 beyond `top_n`."""
        if rank > self.top_n:
            return 0.0
        if self.top_n == 1:
            return self.first
        return self.first + (self.last - self.first) * (rank - 1) / (self.top_n - 1)


@dataclass(frozen=True)
class Weights:
    """What capping and the buffer left.

    Attributes:
        shares: Screen key to ticker to that screen's share of the portfolio.
        capped: Instrument id to the weight it had before the cap, for those the cap cut.
    """

    shares: dict[str, dict[str, float]]
    capped: dict[str, float]

    def total(self) -> float:
        """Sum of all shares, never above 1."""
        return math.fsum(share for screen in self.shares.values() for share in screen.values())

    def by_ticker(self) -> dict[str, float]:
        """Ticker to the sum of its shares over the screens."""
        parts: dict[str, list[float]] = {}
        for screen in self.shares.values():
            for ticker, share in screen.items():
                parts.setdefault(ticker, []).append(share)
        return {ticker: math.fsum(shares) for ticker, shares in parts.items()}


def rank_stocks(stocks: list[Stock], source: object) -> list[Stock]:
    """Stocks from best to worst 180-day change; ties by ISIN, then ticker; those without a change or ISIN come last.

    Raises:
        InputError: A change that is no percentage.
    """

    def key(stock: Stock) -> tuple[Any, ...]:
        change, isin = stock.get("price_180d_change"), stock.get("isin")
        field = f"{stock['ticker']}.price_180d_change"
        order = (1, 0.0) if change is None else (0, -percent(change, source, field))
        return (*order, isin is None, isin or "", stock["ticker"])

    return sorted(stocks, key=key)


def allocate(stocks: list[Stock], line: Line, source: object) -> dict[str, tuple[int, float]]:
    """Ticker to (rank, share of the screen). Shares sum to 1 over min(`top_n`, n) names; no stocks give {}."""
    ranked = rank_stocks(stocks, source)
    raw = [line.weight(rank) for rank in range(1, len(ranked) + 1)]
    total = math.fsum(raw)
    return {stock["ticker"]: (n + 1, raw[n] / total) for n, stock in enumerate(ranked)}


def cap_weights(weights: Mapping[str, float], cap: float) -> dict[str, float]:
    """Weights of which none is above `cap`; what was above is spread over the uncapped positive ones by their weight.

    Spreading may lift another one to the cap, so it is repeated. What cannot be placed (all at the cap) is left out: the sum
    then falls. Zero stays zero, and the order of two weights never turns.
    """
    result = dict(weights)
    total = math.fsum(weights.values())
    at_cap: set[str] = set()
    while above := sorted(name for name, weight in result.items() if name not in at_cap and weight > cap):
        at_cap.update(above)
        free = {name: weights[name] for name in sorted(weights) if name not in at_cap and weights[name] > 0}
        room = max(0.0, total - cap * len(at_cap))
        result |= dict.fromkeys(above, cap) | _spread(free, room)
    return result


def _spread(weights: Mapping[str, float], room: float) -> dict[str, float]:
    """Weights in their proportions, with the sum `room`; none that is positive becomes 0 where they grow."""
    whole = math.fsum(weights.values())
    ratio = room / whole if whole else 0.0
    # Over vanishing weights the ratio is infinite: they are divided first, which would bring a single vanishing one to 0.
    return {name: weight * ratio if math.isfinite(ratio) else weight / whole * room for name, weight in weights.items()}


def final_weights(document: Document, cap: float, buffer: float, source: object) -> Weights:
    """Cap and cash buffer over a document whose screens hold `allocation_target` and `screen_target`.

    Args:
        document: The universe; tickers with one `instrument_id` share the cap.
        cap: Largest weight of an instrument before the buffer, 0 to 1.
        buffer: Share that stays cash, 0 to 1; taken last.
        source: What to name in errors.
    """
    all_stocks = members(document, source)
    wanted: dict[str, list[float]] = {}
    for stocks in screens(document, source).values():
        for stock in stocks:
            share = stock["allocation_target"] * stock["screen_target"]
            wanted.setdefault(instrument_id(all_stocks[stock["ticker"]]), []).append(share)
    before = {name: math.fsum(parts) for name, parts in wanted.items()}
    after = cap_weights(before, cap)
    shares = {
        key: {s["ticker"]: _share(s, all_stocks, before, after, 1 - buffer) for s in stocks}
        for key, stocks in screens(document, source).items()
    }
    return Weights(shares, {name: before[name] for name in sorted(before) if before[name] > cap})


def _share(
    stock: Stock, all_stocks: Mapping[str, Stock], before: Mapping[str, float], after: Mapping[str, float], rest: float
) -> float:
    """One screen's share of a ticker after cap and buffer: an instrument's shares keep their proportions."""
    name = instrument_id(all_stocks[stock["ticker"]])
    if before[name] == 0:
        return 0.0
    share: float = stock["allocation_target"] * stock["screen_target"] * (after[name] / before[name]) * rest
    # The relative margin keeps the grid from swallowing 1e-12 of a share that is exact but for the last bit.
    return math.floor(share * GRID * (1 + 1e-15)) / GRID


def set_target_fields(document: Document, line: Line, cap: float, buffer: float, source: object) -> None:
    """Write `rank`, `allocation_target`, `screen_target`, `final_target` and `metadata.targets`, in place.

    In `screens[].stocks[]` the fields are that screen's; in `all_stocks` `final_target` is the sum, and the other three are
    those of the screen that gives the name most (its best rank breaks ties, then the screen's key).

    Raises:
        InputError: A screen without a weight from step 4, malformed changes, or a line that rises.
    """
    if line.last > line.first:
        raise InputError("expected at most first_weight_pct", source="options", field="last_weight_pct", value=line.last)
    metadata = section(document, "metadata", source)
    allocations = (metadata.get("portfolio_optimization") or {}).get("optimal_allocations") or {}
    for key, stocks in screens(document, source).items():
        if key not in allocations:
            raise InputError(
                "expected a weight", source=source, field=f"metadata.portfolio_optimization.optimal_allocations.{key}"
            )
        allocated = allocate(stocks, line, source)
        for stock in stocks:
            rank, share = allocated[stock["ticker"]]
            stock |= {"rank": rank, "allocation_target": share, "screen_target": float(allocations[key])}
    weights = final_weights(document, cap, buffer, source)
    _write(document, weights, source)
    metadata["targets"] = _summary(weights, members(document, source), line, cap, buffer)


def _write(document: Document, weights: Weights, source: object) -> None:
    all_stocks = members(document, source)
    best: dict[str, tuple[float, int, str]] = {}
    for key, stocks in screens(document, source).items():
        for stock in stocks:
            ticker = stock["ticker"]
            stock["final_target"] = weights.shares[key][ticker]
            order = (-stock["final_target"], stock["rank"], key)
            if ticker not in best or order < best[ticker]:
                best[ticker] = order
                all_stocks[ticker] |= {name: stock[name] for name in ("rank", "allocation_target", "screen_target")}
    totals = weights.by_ticker()
    for ticker, stock in all_stocks.items():
        stock.setdefault("rank", None)
        stock.setdefault("allocation_target", 0.0)
        stock.setdefault("screen_target", 0.0)
        stock["final_target"] = totals.get(ticker, 0.0)


def _summary(weights: Weights, all_stocks: Mapping[str, Stock], line: Line, cap: float, buffer: float) -> dict[str, Any]:
    total = weights.total()
    by_ticker = weights.by_ticker()
    tickers: dict[str, list[str]] = {}
    for ticker in sorted(by_ticker):
        tickers.setdefault(instrument_id(all_stocks[ticker]), []).append(ticker)
    return {
        "total": total,
        "cash": round(1 - total, 12),
        "names": sum(weight > 0 for weight in by_ticker.values()),
        "by_screen": {key: math.fsum(shares.values()) for key, shares in weights.shares.items()},
        "capped": [
            {
                "instrument_id": name,
                "tickers": tickers[name],
                "before_cap": before,
                "final": math.fsum(by_ticker[t] for t in tickers[name]),
            }
            for name, before in weights.capped.items()
        ],
        "top_n": line.top_n,
        "max_weight_pct": round(cap * 100, 10),
        "cash_buffer_pct": round(buffer * 100, 10),
    }
