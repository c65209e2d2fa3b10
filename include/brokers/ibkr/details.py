"""What TWS tells about a contract, as a row of `CONTRACT_SCHEMA` in plain JSON types."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from include.domain.instrument import AssetClass

Row = dict[str, Any]
DEAD_EXCHANGE = "VALUE"  # where IBKR parks listings that are no more
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")  # IBKR masks some (`US03783*****`): those say nothing
_DEAD_SYMBOL = re.compile(r"\.OLD\d*$")
_SECURITY_TYPES = {
    "STK": AssetClass.STOCK,
    "CASH": AssetClass.FX,
    "CRYPTO": AssetClass.CRYPTO,
    "FUT": AssetClass.FUTURE,
    "OPT": AssetClass.OPTION,
    "WAR": AssetClass.WARRANT,
    "CFD": AssetClass.CFD,
}
_OWN_EXCHANGE = frozenset({"CASH", "CRYPTO", "FUT"})  # where orders of them must be sent
_EXPIRING = frozenset({"FUT", "OPT"})
_PAIRS = frozenset({"CASH", "CRYPTO"})  # IBKR's symbol of a pair is its base side
_STOCK_TYPES = {"ETF": AssetClass.ETF, "ETC": AssetClass.ETF, "ETN": AssetClass.ETF}
_WARRANTS = frozenset({"WAR", "WARRANT", "RIGHT", "STRUCTURED PRODUCT"})
# Forms of a company's capital that IBKR may tell by the stock type only, and the word that says so in a name.
_FORMS = {
    "ADR": "ADR",
    "GDR": "GDR",
    "PREFERRED": "PREFERRED",
    "CONVPREF": "PREFERRED",
    "PREFERENCE": "PREFERRED",
    "UNIT": "UNIT",
}


def row(details: Any, mics: Mapping[str, str]) -> Row:
    """One contract's details as a row; `evidence` is null.

    Args:
        details: ib_insync's `ContractDetails`.
        mics: IBKR's word for a primary exchange -> MIC; an unknown one gives "".
    """
    contract = details.contract
    magnifier = number(details.priceMagnifier) or Decimal(1)
    dead = contract.primaryExchange == DEAD_EXCHANGE or bool(_DEAD_SYMBOL.search(contract.symbol))
    return {
        "broker": "ibkr",
        "native_id": str(contract.conId),
        "symbol": contract.symbol,
        "base": contract.symbol if contract.secType in _PAIRS else None,
        "name": _name(details.longName, details.stockType),
        "asset_class": asset_class(contract.secType, details.stockType).value,
        "currency": contract.currency,
        "mic": mics.get(contract.primaryExchange, ""),
        "exchange": contract.primaryExchange or (contract.exchange if contract.secType in _OWN_EXCHANGE else ""),
        "isin": next((pair.value for pair in details.secIdList if pair.tag == "ISIN" and _ISIN.fullmatch(pair.value)), None),
        "figi": None,
        "expiry": _expiry(contract),
        "multiplier": text(number(contract.multiplier) or Decimal(1)),
        "price_magnifier": text(magnifier),
        "lot_size": text(_lot_size(details)),
        "tick_size": text((number(details.minTick) or Decimal("0.01")) / magnifier),
        "min_notional": None,
        "tradable": not dead,
        "fractionable": contract.secType == "CRYPTO",
        "inactive_reason": "delisted" if dead else None,
        "evidence": None,
    }


def asset_class(security_type: str, stock_type: str) -> AssetClass:
    """The kind of a contract, from IBKR's two words for it."""
    found = _SECURITY_TYPES.get(security_type, AssetClass.OTHER)
    if found is not AssetClass.CFD and stock_type.upper() in _WARRANTS:  # of a CFD it is what stands behind it
        return AssetClass.WARRANT
    return _STOCK_TYPES.get(stock_type.upper(), found) if found is AssetClass.STOCK else found


def _name(long_name: str, stock_type: str) -> str:
    """The name with the word for its form at the end, unless it has that word already (`QUADRANT` has no `ADR`)."""
    form = _FORMS.get(stock_type.upper(), "")
    return f"{long_name} {form}" if form and form not in re.split(r"[^A-Z]+", long_name.upper()) else long_name


def number(value: Any) -> Decimal:
    """A number of ib_insync (float, int, text or "") as the shortest exact decimal; "" gives 0."""
    exact = Decimal(str(value or 0))
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact.normalize()


def text(value: Decimal) -> str:
    """A decimal without exponent and trailing zeros."""
    return format(number(value), "f")


def _lot_size(details: Any) -> Decimal:
    """Whole units at least, but for coins: IBKR tells 0.0001 for stocks whose fractions its API refuses (error 10243)."""
    told = max(number(details.sizeIncrement), number(details.minSize))
    return told if details.contract.secType == "CRYPTO" and told else max(told, Decimal(1))


def _expiry(contract: Any) -> str | None:
    """ISO date; IBKR tells `20261218`, of some contracts the month only, which is no date."""
    if contract.secType not in _EXPIRING:
        return None
    told = contract.lastTradeDateOrContractMonth[:8]
    return f"{told[:4]}-{told[4:6]}-{told[6:]}" if len(told) == 8 and told.isdigit() else None
