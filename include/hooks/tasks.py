"""What each task of the DAG does: take the run, open what the step needs, call the step of the same name in `include/steps/`.

Every function here is the body of one task. Steps are imported when called: parsing the DAG imports none of them. A task reads
the run from `run.json` alone; its URI comes from `resolve_run` by XCom, without an edge in the graph (edges carry trigger rules).
Airflow maps over nothing but a task's return value, so the task before a mapped one returns the list, always out of `run.json`.
"""

from typing import Any

from airflow.sdk import get_current_context

from include.errors import Terminal
from include.hooks.job import job, utc_now


def resolve_run() -> list[str]:
    from include.brokers.matrix import documents
    from include.settings import load_settings
    from include.steps.record_configuration import record_configuration
    from include.steps.resolve_run import resolve_run as resolve
    from include.storage.database import open_database
    from include.storage.run_folder import RunFolder

    context = get_current_context()
    dag_run: Any = context["dag_run"]
    settings = load_settings()
    run = resolve(
        settings,
        run_id=dag_run.run_id,
        run_after=dag_run.run_after,
        is_backfill=str(getattr(dag_run.run_type, "value", dag_run.run_type)) == "backfill",
        params=dict(context["params"]),
    )
    with open_database(settings.environ.database_url) as database:
        record_configuration(run, settings, documents(settings.brokers), database, utc_now())
    context["ti"].xcom_push(key="run", value=RunFolder(run.folder).run)
    return [screen.key for screen in run.screens]


def fetch_screens(screen: str) -> str:
    from include.steps.fetch_screens import fetch_screens as fetch

    now = job()
    return fetch(now.run, screen)


def build_universe() -> str:
    from include.steps.build_universe import build_universe as build
    from include.steps.identities import open_identities

    now = job()
    with open_identities(now.run, now.settings, now.database) as enrich:
        return build(now.run, enrich)


def add_history() -> list[str]:
    from include.steps.add_history import add_history as add

    now = job()
    add(now.run)
    return now.run.account_ids


def optimize_screens() -> str:
    from include.steps.optimize_screens import optimize_screens as optimize

    now = job()
    return optimize(now.run)


def convert_currency() -> str:
    from include.hooks.brokers import currency_broker
    from include.steps.convert_currency import convert_currency as convert

    now = job()
    with now.database() as database, currency_broker(now.run, now.settings, database) as broker:
        return convert(now.run, broker)


def set_targets() -> str:
    from include.steps.set_targets import set_targets as targets

    now = job()
    return targets(now.run)


def fetch_accounts(account: str) -> str:
    from include.hooks.brokers import open_broker
    from include.steps.fetch_accounts import fetch_accounts as fetch
    from include.storage.snapshots import SnapshotStore

    now = job()
    with now.database() as database, open_broker(now.account(account), now.settings, database) as broker:
        return fetch(now.run, account, broker, SnapshotStore(database))


def size_positions() -> list[str]:
    from include.steps.size_positions import size_positions as size
    from include.storage.snapshots import SnapshotStore

    now = job()
    with now.database() as database:
        size(now.run, SnapshotStore(database), now.settings.markets)
        return list(now.run.brokers)


def refresh_contracts(broker: str) -> str:
    from include.hooks.brokers import open_reader
    from include.steps.refresh_contracts import contracts_turn
    from include.steps.refresh_contracts import refresh_contracts as refresh
    from include.steps.wanted import wanted_by_run
    from include.storage.contract_lists import ContractLists

    now = job()
    with (
        now.database() as database,
        contracts_turn(broker, now.settings, database, now.run.run_id),
        open_reader(broker, now.run, now.settings, database, connects_when_asked=True) as opened,
    ):
        wanted = wanted_by_run(now.run, database, now.settings)
        return refresh(now.run, broker, opened, wanted, ContractLists(now.environ.data_uri))


def match_instruments(broker: str) -> dict[str, Any]:
    from include.steps.match_instruments import match_instruments as match
    from include.steps.wanted import wanted_by_run

    now = job()
    with now.database() as database:
        return match(now.run, broker, wanted_by_run(now.run, database, now.settings), now.settings, database)


def merge_mappings(delivered: list[dict[str, Any]] | dict[str, Any] | None) -> str:
    from include.brokers.registry import declared_capabilities
    from include.hooks.assets import announce_universe
    from include.steps.broker_health import run_health
    from include.steps.discovered import narrowed, run_discovered
    from include.steps.merge_mappings import merge_mappings as merge

    now = job()
    with now.database() as database:
        # Airflow hands over one result of a mapped group bare, several as a list.
        results = [delivered] if isinstance(delivered, dict) else list(delivered or [])
        declared = declared_capabilities(now.settings.brokers, now.run.brokers)
        capabilities = narrowed(declared, now.run, run_discovered(now.run, database))
        uri = merge(now.run, results, now.settings, capabilities, run_health(now.run, database), database)
        announce_universe(now.run, uri)
        return uri


def check_coverage() -> dict[str, Any]:
    from include.steps.check_coverage import check_coverage as check

    now = job()
    return check(now.run, now.settings)


def plan_orders() -> list[str]:
    from include.hooks.assets import announce_orders
    from include.hooks.brokers import account_opener
    from include.steps.plan_orders import plan_orders as plan

    now = job()
    with now.database() as database:
        uri = plan(now.run, account_opener(now.run, now.settings, database), database, now.settings, utc_now())
        announce_orders(now.run, uri)
        return now.run.account_ids


def check_risk() -> str:
    from include.steps.check_risk import check_risk as check

    now = job()
    return check(now.run, kill_switch=now.environ.kill_switch.exists())


def needs_approval() -> list[str]:
    """The branch: nothing in plan mode, `approve_orders` where there is a reason to ask, else straight to `submit_orders`."""
    from include.steps.needs_approval import approval_reasons

    now = job()
    if now.run.mode.value == "plan":
        return []
    return ["approve_orders"] if approval_reasons(now.run) else ["submit_orders"]


def submit_orders(account: str) -> dict[str, Any]:
    from include.hooks.brokers import open_broker
    from include.steps.needs_approval import approval_reasons
    from include.steps.submit_orders import submit_orders as submit

    now = job()
    with (
        now.database() as database,
        open_broker(now.account(account), now.settings, database, for_orders=True) as broker,
    ):
        return submit(
            now.run,
            account,
            broker,
            database,
            approval_needed=bool(approval_reasons(now.run)),
            kill_switch=now.environ.kill_switch.exists,
            now=utc_now,
        )


def reconcile_orders(submitted: list[dict[str, Any]]) -> str:
    from include.hooks.brokers import account_opener
    from include.steps.reconcile_orders import reconcile_orders as reconcile

    now = job()
    with now.database() as database:
        uri = reconcile(now.run, account_opener(now.run, now.settings, database), database, now=utc_now)
        failed = sorted(set(now.run.account_ids) - {result["account"] for result in submitted})
        if failed:  # whatever the reason: a run with a red account is never green
            raise Terminal(f"submit_orders failed for {', '.join(failed)}")
        return uri


def report_run() -> str:
    from include.steps.report_run import report_run as report

    now = job()
    return report(now.run, now.environ.data_uri)
