from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.allocation.sizing import Member, Size, size
from include.domain.portfolio import UnreachablePolicy

D = Decimal
CASH, NEXT, RATA = UnreachablePolicy.CASH, UnreachablePolicy.NEXT_RANK, UnreachablePolicy.PRO_RATA
NAV = D(100_000)


def member(ticker: str, weight: str, price: str = "10", lot: str = "1", fx: str = "1", instrument: str | None = None) -> Member:
    return Member(ticker, instrument or f"ticker:{ticker}", D(weight), D(price), "EUR" if fx == "1" else "JPY", D(fx), D(lot))


def targets(sizes: dict[str, Size]) -> dict[str, Decimal]:
    return {ticker: one.target_weight for ticker, one in sizes.items()}


def test_tokyo_lots_by_hand() -> None:
    # 5 % of 100,000 EUR at 160 JPY are 800,000 JPY: four lots of 100 at 2,000 JPY.
    found = size([member("A.T", "0.05", "2000", "100", "160")], NAV, D(1), CASH, {})["A.T"]
    assert (found.target_value, found.quantity, found.unreachable_weight, found.reachable_nav) == (
        D("5000.00"),
        D(400),
        D(0),
        None,
    )


def test_weight_that_no_lot_holds_says_which_account_would() -> None:
    # One lot costs 200,000 JPY = 1,250 EUR; 1 % reaches it at 125,000 EUR.
    found = size([member("A.T", "0.01", "2000", "100", "160")], NAV, D(1), CASH, {})["A.T"]
    assert (found.quantity, found.target_value) == (D(0), D("1000.00"))
    assert (found.unreachable_weight, found.reachable_nav) == (D("0.01"), D("125000.00"))
    assert size([member("A.T", "0.01", "2000", "100", "160")], D(125_000), D(1), CASH, {})["A.T"].quantity == 100


def test_lots_that_miss_more_than_a_tenth_say_so() -> None:
    # 1,900 EUR buy one lot of 1,250 EUR; the second would need 2,500 EUR, 1.9 % of 131,578.95 EUR.
    found = size([member("A.T", "0.019", "2000", "100", "160")], NAV, D(1), CASH, {})["A.T"]
    assert (found.quantity, found.unreachable_weight, found.reachable_nav) == (D(100), D("0.0065"), D("131578.95"))
    close = size([member("A.T", "0.0137", "2000", "100", "160")], NAV, D(1), CASH, {})["A.T"]  # 1,250 of 1,370: 8.8 % missing
    assert (close.quantity, close.reachable_nav) == (D(100), None)


def test_rounding_is_never_up() -> None:
    found = size([member("AAA", "0.0199999", "1000")], NAV, D(1), CASH, {})["AAA"]  # 1,999.99 EUR at 1,000 EUR
    assert found.quantity == 1


@pytest.mark.parametrize("nav", [D(0), D(-5)])
def test_without_value_nothing_is_bought(nav: Decimal) -> None:
    for policy in UnreachablePolicy:
        found = size([member("AAA", "0.5"), member("BBB", "0")], nav, D(1), policy, {"a": [("AAA", D("0.5")), ("BBB", D(0))]})
        assert [(one.quantity, one.target_value) for one in found.values()] == [(0, 0), (0, 0)]
        assert targets(found) == {"AAA": D("0.5"), "BBB": D(0)}
        assert found["AAA"].reachable_nav == D("20.00")
        assert found["BBB"].reachable_nav is None


def test_no_members_give_no_sizes() -> None:
    assert size([], NAV, D(1), RATA, {}) == {}


def test_cash_leaves_the_weight_where_it_is() -> None:
    found = size([member("AAA", "0.05"), member("DEAR", "0.01", "5000")], NAV, D(1), CASH, {})
    assert targets(found) == {"AAA": D("0.05"), "DEAR": D("0.01")}
    assert found["DEAR"].moved_to == {}


