"""What `include/config/brokers/paper.yaml` may say of the account and its market; the keys of every broker are read elsewhere."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import ConfigDict, Field, field_validator

from include.settings import parse
from include.simulation.costs import Costs
from include.simulation.engine import Engine

SOURCE = "brokers/paper.yaml"


class PaperConfig(Costs):
    """Money of a new paper account, and how the market treats its orders. Slippage and commission: see `Costs`.

    Attributes:
        base_currency: Of the account; purchases in other currencies are paid from it.
        starting_cash: Currency -> amount; None: 1,000,000 of the base currency.
        half_spread_bp: Where the mirror quotes a last price only.
        volume_per_quote: Units that can be traded at one quote, more only at the next; None: any number.
        daily_volume: Units of a contract traded in a day, as `impact_bp` takes it; None: no impact.
        latency_seconds: How long an order is on its way to the market.
        seed: Decides the random part of the slippage of a new account.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    half_spread_bp: Decimal = Field(Decimal(0), ge=0, lt=10000)
    base_currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    starting_cash: dict[str, Decimal] | None = None
    volume_per_quote: Decimal | None = Field(None, gt=0)
    daily_volume: Decimal | None = Field(None, gt=0)
    latency_seconds: float = Field(0.0, ge=0, le=3600, allow_inf_nan=False)
    seed: int = 0

    @field_validator("starting_cash")
    @classmethod
    def _cash_is_not_owed(cls, cash: dict[str, Decimal] | None) -> dict[str, Decimal] | None:
        for currency, amount in (cash or {}).items():
            if not amount.is_finite() or amount < 0:
                raise ValueError(f"expected an amount of {currency} that is not negative")
        return cash

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "PaperConfig":
        """The broker's YAML as a model.

        Raises:
            InputError: A value does not fit; it names the file, the key and what was expected.
        """
        return parse(cls, dict(config), SOURCE, None)

    @property
    def costs(self) -> Costs:
        """Costs of every fill, today's configuration also for an account opened under another."""
        return Costs(**{name: getattr(self, name) for name in Costs.model_fields})

    @property
    def latency(self) -> timedelta:
        """How long an order is on its way."""
        return timedelta(seconds=self.latency_seconds)

    def new_engine(self) -> Engine:
        """An account that has not traded yet."""
        cash = self.starting_cash if self.starting_cash is not None else {self.base_currency: Decimal(1_000_000)}
        return Engine(cash, self.costs, self.seed, settle_in=self.base_currency, latency=self.latency)
