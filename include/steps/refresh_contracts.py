"""Step 8, per broker: the contracts the wanted instruments could be."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

from include.brokers.base import Broker
from include.domain.instrument import Instrument
from include.domain.run import Run
from include.errors import BrokerUnavailable
from include.settings import Settings
from include.steps.match_instruments import fingerprint
from include.storage.artifacts import sha256, to_json
from include.storage.contract_lists import ContractLists, copy_contracts, read_metadata, write_contracts
from include.storage.database import Database
from include.storage.leases import Lease, lease
from include.storage.run_folder import RunFolder

TURN_SECONDS = 300.0


def refresh_contracts(
    run: Run, broker_name: str, broker: Broker, wanted: Sequence[Instrument], contract_lists: ContractLists
) -> str:
    """Write `brokers/<name>/contracts.parquet`; returns its URI.

    A broker that lists everything is asked once in `contracts_max_age_hours`: its dated list is kept for other runs (a backfill
    uses such lists but adds none: what is fetched today was not known then). A broker that must be asked answers for the wanted
    instruments, through its look-up cache. A file that this run already has for the same question from the same source is left as
    it is, so that a cleared task gives the same bytes. The file's metadata tell `question`, `source`, `fetched_at`, `knows_isin`,
    and `asked` (fingerprints) where the broker was asked for instruments.

    Args:
        run: The run; `run_after` stands for the time of fetching.
        broker_name: Name in `run.brokers`.
        broker: Open, reading.
        wanted: From `wanted_instruments`.
        contract_lists: Where dated lists are kept.

    Raises:
        BrokerUnavailable: The broker cannot be read, or lists nothing or nonsense.
    """
    target = RunFolder(run.folder).contracts(broker_name)
    question = _question(run, broker, wanted)
    had = read_metadata(target)
    if had is not None and (had.get("question"), had.get("source")) == (question, broker.source):
        return target
    if not broker.capabilities.lists_all:
        asked = {"asked": " ".join(fingerprint(instrument) for instrument in wanted)}
        write_contracts(target, broker.contracts(wanted), _metadata(run, broker, question) | asked, allow_empty=True)
        return target
    max_age = timedelta(hours=float(run.options.get("contracts_max_age_hours", 24)))
    kept = contract_lists.newest(broker.source, run.run_after, max_age)
    if kept is None or read_metadata(kept) is None:
        kept = target if run.is_backfill else contract_lists.uri(broker.source, run.run_after)
        if not write_contracts(kept, broker.contracts(()), _metadata(run, broker, question)):
            raise BrokerUnavailable(f"{broker_name} listed no contracts at all: garbage, not an empty market")
    if kept != target:
        copy_contracts(kept, target)
    return target


def contracts_turn(broker_name: str, settings: Settings, database: Database, holder: str) -> AbstractContextManager[Lease]:
    """One process at a time asks a broker for contracts: its pacing is one budget, and who waits finds the answers cached.

    A broker that mirrors another waits for that one's turn.

    Raises:
        Transient: Somebody else's turn lasted too long.
    """
    asked = settings.brokers[broker_name].get("mirrors") or broker_name
    return lease(database, f"contracts:{asked}", holder, TURN_SECONDS, TURN_SECONDS)


def _question(run: Run, broker: Broker, wanted: Sequence[Instrument]) -> str:
    """What was asked: everything, or a hash over the wanted instruments."""
    return "everything" if broker.capabilities.lists_all else sha256(to_json(list(wanted)))


def _metadata(run: Run, broker: Broker, question: str) -> dict[str, str]:
    return {
        "question": question,
        "source": broker.source,
        "fetched_at": run.run_after.isoformat(),
        "knows_isin": "true" if broker.capabilities.knows_isin else "false",
    }
