"""Step 9: the orders that take every portfolio of the run from what it holds to what it wants."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from include.brokers.base import Broker
from include.domain.account import AccountSnapshot
from include.domain.order import Order, OrderState
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.quote import Quote
from include.domain.run import Run
from include.errors import BrokerUnavailable, InputError, NotPermitted, PolybrokerError
from include.settings import Settings
from include.steps.broker_limits import broker_limits, snapshots_of
from include.steps.discovered import run_discovered
from include.steps.plan_candidates import candidates, committed_by, frozen_by, rates_to
from include.steps.settle_orders import settle_orders
from include.storage.artifacts import read_json, to_json, write_json
from include.storage.database import Database
from include.storage.journal import Journal, JournalEntry
from include.storage.leases import Lease, lease
from include.storage.order_states import OPEN
from include.storage.run_folder import RunFolder
from include.trading.plan import build_plan, wanted_quotes
from include.trading.plan_input import PlanInput
from include.trading.validity import valid_until_by_market

Opener = Callable[[str], AbstractContextManager[Broker]]
LEASE_SECONDS = 300.0  # settling and quotes of one portfolio take less; a crashed planner is followed after this long


def plan_orders(run: Run, open_reader: Opener, database: Database, settings: Settings, now: datetime) -> str:
    """Write `orders.json` with the plan of every portfolio; returns its URI.

    A plan is stored once per (portfolio, as_of, revision): clearing this task, or another run for the same session, returns it
    byte for byte. `replan` makes the next revision when nothing of the earlier ones can change any more.

    Args:
        run: The run.
        open_reader: Opens the broker of an account for reading.
        database: Holds plans and the journal.
        settings: Markets, preferences and brokers' YAML.
        now: Aware UTC; what counts as past its validity when open orders are settled.

    Raises:
        NotPermitted: `replan` was asked for while an earlier order may still change.
        InputError: A portfolio's journal is of another environment.
        Transient: Somebody else sends for one of the accounts now.
    """
    desk = _Desk(run, open_reader, database, settings, now)
    planned = {}
    for portfolio in run.portfolios:
        with ExitStack() as stack:  # nobody may send for these accounts between settling and the stored plan
            holder = f"{run.run_id} plan_orders"
            leases = [
                stack.enter_context(lease(database, f"orders:{account.account_id}", holder, LEASE_SECONDS, LEASE_SECONDS))
                for account in portfolio.accounts
            ]
            planned[portfolio.portfolio_id] = desk.plan(portfolio, leases)
    folder = RunFolder(run.folder)
    return write_json(folder.orders, {"as_of": run.as_of.isoformat(), "portfolios": planned})


def plan_key(run: Run, portfolio_id: str) -> str:
    """The name a plan is stored under, and its orders carry.

    Only a run that may send makes the plan of a session. What a backfill plans, or a run in mode `plan` (with other screens,
    perhaps, to see what would happen), never stands in for it, and its orders are nobody's to send.
    """
    if run.is_backfill:
        return f"backfill:{portfolio_id}"
    return f"plan:{run.run_id}:{portfolio_id}" if run.mode is ExecutionMode.PLAN else portfolio_id


class _Desk:
    """What planning every portfolio of a run shares."""

    def __init__(self, run: Run, open_reader: Opener, database: Database, settings: Settings, now: datetime) -> None:
        self._run = run
        self._open_reader = open_reader
        self._database = database
        self._journal = Journal(database)
        self._settings = settings
        self._now = now

    def plan(self, portfolio: Portfolio, leases: Sequence[Lease]) -> dict[str, Any]:
        """The stored plan of the session, made first where there is none; `leases` are those of the portfolio's accounts."""
        run, journal = self._run, self._journal
        key, session = plan_key(run, portfolio.portfolio_id), run.as_of.isoformat()
        known = journal.environment(portfolio.portfolio_id)
        if known not in (None, portfolio.environment.value):
            raise InputError(
                f"expected environment {known!r}, in which this portfolio has traded; a portfolio never mixes environments: "
                "give the file another name for a new portfolio",
                source=f"portfolios/{portfolio.portfolio_id}.yaml",
                field="environment",
                value=portfolio.environment.value,
            )
        stored = journal.plan(key, session)
        revision = 1
        if stored is not None:
            revision, body = stored
            entry: dict[str, Any] = json.loads(body)
            if entry["run_id"] == run.run_id or not run.options.get("replan"):
                self._register(entry)
                return entry
            revision += 1
        snapshots = snapshots_of(run, portfolio)
        accounts = [account.account_id for account in portfolio.accounts]
        unsettled = settle_orders(accounts, self._readable(snapshots), self._database, self._now)
        if stored is not None:
            _close_earlier(journal, key, session)
        fresh = self._fresh(portfolio, key, revision, snapshots, unsettled)
        for held in leases:
            held.renew()  # planning may have taken longer than they last: whoever sent meanwhile is not in this plan
        entry = json.loads(journal.store_plan(key, session, revision, to_json(fresh)))
        self._register(entry)
        return entry

    def _register(self, entry: dict[str, Any]) -> None:
        if self._run.mode is not ExecutionMode.PLAN:
            self._journal.register([Order.model_validate(order) for order in entry["orders"]])

    def _fresh(
        self, portfolio: Portfolio, key: str, revision: int, snapshots: dict[str, AccountSnapshot], unsettled: dict[str, str]
    ) -> dict[str, Any]:
        run, journal, settings = self._run, self._journal, self._settings
        folder = RunFolder(run.folder)
        sizes = read_json(folder.sizes(portfolio.portfolio_id))
        wanted = candidates(run, portfolio, sizes, journal.managed(portfolio.portfolio_id), settings)
        market_by_mic = {mic: market.market for market in settings.markets.values() for mic in market.mics}
        trading_on = {c.market for c in wanted} | {market_by_mic[mic] for c in wanted for mic in c.mics if mic in market_by_mic}
        # Also those of accounts that this run leaves out: what stands there must not be bought elsewhere.
        standing = journal.orders(portfolio=portfolio.portfolio_id, states=OPEN)
        draft = PlanInput(
            portfolio=portfolio.model_copy(update={"portfolio_id": key}),
            as_of=run.as_of,
            revision=revision,
            nav=Decimal(str(sizes["nav"])),
            rates=rates_to(portfolio.base_currency, read_json(folder.universe)["metadata"]["exchange_rates"]),
            candidates=wanted,
            snapshots=snapshots,
            quotes={},
            frozen=frozen_by(standing, wanted),
            valid_until=valid_until_by_market(settings.markets, trading_on, run.run_after),
            market_by_mic=market_by_mic,
            converting=frozenset(a.account_id for a in portfolio.accounts if settings.brokers[a.broker].get("converts_currency")),
            committed=committed_by(standing + _over_since(snapshots, journal), snapshots),
            broker_limits=broker_limits(run),
            barred=run_discovered(run, self._database),
            plan_only=sizes.get("plan_only_reason") if sizes.get("plan_only") else None,
        )
        quotes, problems = _quotes(draft, self._open_reader)
        plan = build_plan(replace(draft, quotes=quotes))
        return {
            "run_id": run.run_id,
            "revision": revision,
            "environment": portfolio.environment.value,
            "base_currency": portfolio.base_currency,
            "nav": str(sizes["nav"]),
            "plan_only": draft.plan_only is not None,
            "plan_only_reason": draft.plan_only,
            "orders": [order.model_dump(mode="json") for order in plan.orders],
            "held": [{**vars(held), "target_weight": str(held.target_weight)} for held in plan.held],
            "unmanaged": _unmanaged(portfolio, snapshots, journal),
            "cash_left": plan.cash_left,
            "problems": [f"{name}: open orders could not be settled: {error}" for name, error in unsettled.items()] + problems,
        }

    def _readable(self, snapshots: dict[str, AccountSnapshot]) -> Opener:
        """Opens accounts, but not those that are frozen in this run: their open orders stay as they are known."""

        def opened(account_id: str) -> AbstractContextManager[Broker]:
            if account_id not in snapshots or snapshots[account_id].frozen:
                raise BrokerUnavailable("the account is frozen in this run")
            return self._open_reader(account_id)

        return opened


