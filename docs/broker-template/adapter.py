"""The broker port in this broker's calls. The adapter only translates; its SDK is imported inside functions of this folder."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from include.brokers.base import Broker, Capabilities, ResendClass
from include.domain.account import AccountSnapshot, Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import Order, OrderReport, OrderType, TimeInForce
from include.domain.quote import Quote
from include.errors import AuthenticationFailed, BrokerUnavailable, Unsupported

from .listing import NAME, contracts


class TemplateBroker(Broker):
    """One account. Credentials: `api_key`, `base_url` (the table `credentials` of the YAML names their variables)."""

    name = NAME
    capabilities = Capabilities(
        lists_all=True,
        knows_isin=True,
        resend=ResendClass.TAG_ONLY,  # the careful one, until the broker's own pages promise more
        order_types=frozenset({OrderType.LIMIT}),
        times_in_force=frozenset({TimeInForce.DAY}),
        asset_classes=frozenset({AssetClass.STOCK, AssetClass.ETF}),
    )

    def connect(self) -> None:
        """Authenticate here; refused keys are `AuthenticationFailed`, no answer is `BrokerUnavailable`."""
        if not self.context.credentials.get("api_key"):
            raise AuthenticationFailed(f"{NAME}: no api_key")

    def close(self) -> None:
        """Nothing is held open yet."""

    def prove_environment(self) -> None:
        """Ask the broker what kind of account this is, and compare. What has no proof raises."""
        if self.account.environment is not Environment.SANDBOX:
            raise AuthenticationFailed(f"{self.account.account_id}: nothing proves {self.account.environment.value}")

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """The whole list."""
        yield from contracts(self._get("/assets"), self.context.config, datetime.now(UTC).date())

    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """To be written: money and positions."""
        raise Unsupported(f"{NAME} reads no accounts yet")

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """To be written: bid and ask."""
        return {}

    def submit(self, order: Order) -> OrderReport:
        """To be written last: prove the environment first, send once, and let a time-out be `OutcomeUnknown`."""
        raise Unsupported(f"{NAME} sends no orders yet")

    def find_order(self, client_order_id: str) -> OrderReport | None:
        """To be written with `submit`: None only where the broker definitely has no such order."""
        raise Unsupported(f"{NAME} finds no orders yet")

    def cancel(self, client_order_id: str) -> OrderReport:
        """To be written with `submit`."""
        raise Unsupported(f"{NAME} cancels no orders yet")

    def _get(self, path: str) -> bytes:
        """One answer of the API; the call goes here."""
        raise BrokerUnavailable(f"{NAME} has no call yet: {path} was not asked for")
