"""Where each file of a run lies: the one list of names. Steps ask this class, nobody joins paths by hand."""

import re
from datetime import date


class RunFolder:
    """`<root>/runs/<as_of>/<run_id>/`, every broker and account under a prefix of its own.

    Args:
        uri: The run folder's URI, as in `Run.folder`.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")

    @classmethod
    def for_run(cls, root: str, as_of: date, run_id: str) -> "RunFolder":
        """The folder of a new run; characters a file system dislikes become `_`."""
        return cls(f"{root.rstrip('/')}/runs/{as_of.isoformat()}/{re.sub(r'[^A-Za-z0-9._+-]', '_', run_id)}")

    def path(self, name: str) -> str:
        """URI of a file inside the folder."""
        return f"{self.uri}/{name}"

    @property
    def run(self) -> str:
        """`run.json` (step 0)."""
        return self.path("run.json")

    def screen(self, key: str) -> str:
        """Rows and rejected rows of one screen (step 1)."""
        return self.path(f"screens/{key}.json")

    def stage(self, step: str) -> str:
        """The universe document as one of steps 2 to 6 left it, by task id (`build_universe` ... `set_targets`)."""
        return self.path(f"stages/{step}.json")

    @property
    def input_gate(self) -> str:
        """Reasons for which the input wants an approval (step 2)."""
        return self.path("input_gate.json")

    def identities(self, key: str) -> str:
        """The table of identities as this run read it first, by a word for where it was (step 2)."""
        return self.path(f"identities/{key}.parquet")

    @property
    def discovered(self) -> str:
        """What brokers told that the run's accounts cannot trade."""
        return self.path("discovered.json")

    @property
    def health(self) -> str:
        """Health score by broker, as measured before the run (merge_mappings)."""
        return self.path("health.json")

    def account(self, account_id: str) -> str:
        """Snapshot of one account (fetch_accounts)."""
        return self.path(f"accounts/{account_id}.json")

    def sizes(self, portfolio_id: str) -> str:
        """Value, target value and quantity per instrument of one portfolio (step 7)."""
        return self.path(f"portfolios/{portfolio_id}/sizes.json")

    @property
    def universe(self) -> str:
        """`universe.json` with everything up to step 7."""
        return self.path("universe.json")

    def contracts(self, broker: str) -> str:
        """Contracts of one broker (step 8)."""
        return self.path(f"brokers/{broker}/contracts.parquet")

    def mapping(self, broker: str) -> str:
        """What the matcher said for one broker (step 8)."""
        return self.path(f"brokers/{broker}/mapping.json")

    def mapping_changes(self, broker: str) -> str:
        """What differs from the mappings that were last seen, for one broker (step 8)."""
        return self.path(f"brokers/{broker}/changes.json")

    def list_changes(self, broker: str) -> str:
        """What differs between a broker's contract list and the one before (step 8)."""
        return self.path(f"brokers/{broker}/list_changes.json")

    @property
    def universe_mapped(self) -> str:
        """`universe_mapped.json` (merge_mappings)."""
        return self.path("universe_mapped.json")

    @property
    def universe_with_ibkr(self) -> str:
        """The legacy `universe_with_ibkr.json` (merge_mappings)."""
        return self.path("universe_with_ibkr.json")

    @property
    def coverage(self) -> str:
        """Coverage figures and the gate's decision (check_coverage)."""
        return self.path("coverage.json")

    @property
    def data_docs(self) -> str:
        """Folder of the Great Expectations Data Docs."""
        return self.path("data_docs")

    @property
    def orders(self) -> str:
        """`orders.json`: the plans of all portfolios (plan_orders)."""
        return self.path("orders.json")

    @property
    def risk(self) -> str:
        """Findings of check_risk."""
        return self.path("risk.json")

    def submission(self, account_id: str) -> str:
        """What sending did for one account (step 10)."""
        return self.path(f"accounts/{account_id}.submission.json")

    @property
    def execution_report(self) -> str:
        """`execution_report.json` (step 11)."""
        return self.path("execution_report.json")

    @property
    def report(self) -> str:
        """`report.md` (step 11)."""
        return self.path("report.md")
