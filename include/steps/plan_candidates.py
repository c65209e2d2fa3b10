"""What `plan_orders` hands to the planner: targets, mappings, preferences and holdings, joined per instrument."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.domain.mapping import Mapping
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.errors import InputError
from include.mapping.preference import broker_order
from include.settings import Settings
from include.storage.artifacts import exists, read_json
from include.storage.journal import ManagedPosition
from include.storage.run_folder import RunFolder
from include.trading.candidate import Candidate, Holding


def candidates(
    run: Run, portfolio: Portfolio, sizes: dict[str, Any], managed: Sequence[ManagedPosition], settings: Settings
) -> list[Candidate]:
    """Every instrument of a portfolio that has a target or is managed, in the order of tickers.

    Args:
        run: The run; its universe and the mappings of its brokers are read.
        portfolio: Whose accounts and holdings count.
        sizes: Content of its `sizes.json`.
        managed: What the journal says it holds.
        settings: Preferences and markets.
    """
    folder = RunFolder(run.folder)
    stocks = read_json(folder.universe)["all_stocks"]
    mappings = _mappings(run, {account.broker for account in portfolio.accounts})
    held: dict[str, list[ManagedPosition]] = {}
    for position in managed:
        held.setdefault(position.instrument_id, []).append(position)
    found = []
    for ticker, stock in sorted(stocks.items()):
        weight = Decimal(str(sizes["positions"].get(ticker, {}).get("target_weight", 0)))
        mine = _own(held.get(stock["instrument_id"], []), ticker, stocks)
        if weight <= 0 and not mine:
            continue
        found.append(
            Candidate(
                ticker=ticker,
                instrument_id=stock["instrument_id"],
                name=stock["name"],
                target_weight=weight,
                export_price=Decimal(str(stock["price"])),
                export_currency=stock["currency"],
                market=stock["market"],
                mappings={broker: table[ticker] for broker, table in mappings.items() if ticker in table},
                preference=tuple(broker_order(stock["asset_class"], stock["market"], settings.preferences, settings.markets)),
                holdings=tuple(Holding(p.account, p.contract, p.quantity) for p in mine),
            )
        )
    return found + _left_universe(held, stocks, settings)


def rates_to(base: str, exchange_rates: dict[str, Any]) -> dict[str, Decimal]:
    """Units of each currency for one unit of `base`, out of the universe's rates (which are per euro).

    Raises:
        InputError: There is no rate of `base`.
    """
    per_euro = {currency: Decimal(str(row["rate"])) for currency, row in exchange_rates["rates"].items()}
    per_euro["EUR"] = Decimal(1)
    if base not in per_euro:
        raise InputError("expected an exchange rate of the portfolio's base currency", field="base_currency", value=base)
    return {currency: rate / per_euro[base] for currency, rate in per_euro.items()}


def _mappings(run: Run, brokers: set[str]) -> dict[str, dict[str, Mapping]]:
    folder = RunFolder(run.folder)
    tables = {}
    for broker in sorted(brokers & set(run.brokers)):
        uri = folder.mapping(broker)
        if exists(uri):
            rows = (Mapping.model_validate(row) for row in read_json(uri)["mappings"])
            tables[broker] = {mapping.ticker: mapping for mapping in rows}
    return tables


def _own(positions: list[ManagedPosition], ticker: str, stocks: dict[str, Any]) -> list[ManagedPosition]:
    """Holdings of this very row: a position belongs to the listing it was bought as, or to the first row of its instrument."""
    return [p for p in positions if p.ticker == ticker or (p.ticker not in stocks and ticker == _first_row(p, stocks))]


def _first_row(position: ManagedPosition, stocks: dict[str, Any]) -> str | None:
    return next((t for t, s in sorted(stocks.items()) if s["instrument_id"] == position.instrument_id), None)


def _left_universe(held: dict[str, list[ManagedPosition]], stocks: dict[str, Any], settings: Settings) -> list[Candidate]:
    present = {stock["instrument_id"] for stock in stocks.values()}
    found = []
    for instrument_id, positions in sorted(held.items()):
        if instrument_id in present:
            continue
        first = positions[0]
        found.append(
            Candidate(
                ticker=first.ticker,
                instrument_id=instrument_id,
                name=first.contract.name,
                target_weight=Decimal(0),
                export_price=None,
                export_currency=first.contract.currency,
                market=market_of(first.contract.mic, first.contract.currency, settings),
                mappings={},
                preference=(),
                holdings=tuple(Holding(p.account, p.contract, p.quantity) for p in positions),
            )
        )
    return found


def market_of(mic: str, currency: str, settings: Settings) -> str:
    """Market id of a contract, by its MIC, else by the first market quoted in its currency.

    Raises:
        InputError: Neither is known to `markets.yaml`.
    """
    for name, market in settings.markets.items():
        if mic and mic in market.mics:
            return name
    for name, market in settings.markets.items():
        if currency in market.currencies:
            return name
    raise InputError("expected a market of markets.yaml", field="mic", value=mic or currency)
