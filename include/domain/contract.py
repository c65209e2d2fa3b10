"""Contract: one broker's tradable form of an instrument, and the one columnar schema all brokers deliver."""

from decimal import Decimal

import pyarrow as pa

from include.domain.instrument import AssetClass
from include.domain.model import Value

CONTRACT_SCHEMA = pa.schema(
    [
        ("broker", pa.string()),
        ("native_id", pa.string()),  # IBKR: conId as text; Alpaca: asset id (UUID)
        ("symbol", pa.string()),  # in the broker's own notation
        ("base", pa.string()),  # of a crypto or currency pair or a metal: what is bought (`BTC`, `EUR`, `XAU`); null for all else
        ("name", pa.string()),
        ("asset_class", pa.string()),  # AssetClass value
        ("currency", pa.string()),  # what prices are in; of a pair the quote side (`USDT`)
        ("mic", pa.string()),  # ISO 10383 of the primary market; "" where the broker does not tell
        ("exchange", pa.string()),  # the broker's own word for the market (`TSEJ`, `NASDAQ`)
        ("isin", pa.string()),  # null where the broker does not tell
        ("figi", pa.string()),  # of the listing or its composite, as the broker tells it
        ("share_class_figi", pa.string()),
        ("cusip", pa.string()),
        ("expiry", pa.string()),  # ISO date of a future or option; null for what does not expire
        ("multiplier", pa.string()),  # Decimal as text
        ("price_magnifier", pa.string()),  # quotes are this many times the currency unit (LSE pence: 100)
        ("lot_size", pa.string()),
        ("tick_size", pa.string()),
        ("min_notional", pa.string()),  # null: none
        ("tradable", pa.bool_()),
        ("fractionable", pa.bool_()),
        ("inactive_reason", pa.string()),  # why not tradable (`delisted`, `halted` ...), null if tradable
        ("evidence", pa.string()),  # the look-up that produced the row (`isin=...`), null for listed rows
    ]
)


class Contract(Value):
    """One row of `CONTRACT_SCHEMA` with exact numbers.

    Attributes:
        base: What is bought, of a crypto or currency pair or a metal; `currency` is what it is paid in.
        expiry: ISO date, of a future or option.
        price_magnifier: Units the broker quotes and takes prices in, per currency unit (IBKR's LSE pence: 100). Prices in
            this project are always in currency units; the adapter alone multiplies and divides.
        lot_size: Smallest quantity step (1 for whole shares, 100 for Tokyo).
        tick_size: Smallest price step in currency units.
    """

    broker: str
    native_id: str
    symbol: str
    base: str | None = None
    name: str = ""
    asset_class: AssetClass = AssetClass.STOCK
    currency: str
    mic: str = ""
    exchange: str = ""
    isin: str | None = None
    figi: str | None = None
    share_class_figi: str | None = None
    cusip: str | None = None
    expiry: str | None = None
    multiplier: Decimal = Decimal(1)
    price_magnifier: Decimal = Decimal(1)
    lot_size: Decimal = Decimal(1)
    tick_size: Decimal = Decimal("0.01")
    min_notional: Decimal | None = None
    tradable: bool = True
    fractionable: bool = False
    inactive_reason: str | None = None
    evidence: str | None = None


def to_table(contracts: list[Contract]) -> pa.Table:
    """Contracts as a table of `CONTRACT_SCHEMA`; an empty list gives an empty table of that schema."""
    return pa.Table.from_pylist([contract.model_dump(mode="json") for contract in contracts], schema=CONTRACT_SCHEMA)


def from_row(row: dict[str, object]) -> Contract:
    """The contract of one row of a `CONTRACT_SCHEMA` table (as `Table.to_pylist` gives it)."""
    return Contract.model_validate(row)
