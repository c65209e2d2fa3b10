"""What a run may be told, and the file that says it."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class IdentityOptions(BaseModel):
    """Where identities come from (docs/mapping.md); nothing is looked up unless it is set.

    Attributes:
        table: Path or URI of the local table (`polybroker identities build`); null: none. A relative path counts from the
            project.
        openfigi: Whether OpenFIGI is asked for FIGIs of rows without an ISIN.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str | None = Field(None, min_length=1)
    openfigi: bool = False


class Options(BaseModel):
    """What a run may be told; the defaults are in `polybroker.yaml`, a DAG param of the same name wins.

    Percentages are 0 to 100, ages in days, durations in the unit of their name.

    Attributes:
        reference_calendar: Whose closed sessions a run is for (a name of the package exchange_calendars).
        screens: `synthetic`, a folder of exports, or an old universe.json (docs/screens.md).
        method: How screens are weighted, from their backtests.
        risk_free_rate_pct: Annual.
        top_n / first_weight_pct / last_weight_pct: Rank 1 of a screen gets `first`, falling linearly to `last` at rank `top_n`.
        max_screen_age_days: A person is asked about an older export (the input gate).
        max_rate_age_days: An older exchange rate fails the run.
        max_rejected_pct / max_membership_change_pct: Beyond these a person is asked (the input gate).
        coverage_fail_pct / coverage_approval_pct: Below the first a run fails, below the second `on_low_coverage` decides.
        multi_broker_warning_pct: Below it the report warns.
        contracts_max_age_hours: Contract lists older than this are fetched again.
        mapping_price_ratio_max: An export price this many times larger or smaller than the last session's holds a mapping.
        approval_timeout_minutes: An approval nobody gave by then is a no.
        reconcile_timeout_seconds / reconcile_poll_seconds: How long, and how often, open orders are followed.
        write_legacy: Whether `universe_with_ibkr.json` is written.
        first_funding: Waives the turnover limit.
        replan: Makes a new revision of a plan that stands.
        synthetic_seed: Of the invented data.
        identity: Where rows without an ISIN get one from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reference_calendar: str = "XNYS"
    screens: str = "synthetic"
    method: Literal["max_sharpe", "risk_parity", "min_variance", "equal"] = "max_sharpe"
    risk_free_rate_pct: float = 2.0
    top_n: int = Field(30, ge=1)
    first_weight_pct: float = Field(10.0, gt=0)
    last_weight_pct: float = Field(1.0, gt=0)
    max_screen_age_days: int = Field(7, ge=0)
    max_rate_age_days: int = Field(7, ge=0)
    max_rejected_pct: float = Field(5.0, ge=0, le=100)
    max_membership_change_pct: float = Field(20.0, ge=0)
    coverage_fail_pct: float = Field(70.0, ge=0, le=100)
    coverage_approval_pct: float = Field(85.0, ge=0, le=100)
    multi_broker_warning_pct: float = Field(60.0, ge=0, le=100)
    on_low_coverage: Literal["approve", "block", "allow"] = "approve"
    contracts_max_age_hours: float = Field(24.0, ge=0)
    mapping_price_ratio_max: float = Field(3.0, gt=1)
    approval_timeout_minutes: int = Field(600, ge=1)
    reconcile_timeout_seconds: float = Field(600.0, ge=0)
    reconcile_poll_seconds: float = Field(2.0, ge=0)
    write_legacy: bool = True
    first_funding: bool = False
    replan: bool = False
    synthetic_seed: int = 20260101
    identity: IdentityOptions = IdentityOptions()

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.coverage_fail_pct > self.coverage_approval_pct:
            raise ValueError("expected coverage_fail_pct to be at most coverage_approval_pct")
        if self.last_weight_pct > self.first_weight_pct:
            raise ValueError("expected last_weight_pct to be at most first_weight_pct")
        return self


class ProjectFile(BaseModel):
    """The content of `polybroker.yaml`; a profile's options go over the common ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_brokers: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict)
