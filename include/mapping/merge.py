"""What every broker said, put beside the universe: `universe_mapped.json`, and the old system's `universe_with_ibkr.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.errors import InputError
from include.mapping.eligible import fits
from include.mapping.preference import choose
from include.settings import Eligibility, Preference

FOUND = frozenset({MappingStatus.MATCHED, MappingStatus.OTHER_LISTING})
# Brokers whose native id is IBKR's conId.
_CON_ID_BROKERS = frozenset({"ibkr"})
_ALPACA_CLASS = {AssetClass.STOCK: "us_equity", AssetClass.ETF: "us_equity", AssetClass.CRYPTO: "crypto"}


def instruments_of(universe: Mapping[str, Any]) -> list[Instrument]:
    """The members of a universe document, in its order.

    Raises:
        InputError: A member lacks a field that identifies it.
    """
    found = []
    for ticker, stock in universe["all_stocks"].items():
        try:
            fields = {name: stock[name] for name in ("instrument_id", "name", "isin", "currency", "market")}
            found.append(Instrument(ticker=ticker, asset_class=stock.get("asset_class", AssetClass.STOCK), **fields))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"expected instrument_id, name, isin, currency, market and a known asset_class: {' '.join(str(error).split())}",
                source="universe.json",
                field=f"all_stocks.{ticker}",
            ) from error
    return found


def unavailable(instruments: Sequence[Instrument], broker: str) -> list[Mapped]:
    """The mappings of a broker that said nothing."""
    return [
        Mapped(
            broker=broker,
            ticker=instrument.ticker,
            instrument_id=instrument.instrument_id,
            status=MappingStatus.UNAVAILABLE,
            reason="unavailable",
        )
        for instrument in instruments
    ]


def merge(
    universe: Mapping[str, Any],
    by_broker: Mapping[str, Sequence[Mapped]],
    eligibility: Mapping[str, Eligibility],
    rules: Sequence[Preference],
    markets: Mapping[str, Market],
    created_at: str,
    con_id_brokers: frozenset[str] = _CON_ID_BROKERS,
    held: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The universe document with `broker_mappings`, `best_broker` and `execution_preference` on every row.

    Args:
        universe: The universe document; it is not changed.
        by_broker: Broker to its mappings; every member of the universe once per broker, further tickers are left out.
        eligibility: Broker to what it could trade at all.
        rules: Preference rules.
        markets: By id.
        created_at: Written into the metadata.
        con_id_brokers: Brokers whose ids are conIds (IBKR and what mirrors it).
        held: Broker to ticker to what differs from the mapping last seen; such an entry carries `held` and `changes`.

    Raises:
        InputError: A broker's mappings lack a member of the universe.
    """
    brokers = sorted(by_broker)
    tables = {broker: {mapped.ticker: mapped for mapped in by_broker[broker]} for broker in brokers}
    answers: dict[str, dict[str, Any]] = {}
    for ticker, stock in universe["all_stocks"].items():
        rows = {broker: _row_of(tables[broker], ticker, broker) for broker in brokers}
        kind, market = stock.get("asset_class", "stock"), stock["market"]
        choice = choose(kind, market, {broker: mapped.status for broker, mapped in rows.items()}, rules, markets)
        answers[ticker] = {
            "broker_mappings": {
                broker: entry(mapped, broker in con_id_brokers) | _held((held or {}).get(broker, {}).get(ticker))
                for broker, mapped in rows.items()
            },
            "best_broker": choice.best_broker,
            "execution_preference": list(choice.execution_preference),
            "preference_reason": choice.reason,
        }
    stocks = {ticker: {**stock, **answers[ticker]} for ticker, stock in universe["all_stocks"].items()}
    metadata = {**universe.get("metadata", {}), "created_at": created_at, "brokers_included": brokers}
    metadata["brokers_unavailable"] = [b for b in brokers if all(m.status is MappingStatus.UNAVAILABLE for m in by_broker[b])]
    metadata["mapping_stats"] = _stats(stocks, tables, eligibility, markets)
    screens = {key: _with(screen, answers) for key, screen in universe.get("screens", {}).items()}
    return {**universe, "metadata": metadata, "screens": screens, "all_stocks": stocks}


