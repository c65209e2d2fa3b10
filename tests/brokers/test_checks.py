from dataclasses import replace
from typing import Any

import pytest

from include.brokers.base import Capabilities, Limit, ResendClass
from include.brokers.checks import check_order, check_own
from include.brokers.registry import declared_capabilities
from include.domain.instrument import AssetClass
from include.errors import InvalidQuantity, InvalidSymbol, OrderRejected, Unsupported
from include.settings import load_settings
from tests.fakes.orders import make_order

ABLE = Capabilities(
    lists_all=True,
    knows_isin=True,
    resend=ResendClass.DUPLICATE_REFUSED,
    order_types=frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop", "market_on_open"}),
    times_in_force=frozenset({"day", "gtc", "opg"}),
    asset_classes=frozenset({"stock", "crypto"}),
    brackets=True,
    cash_amounts=True,
    extended_hours=True,
    limits=(
        Limit(
            frozenset({"crypto"}), order_types=frozenset({"market", "limit"}), times_in_force=frozenset({"gtc"}), brackets=False
        ),
    ),
)


def check(kind: str = "stock", able: Capabilities = ABLE, **fields: Any) -> None:
    made = make_order()
    contract = made.contract.model_copy(update={"asset_class": AssetClass(kind)})
    check_order(made.model_copy(update={"contract": contract, **_typed(made, fields)}), able)


def _typed(made: Any, fields: dict[str, Any]) -> dict[str, Any]:
    typed = type(made).model_validate({**made.model_dump(), **fields})
    return {name: getattr(typed, name) for name in fields}


STOP = {"order_type": "stop", "limit_price": None, "stop_price": "90"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"order_type": "market", "limit_price": None},
        STOP,
        {"order_type": "stop_limit", "stop_price": "90", "limit_price": "89"},
        {"order_type": "trailing_stop", "limit_price": None, "trail_pct": "2"},
        {"order_type": "market_on_open", "limit_price": None, "time_in_force": "opg"},
        {"take_profit_price": "120", "stop_loss_price": "80", "stop_loss_limit_price": "79"},
        {"cash_amount": "500", "extended_hours": True},
        {"kind": "crypto", "time_in_force": "gtc"},
    ],
)
def test_what_can_be_sent(fields: dict[str, Any]) -> None:
    check(**fields)


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"limit_price": None}, OrderRejected, "a limit order needs limit_price"),
        ({"stop_price": "90"}, OrderRejected, "a limit order has no stop_price"),
        (STOP | {"limit_price": "89"}, OrderRejected, "a stop order has no limit_price"),
        ({"order_type": "trailing_stop", "limit_price": None}, OrderRejected, "needs a trail"),
        (
            {"order_type": "trailing_stop", "limit_price": None, "trail_pct": "2", "trail_amount": "1"},
            OrderRejected,
            "trail_amount or trail_pct, not both",
        ),
        ({"stop_loss_limit_price": "79", "take_profit_price": "120"}, OrderRejected, "needs stop_loss_price"),
        ({"order_type": "market_on_open", "limit_price": None}, OrderRejected, "only for opg"),
        ({"order_type": "market", "limit_price": None, "time_in_force": "opg"}, OrderRejected, "its own type"),
        ({"quantity": "0"}, InvalidQuantity, "positive quantity"),
        ({"limit_price": "-1"}, InvalidQuantity, "positive limit_price"),
        ({"cash_amount": "-5"}, InvalidQuantity, "positive cash_amount"),
        ({"kind": "option"}, Unsupported, "trades no option"),
        ({"time_in_force": "fok"}, Unsupported, "takes no fok orders for stock"),
        ({"kind": "crypto"}, Unsupported, "takes no day orders for crypto"),
        (STOP | {"kind": "crypto", "time_in_force": "gtc"}, Unsupported, "takes no stop orders for crypto"),
        ({"kind": "crypto", "time_in_force": "gtc", "take_profit_price": "120"}, Unsupported, "takes no brackets"),
    ],
)
def test_what_cannot(fields: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        check(**fields)


def test_contracts_of_another_broker() -> None:
    ours = make_order().contract
    check_own(ours.broker, ours, ours)
    check_own("anybody")
    theirs = ours.model_copy(update={"broker": "other"})
    with pytest.raises(InvalidSymbol, match="a contract of other is none of"):
        check_own(ours.broker, ours, theirs)


def test_what_this_account_cannot_do() -> None:
    able = ABLE.without({"crypto": "not activated yet"})
    check(able=able)
    with pytest.raises(Unsupported, match="trades no crypto in this account: not activated yet"):
        check("crypto", able, time_in_force="gtc")


def test_fractions() -> None:
    whole, broken = {"quantity": "2.0"}, {"quantity": "2.5"}
    check(**whole)
    check(able=replace(ABLE, fractional=True), **broken)
    with pytest.raises(Unsupported, match="takes no fractions of stock"):
        check(**broken)
    check(**broken, cash_amount="500")  # the broker makes the fraction


SHORT = {"side": "sell", "target_quantity": "-10"}
BRACKET = {"take_profit_price": "120", "stop_loss_price": "80"}


def test_selling_short_must_be_declared_for_the_kind() -> None:
    able = replace(ABLE, shorting=True, limits=(replace(ABLE.limits[0], shorting=False),))
    check(able=able, **SHORT)
    with pytest.raises(Unsupported, match="sells no stock short"):
        check(**SHORT)
    with pytest.raises(Unsupported, match="sells no crypto short"):
        check("crypto", able, time_in_force="gtc", **SHORT)
    check(side="sell", target_quantity="0")


def test_where_the_oldest_is_closed_first_a_bracket_stands_alone() -> None:
    fifo = replace(ABLE, fifo_only=True)
    check(able=fifo, current_quantity="0", **BRACKET)
    check(able=fifo, current_quantity="5")
    check(current_quantity="5", **BRACKET)
    with pytest.raises(Unsupported, match="the oldest position first"):
        check(able=fifo, current_quantity="5", **BRACKET)


def test_the_present_brokers_declare_what_they_are() -> None:
    for declared in declared_capabilities(load_settings().brokers, ["alpaca", "ibkr", "paper"]).values():
        assert (declared.hedging, declared.fifo_only) == (False, False)  # all net what is bought and sold
        assert not declared.for_kind("crypto").shorting
        assert declared.for_kind("stock").shorting
    assert not declared.for_kind("warrant").shorting
