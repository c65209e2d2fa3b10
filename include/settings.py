"""Typed settings: `include/config/*.yaml`, overridden by `POLYBROKER_*` variables of the environment.

`load_settings()` reads and checks it; a fault is an `InputError` that names the file, the key and what was expected.
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from include.domain.market import Market
from include.domain.portfolio import Portfolio
from include.errors import InputError

PROJECT = Path(__file__).resolve().parent.parent


T = TypeVar("T", bound=BaseModel)


class Options(BaseModel):
    """What a run may be told; the defaults are in `polybroker.yaml`, a DAG param of the same name wins.

    Percentages are 0 to 100, ages in days, durations in the unit of their name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_calendar: str = "XNYS"
    screens: str = "synthetic"
    method: Literal["max_sharpe", "risk_parity", "min_variance", "equal"] = "max_sharpe"
    risk_free_rate_pct: float = 2.0
    top_n: int = Field(30, ge=1)
    first_weight_pct: float = Field(10.0, gt=0)
    last_weight_pct: float = Field(1.0, gt=0)
    max_screen_age_days: int = Field(7, ge=0)
    max_rate_age_days: int = Field(7, ge=0)
    max_rejected_pct: float = 5.0
    max_membership_change_pct: float = 20.0
    coverage_fail_pct: float = 70.0
    coverage_approval_pct: float = 85.0
    multi_broker_warning_pct: float = 60.0
    on_low_coverage: Literal["approve", "block", "allow"] = "approve"
    contracts_max_age_hours: float = 24.0
    lookup_ttl_hours: float = 24.0 * 7
    approval_timeout_minutes: int = Field(600, ge=1)
    reconcile_timeout_seconds: float = 600.0
    reconcile_poll_seconds: float = 2.0
    write_legacy: bool = True
    first_funding: bool = False
    replan: bool = False
    synthetic_seed: int = 20260101


class Preference(BaseModel):
    """One rule of `preferences.yaml`: the first whose classes and regions fit decides the order of brokers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asset_classes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    brokers: tuple[str, ...]


class Eligibility(BaseModel):
    """What a broker could trade at all (`eligible` in its YAML): empty lists mean everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: tuple[str, ...] = ()
    asset_classes: tuple[str, ...] = ()
    counts: bool = True


class Environ(BaseSettings):
    """Variables of the environment that the project reads (brokers' keys: `include/brokers/credentials.py`)."""

    model_config = SettingsConfigDict(env_prefix="POLYBROKER_", extra="ignore")

    config_dir: Path = PROJECT / "include" / "config"
    data_uri: str = (PROJECT / "data").as_uri()
    database_url: str = f"sqlite:///{PROJECT / 'data' / 'polybroker.db'}"
    sandbox_dir: Path = PROJECT / "data" / "sandbox"
    profile: str | None = None
    screens: str | None = None
    active_brokers: str | None = Field(None, validation_alias="ACTIVE_BROKERS")
    kill_switch: Path = PROJECT / "data" / "KILL_SWITCH"


