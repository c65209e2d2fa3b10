"""Step 8: what every broker said, in one document."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from include.brokers.base import Capabilities
from include.domain.mapping import Mapping
from include.domain.run import Run
from include.errors import InputError
from include.mapping.legacy import legacy
from include.mapping.merge import instruments_of, merge, unavailable
from include.mapping.preference import Facts
from include.settings import Settings
from include.steps.fetch_accounts import read_snapshot
from include.steps.mapping_difference import held_back, keep_waiting
from include.storage.artifacts import exists, read_json, write_json
from include.storage.database import Database
from include.storage.run_folder import RunFolder


def merge_mappings(
    run: Run,
    delivered: Sequence[dict[str, Any] | None],
    settings: Settings,
    capabilities: Table[str, Capabilities],
    health: Table[str, Decimal] | None = None,
    database: Database | None = None,
) -> str:
    """Write `universe_mapped.json` (and, if `write_legacy`, `universe_with_ibkr.json`); returns its URI.

    A broker of the run that is not among `delivered` is `unavailable`: its `mapping.json` says so too, and its `changes.json`
    what waits for a person there, whatever an earlier try left, so that later steps see what was merged. Planning goes by the
    `broker_order` written here.

    Args:
        run: The run; every broker of `run.brokers` appears.
        delivered: Results of `match_instruments`; a failed broker's is absent or None.
        settings: Eligibility, preferences, markets, brokers' terms.
        capabilities: Broker to what its adapter declares; one without is not known.
        health: Broker to 0 (down) to 1, as the run's folder keeps it (a cleared task must see the same); None: not measured.
        database: Holds what waits for a person; None: nothing is compared in this run.

    Raises:
        InputError: A result names no broker of the run, or a file is missing.
    """
    folder = RunFolder(run.folder)
    universe = read_json(folder.universe)
    members = instruments_of(universe)
    results = {str(result["broker"]): str(result["uri"]) for result in delivered if result}
    for broker in results:
        if broker not in run.brokers:
            raise InputError(f"expected brokers out of {', '.join(run.brokers)}", source="match_instruments", value=broker)
    by_broker: dict[str, list[Mapping]] = {}
    for broker in run.brokers:
        if broker in results:
            by_broker[broker] = [Mapping.model_validate(row) for row in read_json(results[broker])["mappings"]]
        else:
            by_broker[broker] = unavailable(members, broker)
            _write_unavailable(folder, run, broker, by_broker[broker])
            if database is not None:
                keep_waiting(run, broker, database)
    created_at = run.run_after.isoformat()
    facts = _facts(run, settings, capabilities, health or {})
    held = {broker: {row["ticker"]: row["changes"] for row in held_back(run, broker)} for broker in run.brokers}
    document = merge(universe, by_broker, settings.eligibility, settings.preferences, settings.markets, created_at, facts, held)
    if run.options.get("write_legacy", True):
        write_json(folder.universe_with_ibkr, legacy(universe, by_broker))
    return write_json(folder.universe_mapped, document)


def _write_unavailable(folder: RunFolder, run: Run, broker: str, mappings: list[Mapping]) -> None:
    document = {"broker": broker, "contracts": None, "fetched_at": run.run_after.isoformat(), "mappings": mappings}
    write_json(folder.mapping(broker), document)


def facts_of(settings: Settings, capabilities: Table[str, Capabilities]) -> Facts:
    """What the configuration and the adapters declare about brokers; nothing is known of accounts and health."""
    return Facts(
        terms=settings.terms,
        able=capabilities,
        eligibility=settings.eligibility,
        criteria=settings.preferences_file.criteria,
        reference_order_eur=settings.preferences_file.reference_order_eur,
    )


def _facts(run: Run, settings: Settings, capabilities: Table[str, Capabilities], health: Table[str, Decimal]) -> Facts:
    cash: dict[str, dict[str, Decimal]] = {}
    frozen = set()
    for account in (account for portfolio in run.portfolios for account in portfolio.accounts):
        uri = RunFolder(run.folder).account(account.account_id)
        snapshot = read_snapshot(uri) if exists(uri) else None
        if snapshot is None or snapshot.frozen:
            frozen.add(account.broker)
            continue
        held = cash.setdefault(account.broker, {})
        for currency, amount in snapshot.settled_cash.items():
            held[currency] = held.get(currency, Decimal(0)) + amount
    return replace(facts_of(settings, capabilities), health=health, cash=cash, frozen=frozenset(frozen))
