"""Step 8, per broker: the contracts the wanted instruments could be."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from include.brokers.base import Broker
from include.domain.instrument import Instrument
from include.domain.run import Run
from include.errors import BrokerUnavailable
from include.mapping.list_changes import list_changes
from include.settings import Settings
from include.steps.match_instruments import fingerprint
from include.storage.artifacts import exists, read_json, read_table, sha256, to_json, write_json
from include.storage.contract_lists import ContractLists, copy_contracts, count_contracts, read_metadata, write_contracts
from include.storage.database import Database
from include.storage.leases import Lease, lease
from include.storage.run_folder import RunFolder

TURN_SECONDS = 300.0


def refresh_contracts(
    run: Run, broker_name: str, broker: Broker, wanted: Sequence[Instrument], contract_lists: ContractLists
) -> str:
    """Write `brokers/<name>/contracts.parquet`, and `list_changes.json` (what differs from the list before); returns the URI.

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
        _write_changes(run, broker_name, broker, _since_previous_run(run, broker_name, broker.source))
        return target
    max_age = timedelta(hours=float(run.options.get("contracts_max_age_hours", 24)))
    kept = contract_lists.newest(broker.source, run.run_after, max_age)
    fresh = kept is None or read_metadata(kept) is None
    if kept is None or fresh:
        kept = target if run.is_backfill else contract_lists.uri(broker.source, run.run_after)
        if not write_contracts(kept, broker.contracts(()), _metadata(run, broker, question)):
            raise BrokerUnavailable(f"{broker_name} listed no contracts at all: garbage, not an empty market")
    if kept == target:
        _write_changes(run, broker_name, broker, {"rows": count_contracts(target), "note": "a backfill keeps no list"})
        return target
    fetched_at = datetime.fromisoformat((read_metadata(kept) or {})["fetched_at"])
    _write_changes(run, broker_name, broker, _since_list_before(contract_lists, broker.source, fetched_at, fresh))
    copy_contracts(kept, target)  # last: this file says that the task is done
    return target


def contracts_turn(broker_name: str, settings: Settings, database: Database, holder: str) -> AbstractContextManager[Lease]:
    """One process at a time asks a broker for contracts: its pacing is one budget, and who waits finds the answers cached.

    A broker that mirrors another waits for that one's turn.

    Raises:
        Transient: Somebody else's turn lasted too long.
    """
    asked = settings.brokers[broker_name].get("mirrors") or broker_name
    return lease(database, f"contracts:{asked}", holder, TURN_SECONDS, TURN_SECONDS)


def _since_list_before(contract_lists: ContractLists, source: str, fetched_at: datetime, fresh: bool) -> dict[str, Any]:
    """A dated list against the one before it, kept beside it: every run that uses the list says the same."""
    uri = contract_lists.changes(source, fetched_at)
    if fresh or not exists(uri):
        earlier = [moment for moment in contract_lists.dated(source) if moment < fetched_at]
        earlier = [moment for moment in earlier if read_metadata(contract_lists.uri(source, moment)) is not None]
        rows = count_contracts(contract_lists.uri(source, fetched_at))
        told: dict[str, Any] = {"fetched_at": fetched_at.isoformat(), "rows": rows}
        if earlier:
            before, after = (read_table(contract_lists.uri(source, moment)) for moment in (earlier[-1], fetched_at))
            told |= {"compared_with": earlier[-1].isoformat(), **list_changes(before, after)}
        else:
            told["note"] = "the first list of this source"
        write_json(uri, told)
    return dict(read_json(uri))


def _since_previous_run(run: Run, broker_name: str, source: str) -> dict[str, Any]:
    """Answers to questions against those of the run before: a contract that is missing may not have been asked for."""
    now = RunFolder(run.folder).contracts(broker_name)
    note = {"rows": count_contracts(now), "note": "asked per instrument: no list to compare"}
    if run.previous is None:
        return note
    earlier = RunFolder(run.previous).contracts(broker_name)
    known = read_metadata(earlier)
    if known is None or known.get("source") != source:
        return note
    changes = list_changes(read_table(earlier), read_table(now), common_only=True)
    told = {"compared_with": known.get("fetched_at"), **changes}
    return {"note": "asked per instrument: only contracts that both runs know are compared", **told}


def _write_changes(run: Run, broker_name: str, broker: Broker, told: dict[str, Any]) -> None:
    write_json(RunFolder(run.folder).list_changes(broker_name), {"broker": broker_name, "source": broker.source, **told})


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
