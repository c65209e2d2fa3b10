"""What `include/config/brokers/paper.yaml` may say."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from include.settings import parse
from include.simulation.costs import Costs
from include.simulation.engine import Engine

SOURCE = "brokers/paper.yaml"


class PaperConfig(BaseModel):
    """Money and costs of a new paper account.

    Attributes:
        base_currency: Of the account; purchases in other currencies are paid from it.
        starting_cash: Currency -> amount; None: 1,000,000 of the base currency.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    base_currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    starting_cash: dict[str, Decimal] | None = None
    slippage_bp: Decimal = Field(Decimal(0), ge=0)
    half_spread_bp: Decimal = Field(Decimal(0), ge=0, lt=10000)
    commission_bp: Decimal = Field(Decimal(0), ge=0)
    commission_minimum: Decimal = Field(Decimal(0), ge=0)
    seed: int = 0

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "PaperConfig":
        """The broker's YAML as a model.

        Raises:
            InputError: A value does not fit.
        """
        return parse(cls, dict(config), SOURCE, None)

    @property
    def costs(self) -> Costs:
        """Costs of every fill, today's configuration also for an account opened under another."""
        return Costs(
            half_spread_bp=self.half_spread_bp,
            slippage_bp=self.slippage_bp,
            commission_bp=self.commission_bp,
            commission_minimum=self.commission_minimum,
        )

    def new_engine(self) -> Engine:
        """An account that has not traded yet."""
        cash = self.starting_cash if self.starting_cash is not None else {self.base_currency: Decimal(1_000_000)}
        return Engine(cash, self.costs, self.seed, settle_in=self.base_currency)
