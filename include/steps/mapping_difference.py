"""Step 8, per broker: what differs from the mapping that was last seen, and is held until a person has seen it."""

import shlex
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from include.domain.mapping import Mapping
from include.domain.portfolio import ExecutionMode
from include.domain.run import Run
from include.domain.seen import Change, Form, SeenPrice, Waiting
from include.mapping.difference import Difference, Verdict, differences, handle_of, is_akin
from include.storage.artifacts import exists, read_json, write_json
from include.storage.database import Database
from include.storage.journal import Journal
from include.storage.run_folder import RunFolder
from include.storage.seen_mappings import SeenMappings


def compare_with_seen(run: Run, broker_name: str, source: str, mappings: Sequence[Mapping], database: Database) -> dict[str, int]:
    """Write `brokers/<name>/changes.json`, and keep in the database what was seen now; returns how many of each verdict.

    The file is written first: a task that dies between the two says the same when it is cleared. A backfill, or a run that is
    not for the newest session, compares and keeps nothing.

    Args:
        run: The run; its `universe.json` has the prices.
        broker_name: Name in `run.brokers`.
        source: Where the contracts came from (`Broker.source`).
        mappings: All of the broker's, members and holdings that left.
        database: Holds what was seen.
    """
    store = SeenMappings(database)
    prices = _prices(run)
    max_ratio = Decimal(str(run.options.get("mapping_price_ratio_max", 3)))
    session = run.as_of.isoformat()
    due = [one for one in store.waiting() if one.source == source and one.session <= session]
    found = differences(mappings, prices, store.seen(source), due, run_id=run.run_id, session=session, max_ratio=max_ratio)
    counts = {verdict.value: sum(one.verdict is verdict for one in found) for verdict in Verdict}
    write_json(
        RunFolder(run.folder).mapping_changes(broker_name),
        {
            "broker": broker_name,
            "source": source,
            "session": session,
            "counts": counts,
            "held": [_held(one) for one in found if one.verdict is Verdict.CHANGED] + _still_held(mappings, due),
            "gone": [_gone(one) for one in found if one.verdict is Verdict.GONE],
        },
    )
    if run.is_newest and not run.is_backfill:
        common = {"source": source, "run_id": run.run_id, "session": session}
        forms = {one.mapping.ticker: _form(one, prices, common) for one in found if one.verdict is not Verdict.GONE}
        waiting = [_waiting(one, forms[one.mapping.ticker]) for one in found if one.verdict is Verdict.CHANGED]
        standing = [forms[one.mapping.ticker] for one in found if one.verdict in (Verdict.SAME, Verdict.NEW)]
        trades = run.mode is not ExecutionMode.PLAN
        store.record(source, standing, waiting, trades=trades)
        if trades:
            store.withdraw(_over([one for one in due if one.session < session], mappings, database))
    return counts


def keep_waiting(run: Run, broker_name: str, database: Database) -> None:
    """Write `changes.json` for a broker that delivered nothing: what waits for a person there waits on, nothing else is known.

    Its account may be readable all the same, and what is held there must not be sold on an old contract. Which of its sources
    would have answered is not known either: what waits at any of them is held.

    Args:
        run: The run.
        broker_name: Name in `run.brokers`.
        database: Holds what waits.
    """
    session = run.as_of.isoformat()
    due = [one for one in SeenMappings(database).waiting() if one.broker == broker_name and one.session <= session]
    document = {
        "broker": broker_name,
        "source": None,
        "session": session,
        "counts": {verdict.value: 0 for verdict in Verdict},
        "held": [_waiting_row(one, one) for one in {one.key: one for one in due}.values()],
        "gone": [],
    }
    write_json(RunFolder(run.folder).mapping_changes(broker_name), document)


def held_back(run: Run, broker_name: str) -> list[dict[str, Any]]:
    """The `held` rows of a broker's `changes.json`; [] where nothing was compared."""
    uri = RunFolder(run.folder).mapping_changes(broker_name)
    return list(read_json(uri)["held"]) if exists(uri) else []


def told(changes: Sequence[Change]) -> str:
    """Changes in words: `native_id 265598 -> 999, lot_size 1 -> 100`."""
    return ", ".join(f"{change.field} {change.before} -> {change.after}" for change in changes)


