"""Mappings as they were last seen, and those that differ and wait until a person has accepted them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Table, delete, select

from include.domain.seen import Form, Seen, SeenPrice, Waiting
from include.storage.database import Database
from include.storage.tables import seen_mappings, waiting_mappings

_KEY = ("source", "instrument_id", "ticker")


class SeenMappings:
    """Both tables; every change is one short transaction, so that brokers mapped side by side only wait for each other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, source: str) -> list[Seen]:
        """Everything seen at a source, in order of instrument and ticker; [] for one that is new."""
        with self._database.read() as connection:
            return _seen(connection, source)

    def waiting(self) -> list[Waiting]:
        """What waits for a person at any source, in order of broker, ticker and source."""
        with self._database.read() as connection:
            found = [Waiting.model_validate(body) for body in connection.execute(select(waiting_mappings.c.body)).scalars()]
        return sorted(found, key=lambda one: (one.broker, one.ticker, one.source, one.instrument_id))

    def record(self, source: str, standing: Sequence[Form], waiting: Sequence[Waiting], *, trades: bool) -> None:
        """Take a run's word: what is new is kept, what differs waits, what is as it was no longer does.

        A form that is kept is not overwritten, and a run that is older than what is kept changes nothing.

        Args:
            source: Of all the forms.
            standing: Forms that are new, or as they were seen.
            waiting: Forms that differ.
            trades: Whether the run may send orders: only then are its prices those to compare the next session's with.
        """
        with self._database.write() as connection:
            kept = {one.key: one for one in _seen(connection, source, lock=True)}
            due = {one.key: one for one in _waiting(connection, source)}
            fresh = [_after(kept.get(form.key), form, trades) for form in standing]
            changed = [one for one in fresh if one != kept.get(one.key)]
            self._put(connection, seen_mappings, [one.model_dump(mode="json") for one in changed])
            for form in standing:
                if form.key in due and due[form.key].session <= form.session:
                    _drop(connection, due[form.key])
            newest = [one for one in waiting if not _is_overtaken(one, kept.get(one.key), due.get(one.key))]
            self._put(connection, waiting_mappings, [_row(one) | {"body": one.model_dump(mode="json")} for one in newest])

    def accept(self, wanted: Sequence[Waiting], by: str, at: datetime) -> list[Waiting]:
        """Make waiting forms the ones that stand; returns those that waited still, in exactly the form that was handed in."""
        accepted = []
        with self._database.write() as connection:
            sources = {one.source for one in wanted}
            kept = {(source, seen.key): seen for source in sources for seen in _seen(connection, source, lock=True)}
            due = {(source, one.key): one for source in sources for one in _waiting(connection, source)}
            for one in wanted:
                if due.get((one.source, one.key)) != one:
                    continue  # another run, or another person, was faster
                first = kept.get((one.source, one.key)) or _first(one)
                form = {name: getattr(one, name) for name in Form.model_fields}
                stands = Seen(**form, first_run_id=first.first_run_id, first_session=first.first_session, seen_by=by)
                self._put(connection, seen_mappings, [stands.model_dump(mode="json") | {"seen_at": at}])
                _drop(connection, one)
                accepted.append(one)
        return accepted

    def withdraw(self, over: Sequence[Waiting]) -> None:
        """Remove forms that need nobody's word any more, as far as they wait still, in exactly the form that is handed in."""
        with self._database.write() as connection:
            due = {(source, one.key): one for source in {one.source for one in over} for one in _waiting(connection, source)}
            for one in over:
                if due.get((one.source, one.key)) == one:
                    _drop(connection, one)

    def forget(self, source: str) -> None:
        """Remove everything of a source; nothing is fine."""
        with self._database.write() as connection:
            for table in (seen_mappings, waiting_mappings):
                connection.execute(delete(table).where(table.c.source == source))

    def _put(self, connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
        """Insert rows, or replace those of the same key; all have the same columns."""
        if rows:
            statement = self._database.insert(table)
            changed = {name: statement.excluded[name] for name in rows[0] if name not in _KEY}
            connection.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=changed), rows)


def _first(form: Form) -> Seen:
    values = {name: getattr(form, name) for name in Form.model_fields}
    return Seen(**values, first_run_id=form.run_id, first_session=form.session)


def _after(known: Seen | None, form: Form, trades: bool) -> Seen:
    if known is None:
        return _first(form)
    return _priced(known, form) if trades else known


def _is_overtaken(one: Waiting, known: Seen | None, due: Waiting | None) -> bool:
    """Whether a later session has found another form, or the one that is kept, since."""
    later = [due.session] if due else []
    later += [known.price.session] if known and known.price else []
    return any(session > one.session for session in later)


def _priced(known: Seen, form: Form) -> Seen:
    """With the form's price where it is of this session or a later one; what it replaces of an earlier one is the previous."""
    price: SeenPrice | None = form.price
    if price is None or known.handle != form.handle or price.session < known.session:
        return known
    if known.price is None or known.price.session == price.session:
        return known.model_copy(update={"price": price})
    if price.session < known.price.session:
        return known
    return known.model_copy(update={"price": price, "previous": known.price})


def _seen(connection: Connection, source: str, *, lock: bool = False) -> list[Seen]:
    table = seen_mappings
    columns = [table.c[name] for name in Seen.model_fields]
    query = select(*columns).where(table.c.source == source).order_by(table.c.instrument_id, table.c.ticker)
    rows = connection.execute(query.with_for_update() if lock else query)
    return [Seen.model_validate(dict(row._mapping)) for row in rows]


def _waiting(connection: Connection, source: str) -> list[Waiting]:
    query = select(waiting_mappings.c.body).where(waiting_mappings.c.source == source)
    return [Waiting.model_validate(body) for body in connection.execute(query).scalars()]


def _row(form: Form) -> dict[str, object]:
    return {name: getattr(form, name) for name in _KEY}


def _drop(connection: Connection, one: Waiting) -> None:
    table = waiting_mappings
    mine = (table.c.source == one.source, table.c.instrument_id == one.instrument_id, table.c.ticker == one.ticker)
    connection.execute(delete(table).where(*mine))
