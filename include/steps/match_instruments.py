"""Step 8, per broker: which contract each instrument is."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from include.domain.instrument import Instrument
from include.domain.mapping import MappingStatus
from include.domain.run import Run
from include.mapping.answers import answers
from include.mapping.eligible import home_market
from include.mapping.merge import instruments_of, unavailable
from include.settings import Settings
from include.steps.identities import enriched_contracts
from include.steps.mapping_difference import compare_with_seen
from include.storage.artifacts import read_table, sha256, to_json, write_json
from include.storage.database import Database
from include.storage.run_folder import RunFolder


def wanted_instruments(universe: dict[str, Any], held: Sequence[Instrument]) -> list[Instrument]:
    """Whom to look for: the universe's members in its order, then managed holdings that left it.

    Args:
        universe: The universe document.
        held: Managed holdings; those that are members (by ticker, or by instrument) are dropped, the rest comes by ticker.
    """
    found = instruments_of(universe)
    tickers, ids = {one.ticker for one in found}, {one.instrument_id for one in found}
    for instrument in sorted(held, key=lambda one: one.ticker):
        if instrument.ticker not in tickers and instrument.instrument_id not in ids:
            found.append(instrument)
            tickers.add(instrument.ticker)
            ids.add(instrument.instrument_id)
    return found


def match_instruments(
    run: Run, broker_name: str, wanted: Sequence[Instrument], settings: Settings, database: Database | None = None
) -> dict[str, Any]:
    """Write `brokers/<name>/mapping.json` from the broker's contracts, and `changes.json`: what is not as it was last seen.

    Instruments that the broker could never trade are not looked for: `not_found`, reason `not_eligible`. Those that its contracts
    were not asked for (the universe or the holdings changed since) are `unavailable`. `mapping.json` is what the matcher said; an
    instrument that `changes.json` holds is not traded at this broker until a person has accepted the change.

    Args:
        run: The run.
        broker_name: Name in `run.brokers`.
        wanted: From `wanted_instruments`.
        settings: Eligibility and markets.
        database: Holds what was last seen; None: nothing is compared.

    Returns:
        `{"broker", "uri", "matched", "other_listing", "total"}`, counts over `wanted`.

    Raises:
        InputError: The contracts are missing or no contracts, or an instrument names an unknown market.
    """
    folder = RunFolder(run.folder)
    table = read_table(folder.contracts(broker_name))
    told = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    rule, knows_isin = settings.eligibility[broker_name], _knows_isin(told, table)
    table = enriched_contracts(run, table, settings.markets, home_market(rule, settings.markets))
    mappings = answers(wanted, table, broker_name, rule, settings.markets, knows_isin)
    if "asked" in told:  # whom nobody asked for is not "not found"
        asked = set(told["asked"].split())
        silent = {m.ticker: m for m in unavailable([one for one in wanted if fingerprint(one) not in asked], broker_name)}
        mappings = [silent.get(mapped.ticker, mapped) for mapped in mappings]
    if database is not None:
        compare_with_seen(run, broker_name, told.get("source", broker_name), mappings, database)
    uri = write_json(
        folder.mapping(broker_name),
        {
            "broker": broker_name,
            "contracts": folder.contracts(broker_name),
            "fetched_at": told.get("fetched_at", run.run_after.isoformat()),
            "mappings": mappings,
        },
    )
    return {
        "broker": broker_name,
        "uri": uri,
        "matched": sum(mapping.status is MappingStatus.MATCHED for mapping in mappings),
        "other_listing": sum(mapping.status is MappingStatus.OTHER_LISTING for mapping in mappings),
        "total": len(mappings),
    }


def fingerprint(instrument: Instrument) -> str:
    """One word for an instrument with all that a broker is asked by."""
    return sha256(to_json(instrument))[:16]


def _knows_isin(told: dict[str, str], table: pa.Table) -> bool:
    """As the adapter declared it; for a file without that word, whether any contract carries one."""
    if "knows_isin" in told:
        return told["knows_isin"] == "true"
    return bool(table.num_rows > table["isin"].null_count)
