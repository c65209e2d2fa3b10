from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.brokers.base import Capabilities, Limit, ResendClass
from include.brokers.checks import check_order
from include.domain.order import Order
from include.domain.terms import Terms
from include.errors import Unsupported
from include.mapping import criteria
from include.mapping.criteria import Offer, Rating, Wanted, cannot_trade
from include.trading.plan import build_plan
from tests.mapping.build import contract
from tests.trading.build import candidate, mapping, plan_input
from tests.trading.build import contract as planned_contract

D = Decimal


def wanted(**changes: Any) -> Wanted:
    """Shares of 1,000 euro at 100 dollars, 1.25 dollars a euro."""
    values: dict[str, Any] = {"asset_class": "stock", "region": "us", "currency": "USD", "price": D(100), "value": D(1000)}
    return Wanted(**{**values, "per_euro": {"USD": D("1.25"), "JPY": D(160)}, **changes})


def offer(**changes: Any) -> Offer:
    return Offer(**{"contract": contract("1", "A"), **changes})


def costs(*rows: dict[str, Any]) -> Offer:
    return offer(terms=Terms.model_validate({"costs": rows}))


@pytest.mark.parametrize(
    ("rows", "bp"),
    [
        ([{}], "0"),
        ([{"commission_bp": 5, "spread_bp": 2}], "7"),
        ([{"commission_per_unit": "0.01"}], "1"),  # 12.5 shares of 80 euro, 0.008 euro each: 0.1 euro
        ([{"commission_bp": 5, "commission_minimum": 5}], "40"),  # 5 dollars are 4 euro
        ([{"commission_minimum": 5, "commission_currency": "EUR"}], "50"),
        ([{"asset_classes": ["crypto"]}, {"commission_bp": 3}], "3"),
        ([{"regions": ["europe"]}, {"currencies": ["JPY"]}], None),
        ([], None),
        ([{"commission_minimum": 1, "commission_currency": "CHF"}], None),  # no rate
    ],
)
def test_costs(rows: list[dict[str, Any]], bp: str | None) -> None:
    assert criteria.cost(costs(*rows), wanted()).score == (None if bp is None else -D(bp))


def test_a_commission_per_share_needs_a_price() -> None:
    assert criteria.cost(costs({"commission_per_unit": 1}), wanted(price=None)) == Rating(None, "no price or rate of USD")
    assert criteria.cost(costs({"commission_bp": 1}), wanted(price=None)).score == -1


def test_hours() -> None:
    open_all = offer(terms=Terms.model_validate({"hours": [{"asset_classes": ["crypto"], "per_week": 168}]}))
    assert criteria.hours(open_all, wanted(asset_class="crypto")) == Rating(D(168), "168 h a week")
    assert criteria.hours(open_all, wanted()) == Rating(None, "not declared")


@pytest.mark.parametrize(
    ("changes", "fits", "share"),
    [
        ({}, 1, "8"),  # one share of 80 euro
        ({"lot_size": D("0.001")}, 1, "0.008"),
        ({"lot_size": D(100)}, 0, "800"),
        ({"lot_size": D("0.001"), "min_notional": D(10)}, 1, "0.8"),
        ({"min_notional": D(10), "currency": "CHF"}, None, None),  # no rate
    ],
)
def test_the_smallest_order(changes: dict[str, Any], fits: int | None, share: str | None) -> None:
    one = offer(contract=contract("1", "A", **changes))
    assert criteria.capability(one, wanted()).score == fits
    assert criteria.liquidity(one, wanted()).score == (None if share is None else -D(share))


def test_whom_nobody_asked_is_as_good_as_can_be() -> None:
    away = Offer(asked=False)
    assert (criteria.capability(away, wanted()).score, criteria.liquidity(away, wanted()).score) == (1, 0)
    assert criteria.cash(Offer(frozen=True, cash={"USD": D(0)}), wanted()) == Rating(D(1), "not read")
    assert criteria.liquidity(Offer(), wanted()) == Rating(None, "not known")


