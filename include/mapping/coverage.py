"""Coverage: how much of the universe could be found, by count and by weight, and what that allows.

The denominator is every distinct instrument of the universe, rows that were rejected on the way included: a screen that could
not be read must not look well covered. Rejected rows have no weight, so they lower the count only. Brokers that do not count
(paper lists what the brokers it mirrors list) take no part. `matched` and `other_listing` are mapped; the latter is traded only
where that is allowed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.domain.coverage import Coverage, Member
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.errors import InputError
from include.mapping.eligible import fits
from include.settings import Eligibility

_HUNDRED = Decimal(100)


def members(document: Mapping[str, Any], eligibility: Mapping[str, Eligibility], markets: Mapping[str, Market]) -> list[Member]:
    """Rows of `universe_mapped.json` as coverage sees them.

    Raises:
        InputError: A weight is no number, or negative.
    """
    counting = [b for b in document["metadata"]["brokers_included"] if eligibility[b].counts]
    found = []
    for ticker, stock in document["all_stocks"].items():
        kind, market, told = stock.get("asset_class", "stock"), stock["market"], stock["broker_mappings"]
        asked = tuple(b for b in counting if fits(kind, market, eligibility[b], markets))
        mapped = tuple(b for b in asked if told[b]["found"])
        reasons = {b: told[b].get("reason", told[b]["status"]) for b in (asked or counting) if b not in mapped}
        found.append(Member(ticker, stock["instrument_id"], stock["name"], _weight(stock, ticker), asked, mapped, reasons))
    return found


def measure(rows: Sequence[Member], rejected: int) -> Coverage:
    """The figures over a universe.

    Args:
        rows: One per ticker; rows of one instrument count once, mapped if one of them is, their weights add up.
        rejected: Instruments that never became a row.
    """
    groups: dict[str, list[Member]] = defaultdict(list)
    for row in rows:
        groups[row.instrument_id].append(row)
    total = len(groups) + rejected
    mapped = sum(any(row.found for row in group) for group in groups.values())
    several = [group for group in groups.values() if any(len(row.asked) >= 2 for row in group)]
    twice = sum(any(len(row.found) >= 2 for row in group) for group in several)
    weight = sum((row.weight for row in rows), Decimal(0))
    mapped_weight = sum((row.weight for row in rows if row.found), Decimal(0))
    by_count = percent(mapped, total)
    heaviest = sorted(rows, key=lambda row: (-row.weight, row.ticker))
    return Coverage(
        instruments=total,
        mapped=mapped,
        rejected=rejected,
        weight=weight,
        mapped_weight=mapped_weight,
        by_count_pct=by_count,
        by_weight_pct=percent(mapped_weight, weight) if weight else by_count,
        multi_broker_pct=percent(twice, len(several)) if several else None,
        multi_broker_raw_pct=percent(twice, total),
        missing=tuple(row for row in heaviest if not row.found),
        partial=tuple(row for row in heaviest if row.found and len(row.found) < len(row.asked)),
    )


def per_broker(
    document: Mapping[str, Any], eligibility: Mapping[str, Eligibility], markets: Mapping[str, Market]
) -> dict[str, Any]:
    """Each broker's own figures over the rows it could trade; `counts` says whether it takes part in the coverage."""
    figures = {}
    for broker in document["metadata"]["brokers_included"]:
        statuses: dict[str, int] = dict.fromkeys((status.value for status in MappingStatus), 0)
        asked, weight, mapped_weight = 0, Decimal(0), Decimal(0)
        for ticker, stock in document["all_stocks"].items():
            if not fits(stock.get("asset_class", "stock"), stock["market"], eligibility[broker], markets):
                continue
            told, share = stock["broker_mappings"][broker], _weight(stock, ticker)
            asked, weight = asked + 1, weight + share
            statuses[told["status"]] += 1
            mapped_weight += share if told["found"] else 0
        mapped = statuses[MappingStatus.MATCHED.value] + statuses[MappingStatus.OTHER_LISTING.value]
        figures[broker] = {
            "counts": eligibility[broker].counts,
            "status": "unavailable" if broker in document["metadata"]["brokers_unavailable"] else "ok",
            "eligible": asked,
            "mapped": mapped,
            **statuses,
            "by_count_pct": percent(mapped, asked),
            "by_weight_pct": percent(mapped_weight, weight),
        }
    return figures


def rejected_instruments(document: Mapping[str, Any]) -> int:
    """How many instruments were rejected: each ticker once, rows without one each; a ticker that is a member is none."""
    stocks = document["all_stocks"]
    named = set()
    for row in document.get("rejected", ()):
        ticker = row.get("ticker")
        if ticker not in stocks:
            named.add(ticker or (row.get("file"), row.get("line")))
    return len(named)


def percent(part: Decimal | int, whole: Decimal | int) -> float:
    """100 × part / whole, computed exactly and rounded to six digits; 0 of nothing is 0."""
    return float(round(_HUNDRED * Decimal(part) / Decimal(whole), 6)) if whole else 0.0


def _weight(stock: Mapping[str, Any], ticker: str) -> Decimal:
    try:
        weight = Decimal(str(stock.get("final_target") or 0))
    except ArithmeticError as error:
        raise _bad_weight(ticker, stock["final_target"]) from error
    if not weight.is_finite() or weight < 0:
        raise _bad_weight(ticker, stock["final_target"])
    return weight


def _bad_weight(ticker: str, value: object) -> InputError:
    return InputError(
        "expected a weight of 0 or more", source="universe_mapped.json", field=f"all_stocks.{ticker}.final_target", value=value
    )
