"""Step 0: what this run is, decided once: session, mode, portfolios, brokers, screens with hashes, options."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from include.domain.account import Environment
from include.domain.portfolio import ExecutionMode, Portfolio
from include.domain.run import Run, ScreenSource
from include.errors import InputError, Unsupported
from include.screening.session import closed_sessions
from include.screening.source import find_screens
from include.screening.synthetic import write_synthetic_screens
from include.settings import Options, Settings, parse
from include.storage.artifacts import exists, local_path, read_json, sha256, to_json, write_json
from include.storage.latest import latest
from include.storage.run_folder import RunFolder

SYNTHETIC = "synthetic"
_OWN_PARAMS = ("as_of", "execution_mode", "portfolios")
_LOOK_BACK_DAYS = 3660


def resolve_run(
    settings: Settings,
    *,
    run_id: str,
    run_after: datetime,
    is_backfill: bool = False,
    params: Mapping[str, Any] | None = None,
) -> Run:
    """Decide what this run is and write `run.json`; the same inputs give the same bytes.

    Args:
        settings: Settings of this process; later tasks have the same (`include.steps.run_settings`).
        run_id: Airflow's or the command line's.
        run_after: Aware time at which the run was due; sessions closed by then are known. Never the clock.
        is_backfill: A backfill is planned only.
        params: `as_of` (a closed session), `execution_mode` (`plan`, `paper`), `portfolios` (ids), and any field of
            `include.settings.Options`. None as a value means what the settings say.

    Raises:
        InputError: A setting, parameter or screen that cannot be used; says which.
        Unsupported: Live execution.
    """
    given = {name: value for name, value in (params or {}).items() if value is not None}
    options = _options(settings, given)
    newest, as_of = _session(options.reference_calendar, run_after, given.get("as_of"))
    moment = run_after.astimezone(UTC)
    is_newest = as_of == newest
    notes: list[str] = []
    mode = _mode(given, is_backfill, is_newest, notes)
    portfolios = _portfolios(settings, given.get("portfolios"), notes)
    _one_world_each(portfolios)
    brokers = tuple(sorted({account.broker for portfolio in portfolios for account in portfolio.accounts}))
    notes += [
        f"{name}: active, but no portfolio of this run has an account there"
        for name in settings.active_brokers
        if name not in brokers
    ]
    folder = RunFolder.for_run(settings.environ.data_uri, as_of, run_id)
    used = options.model_dump(mode="json") | _configuration(settings, brokers)
    run = Run(
        run_id=run_id,
        folder=folder.uri,
        as_of=as_of,
        run_after=moment,
        mode=mode,
        is_backfill=is_backfill,
        is_newest=is_newest,
        brokers=brokers,
        portfolios=portfolios,
        screens=tuple(_screens(settings, options, as_of)),
        config_sha256=sha256(to_json([used, mode.value, portfolios])),
        config_version=settings.version,
        variables=settings.frozen,
        options=used | {"notes": notes},
        previous=_previous(settings.environ.data_uri, folder, as_of, moment),
    )
    write_json(folder.run, run)
    return run


def load_run(uri: str) -> Run:
    """The run in a `run.json`.

    Raises:
        InputError: Missing, not JSON, or not a run.
    """
    return parse(Run, read_json(uri), uri, None)


def _options(settings: Settings, given: Mapping[str, Any]) -> Options:
    values = {name: value for name, value in given.items() if name not in _OWN_PARAMS}
    for name in values:
        if name not in Options.model_fields:
            known = ", ".join(sorted((*Options.model_fields, *_OWN_PARAMS)))
            raise InputError(f"expected one of {known}", source="params", field=name)
    return parse(Options, settings.options.model_dump() | values, "params", None)


def _session(calendar: str, run_after: datetime, wanted: Any) -> tuple[date, date]:
    """(newest closed session, the run's session)."""
    days = 30
    if wanted is not None:
        try:
            wanted = wanted if type(wanted) is date else date.fromisoformat(str(wanted))
        except ValueError as error:
            raise InputError("expected a date such as 2025-09-17", source="params", field="as_of", value=str(wanted)) from error
        days = min(max(days, (run_after.date() - wanted).days + 10), _LOOK_BACK_DAYS)
    sessions = closed_sessions(calendar, run_after, days)
    if not sessions:
        raise InputError(
            "expected a time after a closed session", source="params", field="run_after", value=run_after.isoformat()
        )
    if wanted is not None and wanted not in sessions:
        expected = f"expected a session of {calendar} closed at {run_after.isoformat()}, the newest is {sessions[-1]}"
        raise InputError(expected, source="params", field="as_of", value=wanted.isoformat())
    return sessions[-1], wanted or sessions[-1]


def _mode(given: Mapping[str, Any], is_backfill: bool, is_newest: bool, notes: list[str]) -> ExecutionMode:
    value = given.get("execution_mode", ExecutionMode.PAPER.value)
    try:
        mode = ExecutionMode(value)
    except ValueError as error:
        raise InputError("expected plan, paper or live", source="params", field="execution_mode", value=value) from error
    if mode is ExecutionMode.LIVE:
        raise Unsupported("execution_mode live: this version sends to sandbox and paper accounts only")
    if mode is not ExecutionMode.PLAN and (is_backfill or not is_newest):
        notes.append("a backfill is planned only" if is_backfill else "a later session has closed: planned only")
        return ExecutionMode.PLAN
    return mode


def _portfolios(settings: Settings, wanted: Any, notes: list[str]) -> tuple[Portfolio, ...]:
    configured = {portfolio.portfolio_id: portfolio for portfolio in settings.portfolios}
    ids = _ids(wanted, configured)
    found = []
    for portfolio_id in sorted(configured if ids is None else ids):
        portfolio = configured[portfolio_id]
        active = tuple(account for account in portfolio.accounts if account.broker in settings.active_brokers)
        for account in portfolio.accounts:
            if account not in active:
                why = settings.disabled_brokers.get(account.broker, "not active")
                notes.append(f"{portfolio_id}: account {account.account_id} is left out, {account.broker} is {why}")
        if active:
            found.append(portfolio.model_copy(update={"accounts": active}))
        else:
            notes.append(f"{portfolio_id}: left out, none of its accounts is at an active broker")
    if not found:
        expected = "expected a portfolio with an account at an active broker"
        raise InputError(expected, source="portfolios", field="ACTIVE_BROKERS", value=",".join(settings.active_brokers))
    return tuple(found)


def _one_world_each(portfolios: Sequence[Portfolio]) -> None:
    """A broker's contracts are read once a run: what a sandbox lists must not be traded in an account that is not one."""
    worlds: dict[str, bool] = {}
    for portfolio in portfolios:
        for account in portfolio.accounts:
            is_sandbox = account.environment is Environment.SANDBOX
            if worlds.setdefault(account.broker, is_sandbox) != is_sandbox:
                raise InputError(
                    f"expected all accounts at {account.broker} to be sandboxes, or none: choose the portfolios of this run",
                    source="portfolios",
                    field=account.account_id,
                    value=account.environment.value,
                )


def _ids(wanted: Any, configured: Mapping[str, Portfolio]) -> list[str] | None:
    if wanted is None:
        return None
    ids = wanted.split(",") if isinstance(wanted, str) else wanted
    if not isinstance(ids, Sequence) or not ids:
        raise InputError("expected a list of portfolio ids", source="params", field="portfolios", value=wanted)
    names = {str(name).strip() for name in ids}
    for name in sorted(names):
        if name not in configured:
            expected = f"expected portfolios out of {', '.join(sorted(configured))}"
            raise InputError(expected, source="params", field="portfolios", value=name)
    return sorted(names)


def _configuration(settings: Settings, brokers: Sequence[str]) -> dict[str, Any]:
    """What a run uses besides its options: markets and limits for its own reading, the rest for its hash."""
    return {
        "markets": {name: market.model_dump(mode="json") for name, market in settings.markets.items()},
        "preferences": settings.preferences_file.model_dump(mode="json"),
        "eligibility": {name: settings.eligibility[name].model_dump(mode="json") for name in brokers},
        "risk_limits": {name: settings.broker_files[name].risk_limits.model_dump(mode="json") for name in brokers},
        "brokers_sha256": {name: sha256(to_json(settings.brokers[name])) for name in brokers},
    }


def _screens(settings: Settings, options: Options, as_of: date) -> list[ScreenSource]:
    location = options.screens
    if location == SYNTHETIC:
        folder = f"{settings.environ.data_uri.rstrip('/')}/screens/{SYNTHETIC}/{as_of.isoformat()}"
        location = str(local_path(folder) or folder)
        write_synthetic_screens(location, options.synthetic_seed, as_of, settings.markets)
    return find_screens(location, as_of)


def _previous(data_uri: str, folder: RunFolder, as_of: date, run_after: datetime) -> str | None:
    # Once this run has finished, `latest` is this run: what it was compared with is in its own file.
    if exists(folder.run):
        try:
            return load_run(folder.run).previous
        except InputError:
            pass  # damaged: it is written anew below
    found = latest(data_uri)
    if found is None or found == folder.uri:
        return None
    try:
        other = load_run(RunFolder(found).run)
    except InputError:
        return None
    return found if (other.as_of, other.run_after) < (as_of, run_after) else None
