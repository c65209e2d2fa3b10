"""Coinbase's products as contracts."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.errors import BrokerUnavailable
from include.sandbox.payloads import list_payload
from tests.brokers.lists import counted, rows, table


def product(product_id: str = "BTC-USD", **fields: Any) -> dict[str, Any]:
    base, _, quote = product_id.partition("-")
    return {
        "product_id": product_id,
        "price": "64012.11",
        "base_increment": "0.00000001",
        "quote_increment": "0.01",
        "price_increment": "0.01",
        "quote_min_size": "1",
        "base_min_size": "0.00000001",
        "base_name": "Bitcoin",
        "quote_name": "US Dollar",
        "status": "online",
        "is_disabled": False,
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": False,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": base,
        "view_only": False,
        "display_name": "BTC-USD",
        "product_venue": "CBE",
        **fields,
    }


def future(expiry: str = "2026-08-28T15:00:00Z", kind: str = "EXPIRING", **fields: Any) -> dict[str, Any]:
    details = {
        "venue": "cde",
        "contract_code": "BIT",
        "contract_expiry": expiry,
        "contract_size": "0.01",
        "contract_expiry_type": kind,
    }
    return product(
        "BIT-28AUG26-CDE",
        product_type="FUTURE",
        base_currency_id="",
        quote_currency_id="USD",
        base_increment="1",
        price_increment="5",
        quote_min_size="0",
        status="",
        display_name="BTC 28 AUG 26",
        product_venue="FCM",
        future_product_details=details,
        **fields,
    )


def listed(*products: Any, **fields: Any) -> bytes:
    return json.dumps({"products": products, "num_products": len(products), **fields}).encode()


def test_a_spot_pair() -> None:
    row = rows("coinbase", listed(product()))["BTC-USD"]
    assert (row["native_id"], row["base"], row["currency"], row["asset_class"]) == ("BTC-USD", "BTC", "USD", "crypto")
    assert (row["name"], row["exchange"], row["expiry"], row["multiplier"]) == ("Bitcoin", "CBE", None, "1")
    assert (row["lot_size"], row["tick_size"], row["min_notional"]) == ("0.00000001", "0.01", "1")
    assert (row["tradable"], row["fractionable"], row["inactive_reason"]) == (True, True, None)


def test_dollars_and_stable_coins_stay_apart() -> None:
    found = rows("coinbase", listed(*(product(f"BTC-{quote}") for quote in ("USD", "USDC", "USDT"))))
    assert [row["currency"] for row in found.values()] == ["USD", "USDC", "USDT"]


def test_futures() -> None:
    row = rows("coinbase", listed(future()))["BIT-28AUG26-CDE"]
    assert (row["asset_class"], row["base"], row["currency"], row["expiry"]) == ("future", None, "USD", "2026-08-28")
    assert (row["name"], row["multiplier"], row["lot_size"], row["tick_size"]) == ("BTC 28 AUG 26", "0.01", "1", "5")
    assert (row["tradable"], row["fractionable"], row["min_notional"]) == (True, False, None)
    forever = rows("coinbase", listed(future("2030-12-20T16:00:00Z", "PERPETUAL")))["BIT-28AUG26-CDE"]
    assert (forever["asset_class"], forever["expiry"]) == ("future", None)
    unknown = rows("coinbase", listed(product(product_type="PREDICTION")))["BTC-USD"]
    assert (unknown["asset_class"], unknown["base"]) == ("other", None)


def test_a_future_lives_until_its_last_day() -> None:
    assert rows("coinbase", listed(future("2026-03-20T15:00:00Z")))["BIT-28AUG26-CDE"]["tradable"] is True
    late = rows("coinbase", listed(future("2026-03-19T15:00:00Z")))["BIT-28AUG26-CDE"]
    assert (late["tradable"], late["inactive_reason"]) == (False, "expired")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trading_disabled": True}, "trading_disabled"),
        ({"is_disabled": True}, "is_disabled"),
        ({"view_only": True}, "view_only"),
        ({"cancel_only": True}, "cancel_only"),
        ({"status": "delisted"}, "delisted"),
        ({"limit_only": True}, None),
        ({"post_only": True, "auction_mode": True}, None),
        ({"status": None}, None),
    ],
)
def test_what_cannot_be_bought_is_kept_with_its_reason(fields: dict[str, Any], reason: str | None) -> None:
    row = rows("coinbase", listed(product(**fields)))["BTC-USD"]
    assert (row["tradable"], row["inactive_reason"]) == (reason is None, reason)


def test_the_tick_where_only_the_older_field_is_there() -> None:
    old = product(quote_increment="0.05")
    del old["price_increment"]
    assert rows("coinbase", listed(old))["BTC-USD"]["tick_size"] == "0.05"


def test_one_page_is_not_the_list() -> None:
    with pytest.raises(BrokerUnavailable, match="one page"):
        table("coinbase", listed(product(), pagination={"has_next": True, "next_cursor": "x"}))
    assert table("coinbase", listed(product(), pagination={"has_next": False})).num_rows == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"product_id": None},
        {"base_currency_id": ""},
        {"quote_currency_id": ""},
        {"base_increment": "0"},
        {"base_increment": ""},
        {"price_increment": "-1"},
        {"base_name": 3},
        {"future_product_details": "x"},
        {"future_product_details": {"contract_expiry": "soon"}},
    ],
)
def test_one_row_that_makes_no_sense_spoils_the_list(fields: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailable, match="coinbase listed a row"):
        table("coinbase", listed(product("ETH-USD"), {**product(), **fields}))


def test_the_real_list(shared_data: Path) -> None:
    path = shared_data / "coinbase" / "symbol_properties_2026-02.csv"
    read = table("coinbase", list_payload("coinbase", path))
    assert counted(read, "asset_class") == {"crypto": 970}
    assert counted(read, "currency") == {
        "USD": 345, "USDC": 326, "EUR": 87, "USDT": 86, "BTC": 68, "GBP": 48, "ETH": 8, "UST": 1, "DAI": 1,
    }  # fmt: skip
