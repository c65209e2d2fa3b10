"""What `plan_orders` hands to the planner: targets, mappings, preferences and holdings, joined per instrument."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.domain.account import AccountSnapshot
from include.domain.contract import Contract
from include.domain.mapping import Mapping
from include.domain.order import Side
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.errors import InputError
from include.mapping.preference import broker_order
from include.settings import Settings
from include.storage.artifacts import exists, read_json
from include.storage.journal import JournalEntry, ManagedPosition
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
    held: dict[str | None, list[ManagedPosition]] = {}
    for position in managed:
        held.setdefault(_row_of(position, stocks, mappings), []).append(position)
    found = []
    for ticker, stock in sorted(stocks.items()):
        weight = Decimal(str(sizes["positions"].get(ticker, {}).get("target_weight", 0)))
        mine = held.get(ticker, [])
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
                holdings=_holdings(mine, ticker, mappings),
            )
        )
    return found + _left_universe(held.get(None, []), mappings, settings)


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


def _row_of(position: ManagedPosition, stocks: dict[str, Any], mappings: dict[str, dict[str, Mapping]]) -> str | None:
    """The ticker a holding belongs to; None: it left the universe.

    That is the listing it was bought as, else the first row of its instrument, else the first row that its broker maps to this
    very contract, else the row of its ticker where one of the two knows no ISIN: an instrument whose ISIN became known (or was
    not given when it was adopted) has another id, and is still the same position.
    """
    row = stocks.get(position.ticker)
    if row is not None and row["instrument_id"] == position.instrument_id:
        return position.ticker
    same = (t for t, s in sorted(stocks.items()) if s["instrument_id"] == position.instrument_id)
    found = next(same, None) or _mapped_to(position.contract, stocks, mappings.get(position.contract.broker, {}))
    if found is None and row is not None and any(i.startswith("ticker:") for i in (row["instrument_id"], position.instrument_id)):
        return position.ticker
    return found


def _mapped_to(contract: Contract, stocks: dict[str, Any], table: dict[str, Mapping]) -> str | None:
    for ticker in sorted(stocks.keys() & table.keys()):
        found = table[ticker].contract
        if found is not None and found.native_id == contract.native_id:
            return ticker
    return None


def frozen_by(standing: Sequence[JournalEntry], wanted: Sequence[Candidate]) -> dict[str, str]:
    """Instrument id to the reason why nothing may be planned for it: an order may stand for it, or for a contract of it."""
    reasons = [(entry.order, f"order {entry.order.client_order_id} is {entry.state.value}") for entry in standing]
    frozen = {order.instrument_id: reason for order, reason in reasons}
    by_contract = {(order.contract.broker, order.contract.native_id): reason for order, reason in reasons}
    for candidate in wanted:
        contracts = [m.contract for m in candidate.mappings.values() if m.contract] + [h.contract for h in candidate.holdings]
        for contract in contracts:
            if reason := by_contract.get((contract.broker, contract.native_id)):
                frozen.setdefault(candidate.instrument_id, reason)
    return frozen


def committed_by(orders: Sequence[JournalEntry], snapshots: dict[str, AccountSnapshot]) -> dict[tuple[str, str], Decimal]:
    """(account id, currency) to the money, positive, that buys have taken since the snapshot or may still take at their limits.

    Args:
        orders: Every order that stands now, and every one that stood when its account was read.
        snapshots: By account id; what had been filled then is off the account's cash already.
    """
    filled = {(name, r.client_order_id): r.filled_quantity for name, s in snapshots.items() for r in s.open_orders}
    committed: dict[tuple[str, str], Decimal] = {}
    for order, state, now in ((e.order, e.state, e.report.filled_quantity) for e in orders if e.order.side is Side.BUY):
        then = filled.get((order.account, order.client_order_id), now)
        quantity = (now if state.is_final else order.quantity) - then
        key = (order.account, order.contract.currency)
        money = quantity * (order.limit_price or order.quote_price) * order.contract.multiplier
        committed[key] = committed.get(key, Decimal(0)) + money
    return committed


def _holdings(positions: Sequence[ManagedPosition], ticker: str, mappings: dict[str, dict[str, Mapping]]) -> tuple[Holding, ...]:
    """Holdings with their contract as the broker describes it today (ticks, lots, pence), else as the journal has it."""
    found = []
    for position in positions:
        mapping = mappings.get(position.contract.broker, {}).get(ticker)
        today = mapping.contract if mapping else None
        same = today is not None and today.native_id == position.contract.native_id
        found.append(Holding(position.account, today if today and same else position.contract, position.quantity))
    return tuple(found)


def _left_universe(
    positions: Sequence[ManagedPosition], mappings: dict[str, dict[str, Mapping]], settings: Settings
) -> list[Candidate]:
    held: dict[str, list[ManagedPosition]] = {}
    for position in positions:
        held.setdefault(position.instrument_id, []).append(position)
    found = []
    for instrument_id, parts in sorted(held.items()):
        first = parts[0]
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
                holdings=_holdings(parts, first.ticker, mappings),
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