def test_pro_rata_by_hand() -> None:
    members = [member("AAA", "0.05"), member("BBB", "0.03"), member("DEAR", "0.01", "5000"), member("NONE", "0")]
    found = size(members, NAV, D("0.1"), RATA, {})
    assert targets(found) == {"AAA": D("0.05625"), "BBB": D("0.03375"), "DEAR": D(0), "NONE": D(0)}
    assert found["DEAR"].moved_to == {"AAA": D("0.00625"), "BBB": D("0.00375")}
    assert (found["AAA"].quantity, found["BBB"].quantity) == (562, 337)  # 5,625 and 3,375 EUR at 10 EUR
    assert found["DEAR"].wanted_weight == found["DEAR"].unreachable_weight == D("0.01")
    assert found["DEAR"].reachable_nav == D("500000.00")


def test_pro_rata_stays_under_the_cap_and_leaves_the_rest() -> None:
    members = [member("AAA", "0.05"), member("BBB", "0.03"), member("DEAR", "0.02", "5000")]
    found = targets(size(members, NAV, D("0.05"), RATA, {}))
    assert found == {"AAA": D("0.05"), "BBB": D("0.05"), "DEAR": D(0)}
    found = targets(size(members, NAV, D("0.052"), RATA, {}))
    assert found["AAA"] == pytest.approx(D("0.052"), abs=D("1e-11"))
    assert found["BBB"] == pytest.approx(D("0.048"), abs=D("1e-11"))
    found = size([member("AAA", "0.05"), member("DEAR", "0.02", "5000")], NAV, D("0.06"), RATA, {})
    assert targets(found) == {"AAA": pytest.approx(D("0.06"), abs=D("1e-11")), "DEAR": D(0)}
    assert found["DEAR"].moved_to["AAA"] == pytest.approx(D("0.01"), abs=D("1e-11"))  # the other 0.01 is cash


def test_pro_rata_with_nobody_to_take_it() -> None:
    assert targets(size([member("DEAR", "0.02", "5000")], NAV, D(1), RATA, {})) == {"DEAR": D("0.02")}


def test_next_rank_passes_over_who_cannot_buy_a_lot() -> None:
    members = [
        member("AAA", "0.05"),
        member("DEAR", "0.01", "5000"),
        member("DEARER", "0", "6000"),
        member("HEIR", "0", "400"),
        member("LATER", "0"),
    ]
    shares = {"a": [("AAA", D("0.05")), ("DEAR", D("0.01")), ("DEARER", D(0)), ("HEIR", D(0)), ("LATER", D(0))]}
    found = size(members, NAV, D("0.1"), NEXT, shares)
    assert targets(found) == {"AAA": D("0.05"), "DEAR": D(0), "DEARER": D(0), "HEIR": D("0.01"), "LATER": D(0)}
    assert found["DEAR"].moved_to == {"HEIR": D("0.01")}
    assert found["HEIR"].quantity == 2  # 1,000 EUR at 400 EUR
    assert (found["HEIR"].wanted_weight, found["HEIR"].reachable_nav) == (D(0), D("120000.00"))


def test_next_rank_keeps_each_share_in_its_screen_and_each_heir_to_one_share() -> None:
    members = [member("DEAR", "0.03", "5000"), member("DEAR2", "0.01", "5000"), member("X", "0"), member("Y", "0")]
    shares = {
        "a": [("DEAR", D("0.02")), ("DEAR2", D("0.01")), ("X", D(0))],
        "b": [("DEAR", D("0.01")), ("X", D(0)), ("Y", D(0))],
    }
    found = size(members, NAV, D("0.1"), NEXT, shares)
    assert targets(found) == {"DEAR": D(0), "DEAR2": D("0.01"), "X": D("0.02"), "Y": D("0.01")}
    assert found["DEAR"].moved_to == {"X": D("0.02"), "Y": D("0.01")}
    assert found["DEAR2"].moved_to == {}


def test_next_rank_does_not_break_the_cap_of_an_instrument() -> None:
    members = [member("AAA", "0.05", instrument="i"), member("DEAR", "0.01", "5000"), member("AAA2", "0", instrument="i")]
    shares = {"a": [("AAA", D("0.05")), ("DEAR", D("0.01")), ("AAA2", D(0))]}
    assert targets(size(members, NAV, D("0.055"), NEXT, shares))["AAA2"] == 0
    assert targets(size(members, NAV, D("0.06"), NEXT, shares))["AAA2"] == D("0.01")


