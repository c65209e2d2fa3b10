"""Latest quotes, in as few requests as Alpaca allows."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from include.brokers.alpaca.failures import Refusal
from include.brokers.alpaca.reports import quote
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.quote import Quote
from include.errors import BrokerUnavailable

if TYPE_CHECKING:
    from include.brokers.alpaca.client import AlpacaClient

Rows = dict[str, dict[str, Any]]


def read_quotes(client: "AlpacaClient", contracts: Sequence[Contract], chunk: int) -> dict[str, Quote]:
    """Quotes by native id; a contract without any price is absent.

    Args:
        client: Open.
        contracts: Alpaca's; an empty sequence gives {} without a request.
        chunk: Most symbols in one request.

    Raises:
        BrokerUnavailable: The answer is something else than quotes.
    """
    crypto = [c for c in contracts if c.asset_class is AssetClass.CRYPTO]
    stocks = [c for c in contracts if c.asset_class is not AssetClass.CRYPTO]
    try:
        rows = _ask(client.stock_quotes, _symbols(stocks), chunk)
        one_sided = [s for s in _symbols(stocks) if not _two_sided(rows.get(s))]
        bars = _ask(client.stock_bars, one_sided, chunk)
        pairs = _ask(client.crypto_quotes, _symbols(crypto), chunk)
        found = [quote(c, rows.get(c.symbol), bars.get(c.symbol)) for c in stocks]
        found += [quote(c, pairs.get(c.symbol), None) for c in crypto]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokerUnavailable(f"alpaca's quotes made no sense: {error!r}") from error
    return {one.native_id: one for one in found if one is not None}


def _symbols(contracts: Sequence[Contract]) -> list[str]:
    return sorted({contract.symbol for contract in contracts})


def _two_sided(row: dict[str, Any] | None) -> bool:
    return row is not None and bool(row.get("bp")) and bool(row.get("ap"))


def _ask(request: Callable[[list[str]], Any], symbols: list[str], chunk: int) -> Rows:
    found: Rows = {}
    for start in range(0, len(symbols), chunk):
        found |= _ask_some(request, symbols[start : start + chunk])
    return found


def _ask_some(request: Callable[[list[str]], Any], symbols: list[str]) -> Rows:
    """One request; Alpaca refuses a whole one for a symbol that it finds malformed, so that one is found by halving."""
    answer = request(symbols)
    if isinstance(answer, Refusal):
        if len(symbols) == 1:
            return {}
        middle = len(symbols) // 2
        return _ask_some(request, symbols[:middle]) | _ask_some(request, symbols[middle:])
    if not isinstance(answer, dict):
        raise BrokerUnavailable(f"alpaca's answer made no sense: expected quotes, found {type(answer).__name__}")
    return answer
