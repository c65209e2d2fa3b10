"""The form of a run started by hand: DAG params with JSON schema. Empty means what the settings say."""

from airflow.sdk import Param

LISTED = ["null", "string"]
# What the form shows for each choice; Airflow looks the empty one up as "null".
METHODS = {
    "null": "as configured",
    "max_sharpe": "largest Sharpe ratio",
    "risk_parity": "equal risk",
    "min_variance": "least variance",
    "equal": "equal weights",
}
LOW_COVERAGE = {"null": "as configured", "approve": "ask for approval", "block": "stop", "allow": "go on"}

PARAMS: dict[str, Param] = {
    "as_of": Param(
        None,
        type=LISTED,
        format="date",
        title="Session",
        description="Session to plan for (default: the last one closed). Anything but the newest is planned, never traded.",
    ),
    "execution_mode": Param(
        "paper",
        type="string",
        enum=["plan", "paper", "live"],
        title="Mode",
        description="plan stops at orders.json; paper sends to sandbox and paper accounts only; live is refused for now.",
    ),
    "screens": Param(
        None,
        type=LISTED,
        title="Screens",
        description="Folder of exports, an old universe.json, or 'synthetic'.",
    ),
    "method": Param(
        None,
        type=LISTED,
        enum=[None, *list(METHODS)[1:]],
        values_display=METHODS,
        title="Weights of screens",
        description="How much each screen gets, from its backtest.",
    ),
    "portfolios": Param(
        None,
        type=["null", "array"],
        items={"type": "string"},
        title="Portfolios",
        description="Ids of portfolios, one per line (default: all that are configured).",
    ),
    "on_low_coverage": Param(
        None,
        type=LISTED,
        enum=[None, *list(LOW_COVERAGE)[1:]],
        values_display=LOW_COVERAGE,
        title="When coverage is low",
        description="Below the approval threshold: ask a person, stop, or go on. Below the lower one a run always fails.",
    ),
    "first_funding": Param(
        False,
        type="boolean",
        title="First funding",
        description="Waives the turnover limit: for the first run of an empty account.",
    ),
    "replan": Param(
        False,
        type="boolean",
        title="Plan again",
        description="Make a new plan for a session that has one already. Every earlier order must be final.",
    ),
}
