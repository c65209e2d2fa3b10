"""`polybroker cancel-all` and `adopt`: the two things a person does to orders and positions by hand."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from include.brokers.base import Broker
from include.cli.wiring import account_of, kept_database, open_account, project_database
from include.domain import identifiers
from include.domain.account import Position
from include.domain.contract import Contract, from_row
from include.domain.instrument import Instrument
from include.errors import InputError
from include.settings import Settings, load_settings
from include.steps.plan_candidates import market_of
from include.steps.refresh_contracts import contracts_turn
from include.storage.journal import Journal, ManagedPosition

AccountId = Annotated[str, typer.Option("--account", help="Account id as in include/config/portfolios/.")]


def cancel_all(account: AccountId) -> None:
    """Cancel every order of an account that may still stand at the broker.

    Example: `polybroker cancel-all --account ibkr-main`
    """
    settings = load_settings()
    owner = account_of(settings.portfolios, account)
    with kept_database(settings) as database:
        journal = Journal(database)
        standing = journal.unresolved(owner.account_id)
        if not standing:
            typer.echo(f"{account}: the journal has no open order")
            return
        with open_account(owner, settings, database, for_orders=True) as broker:
            broker.prove_environment()
            for entry in standing:
                found = broker.find_order(entry.order.client_order_id)
                if found is not None and not found.state.is_final:
                    found = broker.cancel(entry.order.client_order_id)
                if found is not None:
                    journal.record(entry.order.client_order_id, found, datetime.now(UTC))
                state = found.state.value if found else "not found at the broker; its state stays as it is"
                typer.echo(f"{entry.order.client_order_id} {entry.order.side.value} {entry.order.ticker}: {state}")


def adopt(
    portfolio: Annotated[str, typer.Option(help="Portfolio that takes the position under management.")],
    account: AccountId,
    native_id: Annotated[str, typer.Option(help="The broker's own id, `native_id` in universe_mapped.json.")],
    ticker: Annotated[str, typer.Option(help="The ticker as screens write it, e.g. 6095.T.")],
    quantity: Annotated[str, typer.Option(help="Units to manage; 0 gives the position back.")],
    isin: Annotated[str | None, typer.Option(help="Its ISIN where the screens know it: makes it the same instrument.")] = None,
) -> None:
    """Take a position that the account already holds under management, so that the pipeline may trade it.

    Example: `polybroker adopt --portfolio main --account ibkr-main --native-id 265598 --ticker AAPL --quantity 10`
    """
    settings = load_settings()
    try:
        units = Decimal(quantity)
    except InvalidOperation as error:
        raise InputError("expected a number of units", source="--quantity", value=quantity) from error
    owner = account_of(settings.portfolios, account)
    if owner.account_id not in {a.account_id for p in settings.portfolios if p.portfolio_id == portfolio for a in p.accounts}:
        raise InputError("expected an account of that portfolio", source="--account", value=account)
    now = datetime.now(UTC)
    with project_database(settings) as database, open_account(owner, settings, database) as broker:
        held = {p.native_id: p for p in broker.snapshot(now.date().isoformat(), now).positions}
        position = held.get(native_id)
        if position is None:
            raise InputError(f"expected a position that {account} holds", source="--native-id", value=native_id)
        journal = Journal(database)
        low, high = _adoptable(journal, settings, portfolio, account, native_id, position.quantity)
        if not low <= units <= high:
            shown = f"{account} holds {position.quantity}, of which {position.quantity - high} are the portfolios' own"
            raise InputError(f"expected {low} to {high} ({shown})", source="--quantity", value=quantity)
        contract = _bare(position, owner.broker, isin)
        if units:  # giving back needs no more than the id
            with contracts_turn(owner.broker, settings, database, "polybroker adopt"):
                contract = _described(contract, ticker, broker, settings)
        pair = f"{contract.base}/{contract.currency}" if contract.base else None
        identity = identifiers.instrument_id(isin=isin, pair=pair, ticker=ticker)
        journal.adopt(ManagedPosition(portfolio, account, ticker, identity, contract, units), now, "command line")
    typer.echo(f"{portfolio} now manages {units} {position.symbol} in {account}")


def _bare(position: Position, broker_name: str, isin: str | None) -> Contract:
    """What a position tells of its contract. Raises `InputError` where that is another ISIN than the person says."""
    if isin and isin != identifiers.isin(isin):
        raise InputError("expected an ISIN with a right check digit", source="--isin", value=isin)
    if isin and position.isin and position.isin != isin:
        raise InputError(f"expected {position.isin}, which the broker tells of {position.symbol}", source="--isin", value=isin)
    return Contract(
        broker=broker_name,
        native_id=position.native_id,
        symbol=position.symbol,
        name=position.name,
        currency=position.currency,
        mic=position.mic,
        isin=isin or position.isin,
    )


def _described(bare: Contract, ticker: str, broker: Broker, settings: Settings) -> Contract:
    """The contract with what a position does not tell: pence, lots, ticks, kind.

    Raises:
        InputError: The broker finds no such contract by ISIN, symbol or name, or under another ISIN.
    """
    wanted = [
        Instrument(
            instrument_id=identifiers.instrument_id(isin=bare.isin, ticker=name),
            ticker=name,
            name=bare.name,
            isin=bare.isin,
            currency=bare.currency,
            market=market_of(bare, settings),
        )
        for name in dict.fromkeys((ticker, bare.symbol))
    ]
    rows = [row for batch in broker.contracts(wanted) for row in batch.to_pylist() if row["native_id"] == bare.native_id]
    isins = {row["isin"] for row in rows} | {bare.isin}
    if not rows or len(isins - {None}) > 1:
        raise InputError(
            f"expected {bare.broker} to know {bare.symbol} as {bare.isin or ticker}", source="--native-id", value=bare.native_id
        )
    return from_row({**rows[0], "isin": bare.isin or rows[0]["isin"]})


def _adoptable(
    journal: Journal, settings: Settings, portfolio: str, account: str, native_id: str, held: Decimal
) -> tuple[Decimal, Decimal]:
    """Least and most units to adopt, so that what is managed stays between nothing and what the account holds."""
    adopted = journal.adopted(portfolio, account, native_id)

    def managed(by: str) -> Decimal:
        mine = (p for p in journal.managed(by) if (p.account, p.contract.native_id) == (account, native_id))
        return sum((p.quantity for p in mine), Decimal(0))

    everyone = sum((managed(p.portfolio_id) for p in settings.portfolios), Decimal(0))
    return max(Decimal(0), adopted - managed(portfolio)), held - (everyone - adopted)
