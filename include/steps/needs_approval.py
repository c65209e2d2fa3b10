"""Step 9c: does a person have to say yes before anything is sent? One approval for every reason there may be."""

from include.domain.account import Environment
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.storage.artifacts import exists, read_json
from include.storage.run_folder import RunFolder


def approval_reasons(run: Run) -> list[str]:
    """Why this run wants an approval; empty when it may go on by itself, when it only plans, or when nothing would be sent.

    Reasons: coverage between its two thresholds, the input gate, a live account.
    """
    folder = RunFolder(run.folder)
    if run.mode is ExecutionMode.PLAN or not sendable_orders(run):
        return []
    coverage = read_json(folder.coverage)
    reasons = list(coverage["reasons"]) if coverage["decision"] == "approval" else []
    if exists(folder.input_gate):
        reasons += read_json(folder.input_gate)["reasons"]
    reasons += [f"portfolio {p.portfolio_id} is live" for p in run.portfolios if p.environment is Environment.LIVE]
    return reasons


def sendable_orders(run: Run) -> int:
    """How many planned orders no limit has stopped."""
    folder = RunFolder(run.folder)
    risk = read_json(folder.risk)
    return sum(
        order["client_order_id"] not in risk["blocked"]
        for portfolio, plan in read_json(folder.orders)["portfolios"].items()
        if portfolio not in risk["portfolios"]
        for order in plan["orders"]
    )
