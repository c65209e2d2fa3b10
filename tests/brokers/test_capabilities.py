"""What is declared may be narrowed and is never widened."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from include.brokers.capabilities import Capabilities, Limit, ResendClass, document

KINDS = ("stock", "etf", "crypto")
TYPES, TIMES = ("market", "limit", "stop"), ("day", "gtc")
FLAGS = ("brackets", "cash_amounts", "extended_hours", "fractional", "shorting")


def some(words: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(words))


ABILITIES: dict[str, st.SearchStrategy[Any]] = {
    "order_types": some(TYPES),
    "times_in_force": some(TIMES),
    **dict.fromkeys(FLAGS, st.booleans()),
}
LIMITS = st.builds(Limit, asset_classes=some(KINDS), **{name: st.none() | values for name, values in ABILITIES.items()})
DECLARED = st.builds(
    Capabilities,
    lists_all=st.just(True),
    knows_isin=st.just(True),
    resend=st.just(ResendClass.TAG_ONLY),
    asset_classes=some(KINDS),
    limits=st.lists(LIMITS, max_size=3).map(tuple),
    **ABILITIES,
)
REMAINING = st.fixed_dictionaries({}, optional=ABILITIES)
TOY = Capabilities(
    lists_all=True,
    knows_isin=True,
    resend=ResendClass.TAG_ONLY,
    order_types=frozenset({"market", "limit"}),
    times_in_force=frozenset({"day"}),
    asset_classes=frozenset({"stock", "crypto"}),
    fractional=True,
    cash_amounts=True,
    limits=(Limit(frozenset({"crypto", "fx"}), order_types=frozenset({"limit"}), cash_amounts=False),),
)


@given(declared=DECLARED, kinds=some(KINDS), remaining=REMAINING)
def test_less_is_what_is_declared_and_remains(declared: Capabilities, kinds: frozenset[str], remaining: dict[str, Any]) -> None:
    found = declared.less(kinds, **remaining)
    assert found.asset_classes == declared.asset_classes
    for kind in KINDS:
        before, after = declared.for_kind(kind), found.for_kind(kind)
        for name in ABILITIES:
            expected = getattr(before, name) & remaining[name] if kind in kinds and name in remaining else getattr(before, name)
            assert getattr(after, name) == expected


def test_without_a_kind() -> None:
    found = TOY.without({"crypto": "not activated", "option": "nobody declared it"})
    assert (found.asset_classes, found.why_not) == ({"stock"}, {"crypto": "not activated"})
    assert found.without({"crypto": "again", "stock": "blocked"}).why_not == {"crypto": "not activated", "stock": "blocked"}
    assert TOY.without({"option": "nobody declared it"}) == TOY


def test_what_is_less_stands_before_what_was() -> None:
    found = TOY.less({"crypto"}, fractional=False)
    assert not found.for_kind("crypto").fractional
    assert found.for_kind("crypto").order_types == {"limit"}
    assert found.for_kind("fx") == TOY.for_kind("fx")
    assert found.for_kind("stock").fractional


def test_reasons_are_part_of_the_document() -> None:
    assert document(TOY)["why_not"] == {}
    assert document(TOY.without({"stock": "blocked"}))["why_not"] == {"stock": "blocked"}
    assert document(TOY)["limits"] == [{"asset_classes": ["crypto", "fx"], "order_types": ["limit"], "cash_amounts": False}]
