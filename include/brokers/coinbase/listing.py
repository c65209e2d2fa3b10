"""Coinbase's products as contracts: GET /api/v3/brokerage/market/products (Advanced Trade API, "List Public Products")."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from include.brokers.listing import EXPIRED, Row, batches, fractions, json_object, minimum, rows_of, step, word
from include.domain.instrument import AssetClass
from include.errors import BrokerUnavailable

NAME = "coinbase"
KINDS = {"SPOT": AssetClass.CRYPTO, "FUTURE": AssetClass.FUTURE}
# Any of them and nothing can be bought; `limit_only` and `post_only` products still trade.
CLOSED = ("trading_disabled", "is_disabled", "view_only", "cancel_only")
OPEN_STATUSES = ("", "online")  # of a future it is empty


def contracts(payload: bytes, config: Mapping[str, Any], as_of: date) -> Iterator[pa.RecordBatch]:
    """Spot pairs and futures; see `include.brokers.listing.ListReader`.

    `BTC-USD` and `BTC-USDC` share an order book and stay two contracts: who asks for dollars gets dollars.
    """
    document = json_object(payload, NAME)
    products, pages = rows_of(document, NAME, "products"), document.get("pagination")
    if isinstance(pages, dict) and pages.get("has_next"):
        raise BrokerUnavailable("coinbase sent one page of its products: ask with get_all_products")
    return batches(NAME, products, lambda product: _row(product, as_of))


def _row(product: Mapping[str, Any], as_of: date) -> Row:
    kind = KINDS.get(product["product_type"], AssetClass.OTHER)
    future = product.get("future_product_details") or {}
    expiry = _expiry(future)
    lot = step(product["base_increment"])
    name = product.get("base_name" if kind is AssetClass.CRYPTO else "display_name") or ""
    reason = EXPIRED if expiry and expiry < as_of.isoformat() else _inactive(product)
    return {
        "native_id": word(product, "product_id"),
        "symbol": product["product_id"],
        "base": word(product, "base_currency_id") if kind is AssetClass.CRYPTO else None,
        "name": name,
        "asset_class": kind.value,
        "currency": word(product, "quote_currency_id"),
        "exchange": product.get("product_venue") or "",
        "expiry": expiry,
        "multiplier": step(future.get("contract_size") or "1"),
        "lot_size": lot,
        "tick_size": step(product.get("price_increment") or product["quote_increment"]),
        "min_notional": minimum(product.get("quote_min_size")),
        "tradable": reason is None,
        "fractionable": fractions(lot),
        "inactive_reason": reason,
    }


def _expiry(future: Mapping[str, Any]) -> str | None:
    """Day on which a future ends; None for a perpetual one, whatever date it bears."""
    moment = future.get("contract_expiry")
    if not moment or future.get("contract_expiry_type") == "PERPETUAL":
        return None
    return date.fromisoformat(moment[:10]).isoformat()


def _inactive(product: Mapping[str, Any]) -> str | None:
    status = str(product.get("status") or "")
    return next((name for name in CLOSED if product.get(name)), None if status in OPEN_STATUSES else status)
