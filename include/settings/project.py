"""Settings: everything that one process is set to, out of files that were read together."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from include.domain.market import Market
from include.domain.portfolio import Portfolio
from include.domain.preference import Preference, PreferencesFile
from include.domain.terms import Terms
from include.errors import InputError
from include.settings.accounts import check_distinct, check_portfolio
from include.settings.active import disabled_brokers
from include.settings.broker_file import BrokerFile, Eligibility, broker_file
from include.settings.environ import Environ
from include.settings.files import Files, version_of
from include.settings.folder import read_files
from include.settings.frozen import frozen_variables
from include.settings.options import Options, ProjectFile
from include.settings.reading import parse, read_yaml


class Settings:
    """All settings of one process.

    Args:
        environ: Paths, URIs and switches from the environment.
        files: The configuration's files; None: those of `environ.config_dir`, as they are now.
        variables: What `${VAR}` and `TRADING__<NAME>__ENABLED` are read from; None: `os.environ`.

    Attributes:
        files: Path in the configuration's folder to content, all read at once.
        options: Defaults of a run's options, with the profile applied.
    """

    def __init__(self, environ: Environ, files: Files | None = None, variables: Mapping[str, str] | None = None) -> None:
        self.environ = environ
        self.files: Files = read_files(environ.config_dir) if files is None else files
        self._variables = dict(os.environ if variables is None else variables)
        path = environ.config_dir / "polybroker.yaml"
        self._file = parse(ProjectFile, self._yaml("polybroker.yaml"), path, None)
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
    def version(self) -> str:
        """SHA-256 over all files of the configuration, as they are written: variables are not replaced in what is hashed."""
        return version_of(self.files)

    @cached_property
    def frozen(self) -> dict[str, str]:
        """What the variables in the files hold, for a run to keep; see `frozen_variables`."""
        known = {"polybroker.yaml", "markets.yaml", "preferences.yaml", *self._names("brokers"), *self._names("portfolios")}
        read = {name: content for name, content in self.files.items() if name in known}
        credentials = {variable for file in self.broker_files.values() for variable in file.credentials.values()}
        return frozen_variables(read, self._variables, credentials)

    @cached_property
    def markets(self) -> dict[str, Market]:
        """Markets by id (`XTKS`, `US`)."""
        path = self._path("markets.yaml")
        found: dict[str, Market] = {}
        owners: dict[str, str] = {}
        for name, row in self._yaml("markets.yaml").items():
            market = parse(Market, {"market": name, **row} if isinstance(row, dict) else row, path, str(name))
            other = owners.setdefault(market.yahoo_suffix, market.market)
            if other != market.market:  # a ticker's suffix would name two markets
                expected = f"expected a suffix of its own, {other} has this one"
                raise InputError(expected, source=path, field=f"{name}.yahoo_suffix", value=market.yahoo_suffix)
            found[market.market] = market
        return found

    @cached_property
    def brokers(self) -> dict[str, dict[str, Any]]:
        """Broker name to the content of its YAML, for its adapter; `broker_files` is the same, typed and checked."""
        return {Path(name).stem: self._yaml(name) for name in self._names("brokers")}

    @cached_property
    def broker_files(self) -> dict[str, BrokerFile]:
        """Broker name to its YAML.

        Raises:
            InputError: A value of another type than its key has, or a key that nobody declares.
        """
        return {name: broker_file(config, self._path(f"brokers/{name}.yaml")) for name, config in self.brokers.items()}

    @cached_property
    def eligibility(self) -> dict[str, Eligibility]:
        """Broker name to what it could trade at all."""
        return {name: file.eligible for name, file in self.broker_files.items()}

    @cached_property
    def terms(self) -> dict[str, Terms]:
        """Broker name to what its YAML declares about trading there; one that mirrors another tells that one's ids."""
        own = {name: file.terms for name, file in self.broker_files.items()}
        mirrors = {name: file.mirrors or "" for name, file in self.broker_files.items()}
        return {n: terms.mirroring(mirrors[n], own[mirrors[n]]) if mirrors[n] in own else terms for n, terms in own.items()}

    @cached_property
    def portfolios(self) -> tuple[Portfolio, ...]:
        """All configured portfolios, sorted by id.

        Raises:
            InputError: An account in another environment than its portfolio's, at a broker without a file or an adapter, or named
                twice; two accounts that are one at the broker.
        """
        found: dict[str, Portfolio] = {}
        for name in self._names("portfolios"):
            path = self._path(name)
            portfolio = parse(Portfolio, {"portfolio_id": path.stem, **self._yaml(name)}, path, None)
            if portfolio.portfolio_id in found:
                raise InputError("expected each portfolio once", source=path, field="portfolio_id", value=portfolio.portfolio_id)
            check_portfolio(portfolio, path)
            for account in portfolio.accounts:
                # An unknown name would look like a broker that is not active, and the account would silently be left out.
                self.check_adapter(account.broker, path, f"accounts.{account.account_id}.broker")
            found[portfolio.portfolio_id] = portfolio
        accounts = [account for portfolio in found.values() for account in portfolio.accounts]
        with_login = frozenset(name for name, file in self.broker_files.items() if file.credentials)
        check_distinct(accounts, with_login, self._path("portfolios"))
        return tuple(portfolio for _, portfolio in sorted(found.items()))

    @cached_property
    def preferences_file(self) -> PreferencesFile:
        """How brokers are chosen: rules, criteria and the order that costs are compared for."""
        path = self._path("preferences.yaml")
        file = parse(PreferencesFile, self._yaml("preferences.yaml"), path, None)
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
    def disabled_brokers(self) -> dict[str, str]:
        """Broker name to what disables it; see `include.settings.active.disabled_brokers`."""
        return disabled_brokers(self.broker_files, self._variables)

    @cached_property
    def active_brokers(self) -> tuple[str, ...]:
        """Names from `ACTIVE_BROKERS` (or `polybroker.yaml`) that are not disabled, sorted.

        Raises:
            InputError: One is unknown or has no adapter, or none is left.
        """
        text = self.environ.active_brokers
        names = [n.strip() for n in text.split(",")] if text is not None else list(self._file.active_brokers)
        listed = sorted({name for name in names if name})
        for name in listed:
            self.check_adapter(name, "ACTIVE_BROKERS")
        active = tuple(name for name in listed if name not in self.disabled_brokers)
        if not active:
            why = "".join(f"; {name} is {self.disabled_brokers[name]}" for name in listed)
            raise InputError(f"expected at least one broker out of {self._connected}{why}", source="ACTIVE_BROKERS")
        return active

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

    @property
    def _connected(self) -> str:
        return ", ".join(name for name, config in self.brokers.items() if config.get("adapter"))

    def _names(self, folder: str) -> list[str]:
        return [name for name in self.files if Path(name).parent.as_posix() == folder]

    def _path(self, name: str) -> Path:
        return self.environ.config_dir / name

    def _yaml(self, name: str) -> dict[str, Any]:
        if name not in self.files:
            raise InputError("expected this configuration file to exist", source=self._path(name))
        return read_yaml(self.files[name], self._path(name), self._variables)


def no_adapter(name: str) -> str:
    """What to tell somebody who wants to use a broker whose YAML names no adapter."""
    return f"{name} has no adapter yet; its list can be mapped: polybroker map --list {name}=FILE"


def load_settings() -> Settings:
    """Settings of this process, read anew at each call (a changed YAML serves the next run without a restart)."""
    return Settings(Environ())