def _prices(run: Run) -> dict[str, SeenPrice]:
    stocks = read_json(RunFolder(run.folder).universe)["all_stocks"]
    session = run.as_of.isoformat()
    return {
        ticker: SeenPrice(amount=Decimal(str(stock["price"])), currency=stock["currency"], session=session)
        for ticker, stock in stocks.items()
        if stock.get("price") is not None
    }


def _held(one: Difference) -> dict[str, Any]:
    contract, before = one.mapping.contract, one.before
    names = (contract.name if contract else "", before.name if before else "")
    return _held_row(one.mapping, names, one.changes, one.mapping.ticker)


def _still_held(mappings: Sequence[Mapping], due: Sequence[Waiting]) -> list[dict[str, Any]]:
    """What was held and has no contract now: that it is not found, or was not asked for, accepts nothing."""
    today = {(mapping.instrument_id, mapping.ticker) for mapping in mappings}
    exact = {one.key: one for one in due}
    former = [one for one in due if one.key not in today]
    rows = []
    for mapping in (mapping for mapping in mappings if mapping.contract is None):
        akin = [one for one in former if is_akin(one, mapping)]
        newest = max(akin, key=lambda one: (one.session, one.key), default=None)
        if one := exact.get((mapping.instrument_id, mapping.ticker)) or newest:
            rows.append(_waiting_row(mapping, one))
    return rows


def _over(due: Sequence[Waiting], mappings: Sequence[Mapping], database: Database) -> list[Waiting]:
    """What waits under a key that nothing has any more, and needs nobody's word.

    Either its instrument has another key now, and a contract, so that it was compared under that key; or it left the universe
    and no portfolio holds it. Coming back with another contract it is held again: what was seen is kept.
    """
    today = {(mapping.instrument_id, mapping.ticker) for mapping in mappings}
    former = [one for one in due if one.key not in today]
    if not former:
        return []
    journal = Journal(database)
    managed = [position for name in journal.portfolios() for position in journal.managed(name)]
    words = {word for position in managed for word in (position.instrument_id, position.ticker)}
    over = []
    for one in former:
        akin = [mapping for mapping in mappings if is_akin(one, mapping)]
        is_held = not words.isdisjoint(one.key)
        if all(mapping.contract is not None for mapping in akin) if akin else not is_held:
            over.append(one)
    return over


def _waiting_row(instrument: Mapping | Waiting, one: Waiting) -> dict[str, Any]:
    return _held_row(instrument, (one.name, one.name_before), one.changes, one.ticker)


def _held_row(instrument: Mapping | Waiting, names: tuple[str, str], changes: Sequence[Change], waits_as: str) -> dict[str, Any]:
    """A row of `held`; `names`: the contract's now and before, `waits_as`: the ticker under which it can be accepted."""
    command = shlex.join(["polybroker", "mappings", "accept", waits_as, "--broker", instrument.broker])
    return {
        "ticker": instrument.ticker,
        "instrument_id": instrument.instrument_id,
        "name": names[0],
        "name_before": names[1],
        "changes": list(changes),
        "reason": f"mapping_changed: {told(changes)} ({command})",
    }


def _gone(one: Difference) -> dict[str, Any]:
    before = one.before.handle if one.before else {}
    return {
        "ticker": one.mapping.ticker,
        "instrument_id": one.mapping.instrument_id,
        "name": one.before.name if one.before else "",
        "native_id": before.get("native_id"),
        "symbol": before.get("symbol"),
        "reason": one.mapping.reason or one.mapping.status.value,
    }


def _form(one: Difference, prices: dict[str, SeenPrice], common: dict[str, str]) -> Form:
    mapping = one.mapping
    if mapping.contract is None:
        raise ValueError(f"{mapping.ticker} has no contract")  # it would be `gone`
    return Form(
        broker=mapping.broker,
        instrument_id=mapping.instrument_id,
        ticker=mapping.ticker,
        name=mapping.contract.name,
        handle=handle_of(mapping.contract),
        price=prices.get(mapping.ticker),
        **common,
    )


def _waiting(one: Difference, form: Form) -> Waiting:
    return Waiting(**form.model_dump(), name_before=one.before.name if one.before else "", changes=one.changes)
