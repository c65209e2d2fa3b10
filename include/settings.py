"""Typed settings: `include/config/*.yaml`, overridden by `POLYBROKER_*` variables of the environment.

`load_settings()` reads and checks it; a fault is an `InputError` that names the file, the key and what was expected.
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from include.domain.account import Account
from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.domain.portfolio import Portfolio
from include.domain.preference import Preference, PreferencesFile
from include.domain.terms import Terms
from include.errors import InputError

PROJECT = Path(__file__).resolve().parent.parent
_FILE_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

T = TypeVar("T", bound=BaseModel)


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


class Eligibility(BaseModel):
    """What a broker could trade at all (`eligible` in its YAML): empty lists mean everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: tuple[str, ...] = ()
    asset_classes: tuple[AssetClass, ...] = ()
    counts: bool = True


class ProjectFile(BaseModel):
    """The content of `polybroker.yaml`; a profile's options go over the common ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_brokers: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict)


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
    openfigi_url: str = "https://api.openfigi.com"
    openfigi_api_key: SecretStr | None = Field(None, validation_alias="OPENFIGI_API_KEY")


class Settings:
    """All settings of one process.

    Attributes:
        environ: Paths, URIs and switches from the environment.
        options: Defaults of a run's options, with the profile applied.
    """

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        path = environ.config_dir / "polybroker.yaml"
        self._file = parse(ProjectFile, _read_yaml(path), path, None)
        values = dict(self._file.options)
        if environ.profile:
            profiles = self._file.profiles
            if environ.profile not in profiles:
                raise InputError(
                    f"expected one of {', '.join(sorted(profiles)) or 'the profiles in polybroker.yaml'}",
                    source="POLYBROKER_PROFILE",
                    value=environ.profile,
                )
            values |= profiles[environ.profile]
        if environ.screens:
            values["screens"] = environ.screens
        self.options = parse(Options, values, path, "options")

    @cached_property
    def markets(self) -> dict[str, Market]:
        """Markets by id (`XTKS`, `US`)."""
        path = self.environ.config_dir / "markets.yaml"
        found: dict[str, Market] = {}
        owners: dict[str, str] = {}
        for name, row in _read_yaml(path).items():
            market = parse(Market, {"market": name, **row} if isinstance(row, dict) else row, path, str(name))
            other = owners.setdefault(market.yahoo_suffix, market.market)
            if other != market.market:  # a ticker's suffix would name two markets
                expected = f"expected a suffix of its own, {other} has this one"
                raise InputError(expected, source=path, field=f"{name}.yahoo_suffix", value=market.yahoo_suffix)
            found[market.market] = market
        return found

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
        """All configured portfolios, sorted by id.

        Raises:
            InputError: An account in another environment than its portfolio's, at a broker without a file or an adapter, or named
                twice; two accounts that are one at the broker (each would spend the other's cash).
        """
        folder = self.environ.config_dir / "portfolios"
        found: list[Portfolio] = []
        for path in sorted(folder.glob("*.yaml")):
            portfolio = parse(Portfolio, {"portfolio_id": path.stem, **_read_yaml(path)}, path, None)
            if portfolio.portfolio_id in {other.portfolio_id for other in found}:
                raise InputError("expected each portfolio once", source=path, field="portfolio_id", value=portfolio.portfolio_id)
            _check_id(portfolio.portfolio_id, path, "portfolio_id")
            self._check_accounts(portfolio, path)
            found.append(portfolio)
        ids = [account.account_id for portfolio in found for account in portfolio.accounts]
        for account_id in ids:
            if ids.count(account_id) > 1:
                raise InputError("expected each account once", source=folder, field="account_id", value=account_id)
        self._check_logins([account for portfolio in found for account in portfolio.accounts], folder)
        return tuple(sorted(found, key=lambda portfolio: portfolio.portfolio_id))

    def _check_accounts(self, portfolio: Portfolio, path: Path) -> None:
        if not portfolio.accounts:
            raise InputError("expected at least one account", source=path, field="accounts")
        for account in portfolio.accounts:
            field = f"accounts.{account.account_id}"
            _check_id(account.account_id, path, f"{field}.account_id")
            if account.environment != portfolio.environment:
                expected = f"expected environment {portfolio.environment.value!r} like the portfolio's"
                raise InputError(expected, source=path, field=f"{field}.environment", value=account.environment.value)
            # An unknown name would look like a broker that is not active, and the account would silently be left out.
            self.check_adapter(account.broker, path, f"{field}.broker")

    @property
    def _connected(self) -> str:
        return ", ".join(name for name, config in self.brokers.items() if config.get("adapter"))

    def check_adapter(self, name: str, source: object, field: str | None = None) -> None:
        """Nothing where a broker can be connected to.

        Args:
            name: Broker name.
            source: File, variable or option that names it.
            field: Key inside `source`.

        Raises:
            InputError: No file in `brokers/` has this name, or it names no adapter.
        """
        if self.brokers.get(name, {}).get("adapter"):
            return
        connected = f"expected brokers out of {self._connected}"
        if name in self.brokers:
            connected += f"; {no_adapter(name)}"
        raise InputError(connected, source=source, field=field, value=name)

    def _check_logins(self, accounts: list[Account], folder: Path) -> None:
        known: dict[tuple[Any, ...], str] = {}
        for account in accounts:
            login = (account.environment, account.broker, account.connection, account.broker_account)
            if self.brokers[account.broker].get("credentials") and login in known:
                expected = f"expected a connection or broker_account that {known[login]} does not have: both are one account"
                raise InputError(expected, source=folder, field="account_id", value=account.account_id)
            known[login] = account.account_id

    @cached_property
    def terms(self) -> dict[str, Terms]:
        """Broker name to what its YAML declares about trading there; one that mirrors another tells that one's ids."""
        folder, names = self.environ.config_dir / "brokers", Terms.model_fields.keys()
        own = {
            name: parse(Terms, {key: value for key, value in config.items() if key in names}, folder / f"{name}.yaml", None)
            for name, config in self.brokers.items()
        }
        mirrors = {name: str(config.get("mirrors")) for name, config in self.brokers.items()}
        return {n: terms.mirroring(mirrors[n], own[mirrors[n]]) if mirrors[n] in own else terms for n, terms in own.items()}

    @cached_property
    def preferences_file(self) -> PreferencesFile:
        """How brokers are chosen: rules, criteria and the order that costs are compared for."""
        path = self.environ.config_dir / "preferences.yaml"
        file = parse(PreferencesFile, _read_yaml(path), path, None)
        regions = sorted({market.region for market in self.markets.values()})
        for number, rule in enumerate(file.rules):
            for region in rule.regions:  # a rule with a misspelt one would never fit, and another broker would trade its names
                if region not in regions:
                    expected = f"expected regions out of {', '.join(regions)}"
                    raise InputError(expected, source=path, field=f"rules.{number}.regions", value=region)
            for name in rule.names:
                if name not in self.brokers:
                    expected = f"expected brokers out of {', '.join(self.brokers)}"
                    raise InputError(expected, source=path, field=f"rules.{number}.brokers", value=name)
        return file

    @property
    def preferences(self) -> tuple[Preference, ...]:
        """Rules that order brokers, first match decides."""
        return self.preferences_file.rules

    @cached_property
    def active_brokers(self) -> tuple[str, ...]:
        """Names from `ACTIVE_BROKERS` (or `polybroker.yaml`), sorted; one unknown or without adapter is an `InputError`."""
        text = self.environ.active_brokers
        names = [n.strip() for n in text.split(",")] if text is not None else list(self._file.active_brokers)
        names = [name for name in names if name]
        for name in names:
            self.check_adapter(name, "ACTIVE_BROKERS")
        if not names:
            raise InputError(f"expected at least one broker out of {self._connected}", source="ACTIVE_BROKERS")
        return tuple(sorted(set(names)))


def _check_id(name: str, path: Path, field: str) -> None:
    if not _FILE_SAFE.fullmatch(name):  # it becomes part of file names
        raise InputError(
            "expected letters, digits, '.', '_' and '-', a letter or digit first", source=path, field=field, value=name
        )


def no_adapter(name: str) -> str:
    """What to tell somebody who wants to use a broker whose YAML names no adapter."""
    return f"{name} has no adapter yet; its list can be mapped: polybroker map --list {name}=FILE"


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