@st.composite
def portfolios(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(0, 8))
    raw = [draw(st.integers(0, 1000)) for _ in range(count)]
    room = draw(st.sampled_from([D("0.98"), D(1), D("0.5")]))
    cap = D(1)
    members = []
    for n, value in enumerate(raw):
        weight = (D(value) / max(1, sum(raw)) * room).quantize(D("1e-12"), "ROUND_DOWN")
        lot = draw(st.sampled_from(["1", "100", "0.001"]))
        price = draw(st.integers(1, 5_000_000))
        fx = draw(st.sampled_from(["1", "160.5", "0.85"]))
        instrument = f"i{draw(st.integers(0, 6))}"
        members.append(member(f"S{n}", str(weight), str(D(price) / 100), lot, fx, instrument))
    by_instrument: dict[str, Decimal] = {}
    for m in members:
        by_instrument[m.instrument_id] = by_instrument.get(m.instrument_id, D(0)) + m.weight
    if by_instrument:
        cap = max(by_instrument.values()) * draw(st.sampled_from([D(1), D("1.1"), D(2)]))
    ranks = sorted(members, key=lambda m: (-m.weight, m.ticker))
    return {
        "members": members,
        "nav": D(draw(st.integers(-100, 100_000_000))) / 100,
        "cap": cap,
        "policy": draw(st.sampled_from(list(UnreachablePolicy))),
        "shares": {"a": [(m.ticker, m.weight) for m in ranks]},
    }


@given(portfolios())
def test_lots_are_whole_and_never_cost_more_than_the_weights(case: dict[str, Any]) -> None:
    found = size(**case)
    wanted = sum((m.weight for m in case["members"]), D(0))
    invested = D(0)
    for one in found.values():
        assert one.quantity >= 0
        assert one.quantity % one.member.lot_size == 0
        assert one.member.value_of(one.quantity) <= one.target_value * (1 + D("1e-20"))
        invested += one.member.value_of(one.quantity)
    assert sum(targets(found).values(), D(0)) <= wanted
    assert invested <= max(D(0), case["nav"]) * wanted * (1 + D("1e-20"))
    assert set(found) == {m.ticker for m in case["members"]}


@given(portfolios())
def test_policies_never_break_the_cap(case: dict[str, Any]) -> None:
    held: dict[str, Decimal] = {}
    for one in size(**case).values():
        assert one.target_weight >= 0
        held[one.member.instrument_id] = held.get(one.member.instrument_id, D(0)) + one.target_weight
    assert all(weight <= case["cap"] + D("1e-11") for weight in held.values())


@given(portfolios())
def test_what_moved_away_arrived(case: dict[str, Any]) -> None:
    found = size(**case)
    for one in found.values():
        moved_away = sum(one.moved_to.values(), D(0))
        assert moved_away <= one.wanted_weight
        if case["policy"] is NEXT:
            assert max(D(0), one.wanted_weight - one.target_weight) == moved_away
        if case["policy"] is CASH:
            assert one.target_weight == one.wanted_weight
        if one.moved_to:
            assert one.quantity == 0
    gained = sum((max(D(0), one.target_weight - one.wanted_weight) for one in found.values()), D(0))
    moved = sum((weight for one in found.values() for weight in one.moved_to.values()), D(0))
    assert abs(gained - moved) <= D("1e-10")


@given(portfolios())
def test_the_reachable_value_reaches_the_next_lot(case: dict[str, Any]) -> None:
    case |= {"policy": CASH, "cap": D(1)}
    found = size(**case)
    for ticker, one in found.items():
        if one.reachable_nav is not None:
            # Two cents of head room: both the value and the target are rounded to the cent.
            more = size(**(case | {"nav": one.reachable_nav + D("0.02") / one.target_weight}))[ticker]
            assert more.quantity > one.quantity


@given(portfolios())
def test_the_order_of_members_changes_nothing(case: dict[str, Any]) -> None:
    assert size(**case) == size(**(case | {"members": case["members"][::-1]}))
