"""The eleven steps in one process, in the DAG's order and with its rules: one in trouble is set aside, the rest goes on."""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any

from include.brokers.base import Broker
from include.brokers.opening import reading_account
from include.brokers.registry import declared_capabilities
from include.cli.wiring import account_of, open_account, opener
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.errors import BrokerUnavailable, NotPermitted, PolybrokerError, Unsupported
from include.settings import Settings
from include.steps.add_history import add_history
from include.steps.broker_health import run_health
from include.steps.build_universe import build_universe
from include.steps.check_coverage import check_coverage
from include.steps.check_risk import check_risk
from include.steps.convert_currency import convert_currency
from include.steps.discovered import narrowed, run_discovered
from include.steps.fetch_accounts import fetch_accounts
from include.steps.fetch_screens import fetch_screens
from include.steps.identities import open_identities
from include.steps.match_instruments import match_instruments
from include.steps.merge_mappings import merge_mappings
from include.steps.needs_approval import approval_reasons
from include.steps.optimize_screens import optimize_screens
from include.steps.plan_orders import plan_orders
from include.steps.reconcile_orders import reconcile_orders
from include.steps.refresh_contracts import contracts_turn, refresh_contracts
from include.steps.report_run import report_run
from include.steps.set_targets import set_targets
from include.steps.size_positions import size_positions
from include.steps.submit_orders import submit_orders
from include.steps.wanted import wanted_by_run
from include.storage.approvals import ApprovalStore
from include.storage.artifacts import read_bytes, sha256
from include.storage.contract_lists import ContractLists
from include.storage.database import Database
from include.storage.run_folder import RunFolder
from include.storage.snapshots import SnapshotStore

Say = Callable[[str], None]


class Pipeline:
    """One run on the command line.

    Args:
        run: Resolved already.
        settings: Settings of this process.
        database: Open.
        say: Told each step as it begins, and each trouble as it is set aside.
    """

    def __init__(self, run: Run, settings: Settings, database: Database, say: Say) -> None:
        self._run = run
        self._settings = settings
        self._database = database
        self._say = say
        self._troubles: list[PolybrokerError] = []

    def go(self, *, approve: bool = False) -> None:
        """All steps; the report is written whatever happens.

        Args:
            approve: The user said on the command line that orders may be sent although a person must be asked.

        Raises:
            PolybrokerError: A step failed, or, at the end, the first trouble that was set aside.
        """
        try:
            self.targets()
            self._mapping()
            if self._plan():
                self._trade(approve)
        finally:
            report_run(self._run, self._settings.environ.data_uri)
        if self._troubles:
            raise self._troubles[0]

    def targets(self) -> None:
        """Steps 1 to 7."""
        self._say("1-3 screens, universe, history")
        for screen in self._run.screens:
            fetch_screens(self._run, screen.key)
        with open_identities(self._run, self._settings, lambda: nullcontext(self._database)) as enrich:
            build_universe(self._run, enrich)
        add_history(self._run)
        self._say("4-7 weights, currencies, targets, accounts, sizes")
        optimize_screens(self._run)
        with ExitStack() as stack:
            convert_currency(self._run, self._currency_broker(stack))
        set_targets(self._run)
        snapshots = SnapshotStore(self._database)
        for account_id in self._run.account_ids:
            self._apart(account_id, partial(self._fetch, account_id, snapshots))
        size_positions(self._run, snapshots, self._settings.markets)

    def _mapping(self) -> None:
        wanted = wanted_by_run(self._run, self._database, self._settings)
        lists = ContractLists(self._settings.environ.data_uri)
        delivered = []
        for name in self._run.brokers:
            self._say(f"8 {name}: contracts and matching of {len(wanted)} instruments")
            try:
                reader = reading_account(name, self._run.portfolios)
                turn = contracts_turn(name, self._settings, self._database, self._run.run_id)
                with turn, open_account(reader, self._settings, self._database, connects_when_asked=True) as broker:
                    refresh_contracts(self._run, name, broker, wanted, lists)
                delivered.append(match_instruments(self._run, name, wanted, self._settings, self._database))
            except PolybrokerError as error:
                self._set_aside(name, error)
        if not delivered:
            last = self._troubles[-1]
            if not isinstance(last, BrokerUnavailable):  # wrong keys, a locked database: a venue would not help
                raise last
            raise BrokerUnavailable("no broker delivered contracts; is the sandbox up? (polybroker sandbox up, or run --sandbox)")
        declared = declared_capabilities(self._settings.brokers, self._run.brokers)
        capabilities = narrowed(declared, self._run, run_discovered(self._run, self._database))
        measured = run_health(self._run, self._database)
        merge_mappings(self._run, delivered, self._settings, capabilities, measured, self._database)
        check_coverage(self._run, self._settings)

    def _plan(self) -> bool:
        self._say("9 orders and limits")
        plan_orders(self._run, opener(self._run, self._settings, self._database), self._database, self._settings, _now())
        check_risk(self._run, kill_switch=self._settings.environ.kill_switch.exists())
        return self._run.mode is not ExecutionMode.PLAN

    def _trade(self, approve: bool) -> None:
        reasons = approval_reasons(self._run)
        if reasons and not approve:
            raise NotPermitted(f"a person must approve these orders (--approve, or the web UI): {'; '.join(reasons)}")
        if reasons:
            digest = sha256(read_bytes(RunFolder(self._run.folder).orders))
            ApprovalStore(self._database).record(self._run.run_id, digest, "Approve", "command line", _now(), reasons)
        self._say("10 sending")
        for account_id in self._run.account_ids:
            self._apart(account_id, partial(self._submit, account_id, bool(reasons)), for_orders=True)
        self._say("11 following and reconciling")
        reconcile_orders(self._run, opener(self._run, self._settings, self._database), self._database)

    def _fetch(self, account_id: str, snapshots: SnapshotStore, broker: Broker) -> str:
        return fetch_accounts(self._run, account_id, broker, snapshots)

    def _submit(self, account_id: str, approval_needed: bool, broker: Broker) -> dict[str, Any]:
        return submit_orders(
            self._run,
            account_id,
            broker,
            self._database,
            approval_needed=approval_needed,
            kill_switch=self._settings.environ.kill_switch.exists,
            now=_now,
        )

    def _apart(self, account_id: str, work: Callable[[Broker], object], *, for_orders: bool = False) -> None:
        """One account's work; its trouble stays its own until the end."""
        account = account_of(self._run.portfolios, account_id)
        try:
            with open_account(account, self._settings, self._database, for_orders=for_orders) as broker:
                work(broker)
        except PolybrokerError as error:
            self._set_aside(account_id, error)

    def _set_aside(self, name: str, error: PolybrokerError) -> None:
        self._troubles.append(error)
        self._say(f"  {name}: {type(error).__name__}: {error}")

    def _currency_broker(self, stack: ExitStack) -> Broker | None:
        """The first broker of the run that answers and quotes currencies; None: ECB rates are used."""
        for name in self._run.brokers:
            reader = reading_account(name, self._run.portfolios)
            try:
                broker = stack.enter_context(open_account(reader, self._settings, self._database))
                broker.fx_quotes("EUR", ["USD"])
            except (Unsupported, PolybrokerError):
                continue
            return broker
        return None


def _now() -> datetime:
    return datetime.now(UTC)