@pytest.mark.parametrize(
    ("cash", "converts", "score"),
    [
        ({"USD": D(625)}, False, "0.5"),
        ({"USD": D(5000)}, False, "1"),
        ({"EUR": D(5000)}, False, "0"),
        ({"USD": D(-10)}, False, "0"),
        ({"EUR": D(500), "USD": D(125), "XXX": D(9)}, True, "0.6"),  # money without a rate pays for nothing
        (None, False, None),
    ],
)
def test_cash(cash: dict[str, D] | None, converts: bool, score: str | None) -> None:
    found = criteria.cash(offer(cash=cash, terms=Terms(converts_currency=converts)), wanted())
    assert found.score == (None if score is None else D(score))


def test_health() -> None:
    assert criteria.health(Offer(health=D("0.5")), wanted()) == Rating(D("0.5"), "0.50")
    assert criteria.health(Offer(), wanted()) == Rating(None, "not measured")


def can(kinds: Iterable[str], types: Iterable[str], times: Iterable[str], *limits: Limit) -> Capabilities:
    return Capabilities(
        lists_all=True,
        knows_isin=False,
        resend=ResendClass.TAG_ONLY,
        order_types=frozenset(types),
        times_in_force=frozenset(times),
        asset_classes=frozenset(kinds),
        limits=limits,
    )


def crypto(**less: Iterable[str]) -> Limit:
    return Limit(asset_classes=frozenset({"crypto"}), **{name: frozenset(words) for name, words in less.items()})  # type: ignore[arg-type]


BOTH = ("stock", "crypto")


@pytest.mark.parametrize(
    ("kind", "able", "why"),
    [
        ("stock", can(["stock"], ["limit", "market"], ["day"]), None),
        ("stock", can(["crypto"], ["limit"], ["day"]), "trades no stock"),
        ("stock", can(["stock"], ["market"], ["day"]), "takes no limit orders for stock"),
        ("stock", can(["stock"], ["limit"], ["gtc", "ioc"]), "takes no day orders for stock"),
        ("crypto", can(BOTH, ["limit"], ["day"]), "takes no ioc orders for crypto"),
        ("crypto", can(BOTH, ["limit"], ["day", "ioc"]), None),
        ("crypto", can(BOTH, ["limit"], ["day", "ioc"], crypto(times_in_force=["gtc"])), "takes no ioc orders for crypto"),
        ("crypto", can(BOTH, ["limit"], ["day", "ioc"], crypto(order_types=["market"])), "takes no limit orders for crypto"),
        ("stock", can(BOTH, ["limit"], ["day", "ioc"], crypto(order_types=["market"])), None),
    ],
)
def test_who_cannot_trade_it(kind: str, able: Capabilities, why: str | None) -> None:
    assert cannot_trade(offer(able=able), wanted(asset_class=kind)) == why
    assert cannot_trade(offer(), wanted(asset_class=kind)) is None


def some(*words: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(words))


@given(
    kind=st.sampled_from(BOTH),
    kinds=some(*BOTH),
    types=some("limit", "market"),
    times=some("day", "ioc", "gtc"),
    less=st.none() | st.builds(lambda a, b: crypto(order_types=a, times_in_force=b), some("limit", "market"), some("day", "ioc")),
)
def test_who_is_chosen_is_who_takes_the_order_that_planning_makes(
    kind: str, kinds: frozenset[str], types: frozenset[str], times: frozenset[str], less: Limit | None
) -> None:
    able = can(kinds, types, times, *([less] if less else []))
    wish = candidate(mapping(planned_contract(asset_class=kind)), preference=("ibkr",))
    (order,) = build_plan(plan_input(wish)).orders
    why = cannot_trade(offer(able=able), wanted(asset_class=kind))
    assert refusal(order, able) == (None if why is None else f"AAPL: ibkr {why}")


def refusal(order: Order, able: Capabilities) -> str | None:
    try:
        check_order(order, able)
    except Unsupported as error:
        return str(error)
    return None
