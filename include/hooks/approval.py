"""The one approval of a run: what a person sees before orders are sent, and the record that sending demands."""

import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from include.hooks.errors import translated
from include.hooks.job import job, utc_now

if TYPE_CHECKING:
    from include.domain.market import Market

ASKED = "asked_sha256"
WORST = 10


class ApproveOrders(ApprovalOperator):
    """Asks whether exactly these orders may be sent.

    It shows coverage, the heaviest missing names, the number of orders and the sha256 of `orders.json`. The answer is written
    into the project's own database: `submit_orders` looks there, so that marking this task as a success sends nothing. No answer
    in time, or Reject, fails the task and with it the run.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("doc_md", self.__doc__)
        super().__init__(subject="May these orders be sent?", body="", defaults="Reject", fail_on_reject=True, **kwargs)

    def execute(self, context: Context) -> Any:
        """Put the question and wait, until the first market opens, for at most `approval_timeout_minutes`."""
        self.subject, self.body, asked, minutes = translated(question)()
        self.response_timeout = timedelta(minutes=minutes)
        context["ti"].xcom_push(key=ASKED, value=asked)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Record the answer, then let Airflow act on it."""
        asked = context["ti"].xcom_pull(task_ids=self.task_id, key=ASKED)
        translated(record)(asked, event)
        return super().execute_complete(context, event)


def question() -> tuple[str, str, str, int]:
    """Subject, body (Markdown), sha256 of `orders.json`, and minutes to wait."""
    from include.steps.needs_approval import approval_reasons, sendable_orders
    from include.storage.artifacts import read_bytes, read_json, sha256
    from include.storage.run_folder import RunFolder

    now = job()
    run = now.run
    folder = RunFolder(run.folder)
    coverage = read_json(folder.coverage)
    digest = sha256(read_bytes(folder.orders))
    orders = sendable_orders(run)
    timeout = int(run.options["approval_timeout_minutes"])
    lines = [
        f"**{orders} orders** for {run.as_of.isoformat()} wait for you. Why you are asked:",
        "",
        *(f"- {reason}" for reason in approval_reasons(run)),
        "",
        f"Coverage: {coverage['by_count_pct']} % by count, {coverage['by_weight_pct']} % by target weight.",
        "",
        "Heaviest names that were not found:",
        "",
        *(_missing(row) for row in heaviest(coverage["missing"])),
        "",
        f"orders.json: `{folder.orders}`, sha256 `{digest}`",
    ]
    return (
        f"Send {orders} orders for {run.as_of.isoformat()}?",
        "\n".join(lines),
        digest,
        minutes_to_answer(_planned(read_json(folder.orders)), now.settings.markets, utc_now(), timeout),
    )


def minutes_to_answer(orders: Iterable[Mapping[str, Any]], markets: Mapping[str, "Market"], now: datetime, at_most: int) -> int:
    """Minutes until the first market of these orders opens, at least 1 and at most `at_most`; markets open already do not count.

    Args:
        orders: Of `orders.json`; `mic` (or market id) and `valid_until`, the close of the session each is meant for.
        markets: By id; their `calendar` is a name of exchange_calendars.
        now: Aware UTC.
        at_most: The run's `approval_timeout_minutes`.
    """
    ends = {(order["mic"], datetime.fromisoformat(order["valid_until"])) for order in orders}
    calendars = {(market.calendar, end) for name, market in markets.items() for mic, end in ends if mic in (name, *market.mics)}
    opens = [opened for calendar, end in calendars if (opened := _opening(calendar, end)) > now]
    return max(1, min([at_most, *(int((opened - now).total_seconds()) // 60 for opened in opens)]))


def _opening(calendar: str, end: datetime) -> datetime:
    """When the session that closes at `end` opens."""
    import exchange_calendars
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas announces changes that exchange_calendars has not followed
        found = exchange_calendars.get_calendar(calendar, start=f"{end.year - 1}-12-01")
        opened: datetime = found.previous_open(pd.Timestamp(end)).to_pydatetime()
    return opened


def _planned(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [order for plan in document["portfolios"].values() for order in plan["orders"]]


def heaviest(missing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The missing names with the largest target weights, at most ten; ties by ticker."""
    return sorted(missing, key=lambda row: (-float(row["weight"] or 0), row["ticker"]))[:WORST]


def _missing(row: dict[str, Any]) -> str:
    reasons = ", ".join(f"{broker}: {reason}" for broker, reason in sorted(row["reasons"].items()))
    return f"- {row['ticker']} {row['name']} ({float(row['weight'] or 0):.2%}): {reasons}"


def record(asked: str, event: dict[str, Any]) -> None:
    """Write who answered what about which bytes. Orders that changed since the question fail the task."""
    from include.steps.needs_approval import approval_reasons
    from include.storage.approvals import ApprovalStore
    from include.storage.artifacts import read_bytes, sha256
    from include.storage.run_folder import RunFolder

    if "error" in event:
        return
    now = job()
    with now.database() as database:
        if sha256(read_bytes(RunFolder(now.run.folder).orders)) != asked:
            raise AirflowFailException("orders.json changed after the question was put: clear this task to ask again")
        user = event.get("responded_by_user") or {}
        who = "timeout" if event.get("timedout") else str(user.get("name") or user.get("id") or "unknown")
        decision, moment = event["chosen_options"][0], event["responded_at"]
        ApprovalStore(database).record(now.run.run_id, asked, decision, who, moment, approval_reasons(now.run))
