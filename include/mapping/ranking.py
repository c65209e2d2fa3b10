"""Equals put in order: criteria one after the other, where what is nearly as good as the best counts as equal to it."""

from collections.abc import Callable, Sequence

from include.domain.preference import Criterion, CriterionName
from include.mapping.criteria import Rating

Rate = Callable[[CriterionName, str], Rating]


def rank(brokers: Sequence[str], criteria: Sequence[Criterion], rate: Rate) -> tuple[list[str], list[str]]:
    """The brokers, best first, and how that came about.

    Those within the tolerance of the best by the first criterion come first, put in order by the criteria that are left; the
    others follow, put in order by all of them in the same way. Whom nothing tells apart stays as written. So the order depends on
    the brokers and their ratings alone, and never on chains of small differences.

    Args:
        brokers: In the order in which the rule writes them.
        criteria: In the order in which they decide.
        rate: What a criterion says of a broker.

    Returns:
        The same brokers, and sentences without full stops: who is before whom by what, with figures.
    """
    if len(brokers) < 2:
        return list(brokers), []
    if not criteria:
        return list(brokers), [f"{' = '.join(brokers)} in every criterion: as written"]
    first = criteria[0]
    ratings = {broker: rate(first.by, broker) for broker in brokers}
    known = {broker: rating.score for broker, rating in ratings.items() if rating.score is not None}
    best = max(known.values(), default=None)
    near = [broker for broker in brokers if best is None or (broker in known and best - known[broker] <= first.tolerance)]
    if len(near) == len(brokers):
        ordered, why = rank(near, criteria[1:], rate)
        return ordered, [f"{first.by} {_common(ratings)}", *why]
    far = [broker for broker in brokers if broker not in near]
    figures = ", ".join(f"{broker} {rating.words}" for broker, rating in ratings.items())
    ahead, why_ahead = rank(near, criteria[1:], rate)
    behind, why_behind = rank(far, criteria, rate)
    decided = f"{', '.join(near)} before {', '.join(far)} by {first.by} ({figures})"
    return ahead + behind, [decided, *why_ahead, *why_behind]


def _common(ratings: dict[str, Rating]) -> str:
    words = {rating.words for rating in ratings.values()}
    if all(rating.score is None for rating in ratings.values()):
        return " or ".join(sorted(words))
    return f"equal ({', '.join(f'{broker} {rating.words}' for broker, rating in ratings.items())})"
