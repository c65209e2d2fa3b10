"""What `plan_orders` hands to the planner: targets, mappings, preferences and holdings, joined per instrument."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from include.domain.account import AccountSnapshot
from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.mapping import Mapping
from include.domain.order import Side
from include.domain.portfolio import Portfolio
from include.domain.run import Run
from include.errors import InputError
from include.settings import Settings
from include.steps.mapping_difference import held_back
from include.storage.artifacts import exists, read_json
from include.storage.journal import JournalEntry, ManagedPosition
from include.storage.run_folder import RunFolder
from include.trading.candidate import Candidate, Holding

_MARKETS_BY_KIND = {AssetClass.CRYPTO: "CRYPTO", AssetClass.FX: "FX", AssetClass.METAL: "FX"}


def candidates(
    run: Run, portfolio: Portfolio, sizes: dict[str, Any], managed: Sequence[ManagedPosition], settings: Settings
) -> list[Candidate]:
    """Every instrument of a portfolio that has a target or is managed, in the order of tickers.

    Args:
        run: The run; its universe, the mappings of its brokers and the order that `merge_mappings` put them in are read.
        portfolio: Whose accounts and holdings count.
        sizes: Content of its `sizes.json`.
        managed: What the journal says it holds.
        settings: Markets.

    Raises:
        InputError: `universe_mapped.json` is missing, or is older than this universe or than `broker_order`.
    """
    folder = RunFolder(run.folder)
    stocks = read_json(folder.universe)["all_stocks"]
    chosen = read_json(folder.universe_mapped)["all_stocks"]
    mappings = _mappings(run, {account.broker for account in portfolio.accounts})
    waiting = {broker: held_back(run, broker) for broker in mappings}
    known = {(m.broker, m.contract.native_id): m.contract for table in mappings.values() for m in table.values() if m.contract}
    held: dict[str, list[ManagedPosition]] = {}
    left: dict[str, list[ManagedPosition]] = {}
    for position in managed:
        # As the broker describes it today: quotes and orders of one contract must agree on pence, lots and ticks.
        contract = known.get((position.contract.broker, position.contract.native_id), position.contract)
        row = _row_of(position, stocks, mappings)
        group = left.setdefault(position.instrument_id, []) if row is None else held.setdefault(row, [])
        group.append(replace(position, contract=contract))
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
                preference=_order(chosen, ticker, folder.universe_mapped),
                holdings=tuple(Holding(p.account, p.contract, p.quantity) for p in mine),
                mapping_held=_held_by(ticker, stock["instrument_id"], waiting),
            )
        )
    return found + _left_universe(left, waiting, settings)


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


def _order(chosen: dict[str, Any], ticker: str, source: str) -> tuple[str, ...]:
    """The brokers of a row as `merge_mappings` put them in order, those that could not be asked in their place."""
    if "broker_order" not in chosen.get(ticker, {}):
        raise InputError("expected a broker_order: run merge_mappings again", source=source, field=f"all_stocks.{ticker}")
    return tuple(chosen[ticker]["broker_order"])


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
    """The ticker whose holding a position is; None where it has left the universe.

    Its instrument decides, under whatever ticker it is listed now (symbols are given away, companies renamed). A row's ISIN may
    be known in one export and missing in the next: then it is the row that maps to the very contract, or the row of its ticker
    as long as no other contract is mapped there. Otherwise the position would be sold, and the same shares bought again. A pair's
    contract tells what it is, so that a holding from before pairs had an id of their own, or in another notation, is found by it.
    """
    contract, table = position.contract, mappings.get(position.contract.broker, {})
    ids = {position.instrument_id, f"pair:{contract.base}/{contract.currency}" if contract.base else position.instrument_id}
    same = sorted(ticker for ticker, stock in stocks.items() if stock["instrument_id"] in ids)
    if same:
        return position.ticker if position.ticker in same else same[0]
    for ticker in sorted(stocks):
        mapped = table[ticker].contract if ticker in table else None
        if mapped is not None and mapped.native_id == contract.native_id:
            return ticker
    own = stocks.get(position.ticker)
    unsure = own is not None and not (own["instrument_id"].startswith("isin:") and position.instrument_id.startswith("isin:"))
    said = table.get(position.ticker)
    return position.ticker if unsure and (said is None or said.contract is None) else None


def frozen_by(standing: Sequence[JournalEntry], wanted: Sequence[Candidate]) -> dict[str, str]:
    """Why nothing may be planned for an instrument: an order may stand for it, for its ticker, or for a contract of it.

    Returns:
        Instrument id, or `ticker:<ticker>` (an ISIN that became known or was lost gives another id), to the reason.
    """
    reasons = [(entry.order, f"order {entry.order.client_order_id} is {entry.state.value}") for entry in standing]
    frozen = {identity: reason for order, reason in reasons for identity in (order.instrument_id, f"ticker:{order.ticker}")}
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


def _held_by(ticker: str, instrument_id: str, waiting: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Broker to the reason why its mapping of one instrument waits for a person, under its ticker or its identity."""
    return {
        broker: row["reason"]
        for broker, rows in waiting.items()
        for row in rows
        if row["ticker"] == ticker or row["instrument_id"] == instrument_id
    }


def _left_universe(
    left: dict[str, list[ManagedPosition]], waiting: dict[str, list[dict[str, Any]]], settings: Settings
) -> list[Candidate]:
    found = []
    for instrument_id, positions in sorted(left.items()):
        first = positions[0]
        found.append(
            Candidate(
                ticker=first.ticker,
                instrument_id=instrument_id,
                name=first.contract.name,
                target_weight=Decimal(0),
                export_price=None,
                export_currency=first.contract.currency,
                market=market_of(first.contract, settings),
                mappings={},
                preference=(),
                holdings=tuple(Holding(p.account, p.contract, p.quantity) for p in positions),
                mapping_held=_held_by(first.ticker, instrument_id, waiting),
            )
        )
    return found


def market_of(contract: Contract, settings: Settings) -> str:
    """Market id of a contract: by its kind, its MIC, the broker's word for the exchange, else its currency's first market.

    Raises:
        InputError: None of them is known to `markets.yaml`.
    """
    by_kind = _MARKETS_BY_KIND.get(contract.asset_class)
    if by_kind in settings.markets:
        return str(by_kind)
    for name, market in settings.markets.items():
        if contract.mic and contract.mic in market.mics:
            return name
    for name, market in settings.markets.items():
        if contract.exchange and contract.exchange in market.exchange_words:
            return name
    own = [name for name, market in settings.markets.items() if contract.currency == market.currencies[0]]
    if own:  # London quotes some in euro, but nobody without a better word is meant to be in London
        return own[0]
    raise InputError(
        "expected a market of markets.yaml", source=contract.native_id, field="mic", value=contract.mic or contract.currency
    )
