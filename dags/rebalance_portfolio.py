"""## rebalance_portfolio: from stock screens to orders, once per session

**Reads** the screens (a folder of exports, an old `universe.json`, or generated ones), the brokers' contract lists, quotes and
accounts. **Writes** `data/runs/<session>/<run id>/`: `universe.json`, `universe_mapped.json`, `coverage.json` with its Data Docs,
`orders.json`, `execution_report.json`, `report.md`; the order journal in the project's database. `data/runs/latest` is the last.

**Red means:** up to `set_targets` an input is wrong, and the message names file, row and field · one index of `fetch_accounts`,
`refresh_contracts` or `match_instruments`: one broker is in trouble, the others went on · `check_coverage`: too little was found,
nothing was planned · `approve_orders`: somebody said no, or nobody answered in time · `submit_orders`: that account's orders ·
`reconcile_orders`: an account failed, or an order's outcome is unknown.

**May be run again:** every task. The plan of a session is stored once and comes back byte for byte; an order that was sent is
looked up, never sent twice. A backfill plans, and trades nothing. `report_run` always runs and never decides the run's colour.
"""

from datetime import UTC, datetime

from airflow.sdk import XComArg, dag, task_group

from include.hooks import tasks
from include.hooks.approval import ApproveOrders
from include.hooks.assets import ORDERS, UNIVERSE
from include.hooks.notifications import FileNotifier
from include.hooks.params import PARAMS
from include.hooks.step import NO_RETRY, label, step
from include.hooks.timetable import SessionTimetable

SOME_SUCCEEDED, NONE_FAILED = "all_done_min_one_success", "none_failed_min_one_success"


@dag(
    schedule=SessionTimetable("XNYS"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    doc_md=__doc__,
    tags=["polybroker"],
    on_failure_callback=FileNotifier("run.failed").notify,
)
def rebalance_portfolio() -> None:
    @task_group(prefix_group_id=False)
    def screening(screens: XComArg) -> XComArg:
        fetched = step(tasks.fetch_screens, map_index_template=label("screen")).expand(screen=screens)
        fetched >> step(tasks.build_universe)() >> (accounts := step(tasks.add_history)())
        return accounts

    @task_group(prefix_group_id=False)
    def allocation(accounts: XComArg) -> XComArg:
        targets = step(tasks.set_targets)()
        accounts >> step(tasks.optimize_screens)() >> step(tasks.convert_currency)() >> targets
        snapshots = step(tasks.fetch_accounts, map_index_template=label("account")).expand(account=accounts)
        [targets, snapshots] >> (brokers := step(tasks.size_positions, trigger_rule=SOME_SUCCEEDED)())
        return brokers

    @task_group(prefix_group_id=False)
    def mapping(brokers: XComArg) -> XComArg:
        @task_group(prefix_group_id=False)
        def map_broker(broker: str) -> XComArg:
            refreshed = step(tasks.refresh_contracts, map_index_template=label("broker"))(broker=broker)
            refreshed >> (matched := step(tasks.match_instruments, map_index_template=label("broker"))(broker=broker))
            return matched

        merge = step(tasks.merge_mappings, trigger_rule=SOME_SUCCEEDED, inlets=[UNIVERSE], outlets=[UNIVERSE])
        merge(map_broker.expand(broker=brokers)) >> (checked := step(tasks.check_coverage)())
        return checked

    @task_group(prefix_group_id=False)
    def trading(checked: XComArg) -> XComArg:
        planned = step(tasks.plan_orders, inlets=[ORDERS], outlets=[ORDERS], **NO_RETRY)()
        branch = step(tasks.needs_approval, branch=True)()
        approval = ApproveOrders(task_id="approve_orders", notifiers=[FileNotifier("approval.waiting")], **NO_RETRY)
        sending = step(tasks.submit_orders, map_index_template=label("account"), trigger_rule=NONE_FAILED, **NO_RETRY)
        sent = sending.expand(account=planned)
        checked >> planned >> step(tasks.check_risk)() >> branch >> [approval, sent]
        approval >> sent
        return step(tasks.reconcile_orders, trigger_rule=SOME_SUCCEEDED, **NO_RETRY)(sent)

    accounts = screening(step(tasks.resolve_run)())
    trading(mapping(allocation(accounts))) >> step(tasks.report_run, **NO_RETRY)().as_teardown()


rebalance_portfolio()
