"""A run for the steps of step 8, with brokers in memory that count how often they are asked."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.brokers.base import Broker, BrokerContext, Capabilities, ResendClass
from include.domain.account import Account, AccountSnapshot, Environment
from include.domain.contract import Contract, to_table
from include.domain.instrument import Instrument
from include.domain.order import Order, OrderReport
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.quote import Quote
from include.domain.run import Run
from include.errors import Unsupported
from include.settings import Options

AFTER_CLOSE = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)


def make_run(root: Path, run_id: str = "manual__1", **changes: Any) -> Run:
    account = Account(account_id="ibkr-main", broker="ibkr", environment=Environment.SANDBOX)
    values: dict[str, Any] = {
        "run_id": run_id,
        "folder": f"{root.as_uri()}/runs/2026-11-20/{run_id}",
        "as_of": date(2026, 11, 20),
        "run_after": AFTER_CLOSE,
        "mode": ExecutionMode.PLAN,
        "is_backfill": False,
        "is_newest": True,
        "brokers": ("alpaca", "ibkr", "paper"),
        "portfolios": (Portfolio(portfolio_id="main", environment=Environment.SANDBOX, accounts=(account,)),),
        "screens": (),
        "config_sha256": "0" * 64,
        "options": Options().model_dump(mode="json"),
    }
    return Run.model_validate({**values, **changes})


class ListingBroker(Broker):
    """Reads only. Everything in `listed` is its list; one without `lists_all` answers for the wanted tickers' symbols."""

    def __init__(
        self, listed: Sequence[Contract], *, name: str = "alpaca", lists_all: bool = True, knows_isin: bool = False
    ) -> None:
        super().__init__(Account(account_id="a", broker=name, environment=Environment.SANDBOX), BrokerContext())
        self.name = name
        self.capabilities = Capabilities(
            lists_all=lists_all,
            knows_isin=knows_isin,
            resend=ResendClass.TAG_ONLY,
            order_types=frozenset(),
            times_in_force=frozenset(),
            asset_classes=frozenset({"stock"}),
        )
        self.listed = list(listed)
        self.asked = 0

    def connect(self) -> None:
        """Always there."""

    def close(self) -> None:
        """Nothing to close."""

    def prove_environment(self) -> None:
        raise Unsupported("reads only")

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        self.asked += 1
        symbols = {instrument.ticker.partition(".")[0] for instrument in wanted}
        answer = self.listed if self.capabilities.lists_all else [c for c in self.listed if c.symbol in symbols]
        for one in answer:
            yield from to_table([one]).to_batches()

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        raise Unsupported("reads only")

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        return {}

    def submit(self, order: Order) -> OrderReport:
        raise Unsupported("reads only")

    def find_order(self, client_order_id: str) -> OrderReport | None:
        return None

    def cancel(self, client_order_id: str) -> OrderReport:
        raise Unsupported("reads only")
