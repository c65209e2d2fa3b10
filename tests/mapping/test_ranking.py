from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.domain.preference import Criterion, CriterionName
from include.mapping.criteria import Rating
from include.mapping.ranking import rank

COST, HOURS, CASH = CriterionName.COST, CriterionName.HOURS, CriterionName.CASH
Scores = dict[CriterionName, dict[str, int | None]]


def ranked(brokers: str, scores: Scores, *criteria: Criterion) -> tuple[str, list[str]]:
    def rate(name: CriterionName, broker: str) -> Rating:
        score = scores[name][broker]
        return Rating(None, "unknown") if score is None else Rating(Decimal(score), str(score))

    order, why = rank(list(brokers), criteria, rate)
    return "".join(order), why


def test_the_first_criterion_that_tells_them_apart_decides() -> None:
    scores: Scores = {COST: {"a": 1, "b": 1}, HOURS: {"a": 1, "b": 2}, CASH: {"a": 9, "b": 0}}
    assert ranked("ab", scores, Criterion(by=COST), Criterion(by=HOURS), Criterion(by=CASH)) == (
        "ba",
        ["cost equal (a 1, b 1)", "b before a by hours (a 1, b 2)"],
    )


def test_small_differences_do_not_decide_however_many_there_are() -> None:
    """c is 2 behind a: not near it, though b is near both."""
    scores: Scores = {COST: {"a": 10, "b": 9, "c": 8}, HOURS: {"a": 1, "b": 2, "c": 3}}
    near = Criterion(by=COST, tolerance=Decimal(1))
    assert ranked("cba", scores, near, Criterion(by=HOURS)) == (
        "bac",
        ["b, a before c by cost (c 8, b 9, a 10)", "b before a by hours (b 2, a 1)"],
    )


def test_the_unknown_comes_after_the_known() -> None:
    scores: Scores = {COST: {"a": None, "b": -500, "c": None}}
    assert ranked("acb", scores, Criterion(by=COST))[0] == "bac"
    assert ranked("ac", scores, Criterion(by=COST)) == ("ac", ["cost unknown", "a = c in every criterion: as written"])


def test_one_or_none_needs_no_reason() -> None:
    assert ranked("a", {}, Criterion(by=COST)) == ("a", [])
    assert ranked("", {}, Criterion(by=COST)) == ("", [])


scores_of = st.fixed_dictionaries({broker: st.none() | st.integers(-3, 3) for broker in "abcd"})
tolerances = st.integers(0, 3).map(Decimal)


@given(st.permutations("abcd"), scores_of, scores_of, tolerances, tolerances)
def test_laws(
    brokers: list[str], cost: dict[str, int | None], hours: dict[str, int | None], first: Decimal, then: Decimal
) -> None:
    scores: Scores = {COST: cost, HOURS: hours}
    criteria = (Criterion(by=COST, tolerance=first), Criterion(by=HOURS, tolerance=then))
    order, _ = ranked("".join(brokers), scores, *criteria)
    assert sorted(order) == list("abcd")
    known = [score for score in cost.values() if score is not None]
    best = cost[order[0]]
    assert (best is None) == (not known)
    assert best is None or max(known) - best <= first  # nobody is clearly better than the first
    if not first and not then:  # plain lexicographic order, the unknown last, as written where all is equal
        low = -99
        keys = [tuple(low if scores[c][b] is None else scores[c][b] for c in (COST, HOURS)) for b in order]
        assert keys == sorted(keys, reverse=True)  # type: ignore[type-var]
        same = [b for b, key in zip(order, keys, strict=True) if key == keys[0]]
        assert same == [b for b in brokers if b in same]