def entry(mapped: Mapped, with_con_id: bool) -> dict[str, Any]:
    """One broker's answer in the form of `broker_mappings`."""
    told: dict[str, Any] = {"found": mapped.status in FOUND and mapped.contract is not None, "status": mapped.status.value}
    contract = mapped.contract
    if contract is not None:
        told |= {"symbol": contract.symbol, "native_id": contract.native_id}
        told |= _ids(contract, mapped.broker, with_con_id)
        told |= {
            "name": contract.name,
            "exchange": contract.exchange,
            "mic": contract.mic,
            "currency": contract.currency,
            "isin": contract.isin,
            "search_method": mapped.search_method,
            "score": mapped.score,
        }
    if mapped.reason:
        told["reason"] = mapped.reason
    if mapped.candidates:
        told["candidates"] = list(mapped.candidates)
    return told


def _held(changes: Any) -> dict[str, Any]:
    return {"held": True, "changes": changes} if changes else {}


def legacy(universe: Mapping[str, Any], mappings: Sequence[Mapped]) -> dict[str, Any]:
    """The old `universe_with_ibkr.json`: the universe with `ibkr_details` on every row. `mappings`: those of `ibkr`, or none."""
    details = {mapped.ticker: {"ibkr_details": _details(mapped)} for mapped in mappings}
    missing = {"ibkr_details": {"found": False, "reason": "not_asked"}}
    answers = {ticker: details.get(ticker, missing) for ticker in universe["all_stocks"]}
    stocks = {ticker: {**stock, **answers[ticker]} for ticker, stock in universe["all_stocks"].items()}
    screens = {key: _with(screen, answers) for key, screen in universe.get("screens", {}).items()}
    return {**universe, "screens": screens, "all_stocks": stocks}


def _details(mapped: Mapped) -> dict[str, Any]:
    contract = mapped.contract
    if contract is None:
        return {"found": False, "reason": mapped.reason}
    return {
        "found": True,
        "symbol": contract.symbol,
        "longName": contract.name,
        "exchange": "SMART",
        "primaryExchange": contract.exchange,
        "conId": _con_id(contract),
        "search_method": mapped.search_method,
        "match_score": mapped.score,
    }


def _ids(contract: Contract, broker: str, with_con_id: bool) -> dict[str, Any]:
    if with_con_id:
        return {"conId": _con_id(contract)}
    if broker == "alpaca":
        kind = _ALPACA_CLASS.get(contract.asset_class, contract.asset_class.value)
        return {"asset_id": contract.native_id, "asset_class": kind, "tradable": contract.tradable}
    return {}


def _con_id(contract: Contract) -> int:
    native_id = contract.native_id.removeprefix("ibkr:")  # a broker that mirrors IBKR names the source of its ids
    if not native_id.isdecimal():
        raise InputError("expected a conId of digits", source=f"contracts of {contract.broker}", value=contract.native_id)
    return int(native_id)


def _row_of(table: Mapping[str, Mapped], ticker: str, broker: str) -> Mapped:
    if ticker not in table:
        raise InputError("expected a mapping for every member of the universe", source=f"mapping of {broker}", field=ticker)
    return table[ticker]


def _with(screen: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {**screen, "stocks": [{**stock, **answers.get(stock["ticker"], {})} for stock in screen["stocks"]]}


def _stats(
    stocks: Mapping[str, Mapping[str, Any]],
    tables: Mapping[str, Mapping[str, Mapped]],
    eligibility: Mapping[str, Eligibility],
    markets: Mapping[str, Market],
) -> dict[str, Any]:
    """Counts over rows. Brokers that do not count (paper) have figures of their own, but make nothing mapped."""
    counting = [broker for broker in tables if eligibility[broker].counts]
    stats: dict[str, Any] = {"total_stocks": len(stocks), "fully_mapped": 0, "partially_mapped": 0, "unmapped": 0}
    for ticker, stock in stocks.items():
        asked = [b for b in counting if fits(stock.get("asset_class", "stock"), stock["market"], eligibility[b], markets)]
        found = [b for b in asked if tables[b][ticker].status in FOUND]
        word = "unmapped" if not found else "fully_mapped" if len(found) == len(asked) else "partially_mapped"
        stats[word] += 1
    stats["brokers"] = {
        broker: {status.value: sum(table[ticker].status is status for ticker in stocks) for status in MappingStatus}
        for broker, table in tables.items()
    }
    return stats