class Settings:
    """All settings of one process.

    Attributes:
        environ: Paths, URIs and switches from the environment.
        options: Defaults of a run's options, with the profile applied.
    """

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        document = _read_yaml(environ.config_dir / "polybroker.yaml")
        values = dict(document.get("options", {}))
        if environ.profile:
            profiles = document.get("profiles", {})
            if environ.profile not in profiles:
                raise InputError(
                    f"expected one of {', '.join(sorted(profiles)) or 'the profiles in polybroker.yaml'}",
                    source="POLYBROKER_PROFILE",
                    value=environ.profile,
                )
            values |= profiles[environ.profile] or {}
        if environ.screens:
            values["screens"] = environ.screens
        self.options = parse(Options, values, environ.config_dir / "polybroker.yaml", "options")
        self._document = document

    @cached_property
    def markets(self) -> dict[str, Market]:
        """Markets by id (`XTKS`, `US`)."""
        path = self.environ.config_dir / "markets.yaml"
        return {name: parse(Market, {"market": name, **row}, path, name) for name, row in _read_yaml(path).items()}

    @cached_property
    def brokers(self) -> dict[str, dict[str, Any]]:
        """Broker name to the content of its YAML."""
        folder = self.environ.config_dir / "brokers"
        return {path.stem: _read_yaml(path) for path in sorted(folder.glob("*.yaml"))}

    @cached_property
    def eligibility(self) -> dict[str, Eligibility]:
        """Broker name to what it could trade at all."""
        folder = self.environ.config_dir / "brokers"
        return {n: parse(Eligibility, c.get("eligible", {}), folder / f"{n}.yaml", "eligible") for n, c in self.brokers.items()}

    @cached_property
    def portfolios(self) -> tuple[Portfolio, ...]:
        """All configured portfolios, sorted by id. A portfolio whose accounts mix environments is an `InputError`."""
        folder = self.environ.config_dir / "portfolios"
        found = []
        for path in sorted(folder.glob("*.yaml")):
            portfolio = parse(Portfolio, {"portfolio_id": path.stem, **_read_yaml(path)}, path, None)
            for account in portfolio.accounts:
                if account.environment != portfolio.environment:
                    raise InputError(
                        f"expected environment {portfolio.environment.value!r} like the portfolio's",
                        source=path,
                        field=f"accounts.{account.account_id}.environment",
                        value=account.environment.value,
                    )
            found.append(portfolio)
        ids = [account.account_id for portfolio in found for account in portfolio.accounts]
        for account_id in ids:
            if ids.count(account_id) > 1:
                raise InputError("expected each account once", source=folder, field="account_id", value=account_id)
        return tuple(found)

    @cached_property
    def preferences(self) -> tuple[Preference, ...]:
        """Rules that order brokers, first match decides."""
        path = self.environ.config_dir / "preferences.yaml"
        rules = _read_yaml(path).get("rules", [])
        return tuple(parse(Preference, rule, path, f"rules.{number}") for number, rule in enumerate(rules))

    @cached_property
    def active_brokers(self) -> tuple[str, ...]:
        """Names from `ACTIVE_BROKERS` (or `polybroker.yaml`), sorted; an unknown one is an `InputError`."""
        text = self.environ.active_brokers
        names = [n.strip() for n in text.split(",")] if text is not None else list(self._document.get("active_brokers", []))
        names = [name for name in names if name]
        for name in names:
            if name not in self.brokers:
                raise InputError(f"expected brokers out of {', '.join(self.brokers)}", source="ACTIVE_BROKERS", value=name)
        if not names:
            raise InputError("expected at least one broker, e.g. ACTIVE_BROKERS=ibkr,alpaca,paper", source="ACTIVE_BROKERS")
        return tuple(sorted(set(names)))


def load_settings() -> Settings:
    """Settings of this process, read anew at each call (a changed YAML serves the next run without a restart)."""
    return Settings(Environ())


def parse(model: type[T], values: Any, source: object, prefix: str | None) -> T:
    """A pydantic model out of parsed YAML or JSON, its faults as one `InputError` that names file and key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ((prefix,) if prefix else ()) + tuple(first["loc"]))
        raise InputError(first["msg"], source=source, field=field or None, value=first.get("input")) from error


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?\}")


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace `${VAR}` and `${VAR:default}`; a variable without value and default becomes empty."""
    return _VARIABLE.sub(lambda found: environ.get(found[1]) or (found[2] or ""), text)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(expand(path.read_text(encoding="utf-8"), os.environ))
    except FileNotFoundError as error:
        raise InputError("expected this configuration file to exist", source=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"expected YAML: {' '.join(str(error).split())}", source=path) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError("expected a mapping of keys to values", source=path, value=type(document).__name__)
    return document