def _over_since(snapshots: Mapping[str, AccountSnapshot], journal: Journal) -> list[JournalEntry]:
    """Our orders that stood when the accounts were read and are over now."""
    found = [journal.entry(report.client_order_id) for snapshot in snapshots.values() for report in snapshot.open_orders]
    return [entry for entry in found if entry is not None and entry.state.is_final]


def _close_earlier(journal: Journal, key: str, session: str) -> None:
    entries = journal.orders(portfolio=key, as_of=session)
    for entry in entries:
        if entry.state is OrderState.PLANNED or entry.state.is_final:
            continue
        _refuse_replan(key, entry.order, entry.state.value)
    for entry in entries:
        if entry.state is OrderState.PLANNED and not journal.hold(entry.order.client_order_id, "superseded by a new revision"):
            _refuse_replan(key, entry.order, "being sent")


def _refuse_replan(key: str, order: Order, state: str) -> NoReturn:
    raise NotPermitted(
        f"replan: order {order.client_order_id} ({order.side.value} {order.ticker}) of {key} is still {state}; "
        "wait until it is final, or cancel it, then replan"
    )


def _quotes(draft: PlanInput, open_reader: Opener) -> tuple[dict[tuple[str, str], Quote], list[str]]:
    quotes: dict[tuple[str, str], Quote] = {}
    problems = []
    for account_id, contracts in wanted_quotes(draft).items():
        try:
            with open_reader(account_id) as broker:
                for native_id, quote in broker.quotes(contracts).items():
                    quotes[(account_id, native_id)] = quote
        except PolybrokerError as error:
            problems.append(f"{account_id}: no quotes: {error}")
    return quotes, problems


def _unmanaged(portfolio: Portfolio, snapshots: dict[str, AccountSnapshot], journal: Journal) -> list[dict[str, str]]:
    managed = {(p.account, p.contract.native_id): p.quantity for p in journal.managed(portfolio.portfolio_id)}
    rows = []
    for account_id, snapshot in sorted(snapshots.items()):
        for position in snapshot.positions:
            extra = position.quantity - managed.get((account_id, position.native_id), Decimal(0))
            if extra > 0:
                rows.append({"account": account_id, "symbol": position.symbol, "quantity": f"{extra.normalize():f}"})
    return rows
