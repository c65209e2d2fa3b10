"""What every broker said, put beside the universe: `universe_mapped.json`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.domain.preference import Preference
from include.domain.terms import Terms, UniverseField
from include.errors import InputError
from include.mapping.criteria import Wanted
from include.mapping.eligible import fits
from include.mapping.preference import Facts, choose
from include.settings import Eligibility

FOUND = frozenset({MappingStatus.MATCHED, MappingStatus.OTHER_LISTING})


def instruments_of(universe: Mapping[str, Any]) -> list[Instrument]:
    """The members of a universe document, in its order.

    Raises:
        InputError: A member lacks a field that identifies it.
    """
    found = []
    for ticker, stock in universe["all_stocks"].items():
        try:
            fields = {name: stock[name] for name in ("instrument_id", "name", "isin", "currency", "market")}
            fields |= {name: stock.get(name) for name in ("figi", "share_class_figi", "cusip")}
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
    facts: Facts,
    held: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The universe document with `broker_mappings` and the choice of a broker (`best_broker` ...) on every row.

    Args:
        universe: The universe document; it is not changed.
        by_broker: Broker to its mappings; every member of the universe once per broker, further tickers are left out.
        eligibility: Broker to what it could trade at all.
        rules: Preference rules.
        markets: By id.
        created_at: Written into the metadata.
        facts: What is known of the brokers beside their answers.
        held: Broker to ticker to what differs from the mapping last seen; such an entry carries `held` and `changes`.

    Raises:
        InputError: A broker's mappings lack a member of the universe.
    """
    brokers = sorted(by_broker)
    tables = {broker: {mapped.ticker: mapped for mapped in by_broker[broker]} for broker in brokers}
    answers: dict[str, dict[str, Any]] = {}
    rates = _rates(universe)
    for ticker, stock in universe["all_stocks"].items():
        rows = {broker: _row_of(tables[broker], ticker, broker) for broker in brokers}
        choice = choose(_wanted(stock, markets, rates, facts), stock["market"], rows, rules, markets, facts)
        answers[ticker] = {
            "broker_mappings": {
                broker: entry(mapped, facts.terms.get(broker, Terms()).universe_fields)
                | _held((held or {}).get(broker, {}).get(ticker))
                for broker, mapped in rows.items()
            },
            "best_broker": choice.best_broker,
            "execution_preference": list(choice.execution_preference),
            "broker_order": list(choice.broker_order),
            "preference_reason": choice.reason,
        }
    answered = with_answers(universe, answers)
    stocks = answered["all_stocks"]
    metadata = {**universe.get("metadata", {}), "created_at": created_at, "brokers_included": brokers}
    metadata["brokers_unavailable"] = [b for b in brokers if all(m.status is MappingStatus.UNAVAILABLE for m in by_broker[b])]
    metadata["mapping_stats"] = _stats(stocks, tables, eligibility, markets)
    return {**answered, "metadata": metadata}


def entry(mapped: Mapped, fields: Mapping[str, UniverseField]) -> dict[str, Any]:
    """One broker's answer in the form of `broker_mappings`, with the fields that the broker's YAML adds.

    Raises:
        InputError: An id that is declared to be a number is none.
    """
    told: dict[str, Any] = {"found": mapped.status in FOUND and mapped.contract is not None, "status": mapped.status.value}
    contract = mapped.contract
    if contract is not None:
        told |= {"symbol": contract.symbol, "native_id": contract.native_id}
        told |= {name: told_as(name, field, contract) for name, field in fields.items()}
        told |= {
            "name": contract.name,
            "exchange": contract.exchange,
            "mic": contract.mic,
            "currency": contract.currency,
            "isin": contract.isin,
            "search_method": mapped.search_method,
            "evidence": mapped.evidence,
            "score": mapped.score,
        }
    if mapped.reason:
        told["reason"] = mapped.reason
    if mapped.candidates:
        told["candidates"] = list(mapped.candidates)
    return told


def _held(changes: Any) -> dict[str, Any]:
    return {"held": True, "changes": changes} if changes else {}


def told_as(name: str, field: UniverseField, contract: Contract) -> Any:
    """A contract's field as `universe_mapped.json` tells it under `name`.

    Raises:
        InputError: It is declared to be a number and is none.
    """
    value = contract.model_dump(mode="json", include={field.field})[field.field]
    if not isinstance(value, str):
        return value
    text = value.removeprefix(field.prefix)
    if not field.integer:
        return field.words.get(text, text)
    if not text.isdecimal():
        raise InputError(f"expected a {name} of digits", source=f"contracts of {contract.broker}", value=value)
    return int(text)


def with_answers(universe: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The universe document with further keys on the rows of a ticker, in `all_stocks` and in every screen."""
    stocks = {ticker: {**stock, **answers[ticker]} for ticker, stock in universe["all_stocks"].items()}
    screens = {key: _with(screen, answers) for key, screen in universe.get("screens", {}).items()}
    return {**universe, "screens": screens, "all_stocks": stocks}


def _wanted(stock: Mapping[str, Any], markets: Mapping[str, Market], rates: Mapping[str, Decimal], facts: Facts) -> Wanted:
    """The order that brokers are compared for: the row's target value, else the reference order."""
    market = markets.get(stock["market"])
    value, price = Decimal(str(stock.get("target_value_eur") or 0)), stock.get("price")
    return Wanted(
        asset_class=stock.get("asset_class", "stock"),
        region=market.region if market else "",
        currency=stock["currency"],
        price=Decimal(str(price)) if price else None,
        value=value if value > 0 else facts.reference_order_eur,
        per_euro=rates,
    )


def _rates(universe: Mapping[str, Any]) -> dict[str, Decimal]:
    """Units of a currency for one euro; a universe that was never converted has none."""
    rates = universe.get("metadata", {}).get("exchange_rates", {}).get("rates", {})
    return {currency: Decimal(str(row["rate"])) for currency, row in rates.items()}


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
