"""The order journal: every intent with its state, written before anything is sent, and what this project manages.

Each method is one transaction. States only move forward (`include/storage/order_states.py`); every change is appended to
`order_events`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from include.domain.contract import Contract
from include.domain.order import Fill, Order, OrderReport, OrderState
from include.errors import InputError
from include.storage.database import Database
from include.storage.journal_rows import REPORTED, JournalEntry, OrderEvent, after_report, append_event, read_fills, to_entry
from include.storage.managed import ManagedPosition, read_managed, unexplained
from include.storage.order_states import OPEN
from include.storage.tables import adoptions, fills, order_events, orders, plans

__all__ = ["Journal", "JournalEntry", "ManagedPosition", "OrderEvent"]

# Made once: making a statement costs more than running it.
_IS_KEY = orders.c.client_order_id == bindparam("key")
_MOVE = (
    update(orders)
    .where(_IS_KEY, orders.c.state == bindparam("old"))
    .values(state=bindparam("new_state"), reason=bindparam("new_reason"))
)
_MOVE_AT = _MOVE.values(updated_at=bindparam("new_updated_at"))
_LOCKED = select(orders).where(_IS_KEY).with_for_update()
_TOLD = update(orders).where(_IS_KEY).values({name: bindparam(f"new_{name}") for name in REPORTED})


class Journal:
    """The journal in the database. Safe for several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- plans ------------------------------------------------------------------------------------------------------

    def store_plan(self, portfolio: str, as_of: str, revision: int, body: bytes) -> bytes:
        """Keep the plan of a session; the first writer wins. Returns the kept bytes (`body` itself, or the first one's)."""
        key = {"portfolio": portfolio, "as_of": as_of, "revision": revision}
        row = {**key, "sha256": hashlib.sha256(body).hexdigest(), "body": body}
        with self._database.write() as connection:
            self._database.insert_new(connection, plans, row)
            kept = connection.execute(select(plans.c.body).filter_by(**key)).scalar_one()
        return bytes(kept)

    def plan(self, portfolio: str, as_of: str, revision: int | None = None) -> tuple[int, bytes] | None:
        """(revision, bytes) of a session's plan, the newest revision unless one is named; None where there is none."""
        query = select(plans.c.revision, plans.c.body).where(plans.c.portfolio == portfolio, plans.c.as_of == as_of)
        if revision is not None:
            query = query.where(plans.c.revision == revision)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(plans.c.revision.desc()).limit(1)).one_or_none()
        return None if row is None else (row.revision, bytes(row.body))

    def environment(self, portfolio: str) -> str | None:
        """The environment a portfolio's orders are of, or None where it has none yet."""
        query = select(orders.c.body).where(orders.c.portfolio == portfolio).limit(1)
        with self._database.read() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else Order.model_validate(body).environment

    def newest_session(self, portfolio: str) -> str | None:
        """The newest session (ISO date) a portfolio has a plan for, or None."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(plans.c.as_of)).where(plans.c.portfolio == portfolio)).scalar()

    # --- intents ----------------------------------------------------------------------------------------------------

    def register(self, intents: Sequence[Order], at: datetime | None = None) -> None:
        """Write intents before anything is sent: `held` where a rule stopped them, else `planned`.

        An order that is already there stays as it is, whatever its state. No orders: nothing happens.

        Raises:
            InputError: A different order stands under the same `client_order_id`; nothing was written.
        """
        with self._database.write() as connection:
            for order in intents:
                self._register(connection, order, at)

    def _register(self, connection: Connection, order: Order, at: datetime | None) -> None:
        state = OrderState.HELD if order.hold_reason else OrderState.PLANNED
        row = {
            "client_order_id": order.client_order_id,
            "portfolio": order.portfolio,
            "account": order.account,
            "broker": order.broker,
            "as_of": order.as_of,
            "revision": order.revision,
            "native_id": order.contract.native_id,
            "body": order.model_dump(mode="json"),
            "state": state.value,
            "reason": order.hold_reason,
            "filled_quantity": Decimal(0),
            "updated_at": at,
        }
        if self._database.insert_new(connection, orders, row):
            append_event(connection, order.client_order_id, at, None, state, {"reason": order.hold_reason})
            return
        kept = connection.execute(select(orders.c.body).filter_by(client_order_id=order.client_order_id)).scalar_one()
        if Order.model_validate(kept) != order:
            raise InputError(
                "expected the order that is already in the journal under this id",
                source=f"plan of {order.portfolio} for {order.as_of}, revision {order.revision}",
                field="client_order_id",
                value=order.client_order_id,
            )

    def mark_sending(self, client_order_id: str, at: datetime | None = None) -> bool:
        """planned -> sending, committed when this returns True. False: it is not `planned` any more; do not send it."""
        return self._move(client_order_id, OrderState.PLANNED, OrderState.SENDING, None, at)

    def mark_planned(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        """sending -> planned, for a send that is proven not to have arrived, so that a retry may send it."""
        return self._move(client_order_id, OrderState.SENDING, OrderState.PLANNED, reason, at)

    def hold(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        """planned -> held for good, with the rule that stopped it. False: it is not `planned` any more."""
        return self._move(client_order_id, OrderState.PLANNED, OrderState.HELD, reason, at)

    def close_unsent(self, client_order_id: str, reason: str, at: datetime | None = None) -> bool:
        """planned -> not_sent: its validity is over and it never left. False: it is not `planned` any more."""
        return self._move(client_order_id, OrderState.PLANNED, OrderState.NOT_SENT, reason, at)

    def _move(self, client_order_id: str, old: OrderState, new: OrderState, reason: str | None, at: datetime | None) -> bool:
        values = {"key": client_order_id, "old": old.value, "new_state": new.value, "new_reason": reason}
        with self._database.write() as connection:
            if at is None:
                moved = connection.execute(_MOVE, values).rowcount == 1
            else:
                moved = connection.execute(_MOVE_AT, values | {"new_updated_at": at}).rowcount == 1
            if moved:
                append_event(connection, client_order_id, at, old, new, {"reason": reason})
        return moved

    # --- the broker's word ------------------------------------------------------------------------------------------

    def record(self, client_order_id: str, report: OrderReport, at: datetime, reason: str | None = None) -> OrderState:
        """Record what the broker said (or what was concluded); gives the state afterwards.

        The state never moves back, fills are kept once per `fill_id`, the filled total never shrinks. A report that brings
        nothing new changes nothing and leaves no event.

        Args:
            client_order_id: The order, which must be registered.
            report: The broker's word. Its own `updated_at` is kept as the order's, else `at`.
            at: Aware UTC time of the event.
            reason: Why, where the state is our conclusion (`not_sent`, `unknown`).

        Raises:
            InputError: No such order, or a report about another one.
        """
        if report.client_order_id != client_order_id:
            raise InputError("expected a report about this order", field=client_order_id, value=report.client_order_id)
        with self._database.write() as connection:
            row = connection.execute(_LOCKED, {"key": client_order_id}).one_or_none()
            if row is None:
                raise InputError("expected an order of the journal", field="client_order_id", value=client_order_id)
            new_fills = self._add_fills(connection, row, report.fills)
            state, values = after_report(
                row, report, read_fills(connection, [client_order_id]).get(client_order_id, ()), at, reason
            )
            changed = {name: value for name, value in values.items() if value != getattr(row, name)}
            if new_fills or changed.keys() - {"updated_at"}:
                connection.execute(_TOLD, {"key": client_order_id} | {f"new_{name}": value for name, value in values.items()})
                body = {"report": report.model_dump(mode="json"), "reason": reason}
                append_event(connection, client_order_id, at, OrderState(row.state), state, body)
        return state

    def _add_fills(self, connection: Connection, row: Row[Any], reported: Iterable[Fill]) -> int:
        new = 0
        for fill in reported:
            values = {"broker": row.broker, "account": row.account, "client_order_id": row.client_order_id, **fill.model_dump()}
            new += self._database.insert_new(connection, fills, values)
        return new

    # --- reading ----------------------------------------------------------------------------------------------------

    def entry(self, client_order_id: str) -> JournalEntry | None:
        """One order, or None where the journal has none under this id."""
        found = self._entries(orders.c.client_order_id == client_order_id)
        return found[0] if found else None

    def state(self, client_order_id: str) -> OrderState | None:
        """The state of one order, or None where the journal has none under this id."""
        with self._database.read() as connection:
            found = connection.execute(select(orders.c.state).filter_by(client_order_id=client_order_id)).scalar_one_or_none()
        return None if found is None else OrderState(found)

    def orders(
        self,
        portfolio: str | None = None,
        account: str | None = None,
        as_of: str | None = None,
        revision: int | None = None,
        states: Iterable[OrderState] | None = None,
    ) -> list[JournalEntry]:
        """Orders that fit every given filter, by portfolio, session, revision, account and id. None given: all."""
        named = {"portfolio": portfolio, "account": account, "as_of": as_of, "revision": revision}
        conditions = [orders.c[name] == value for name, value in named.items() if value is not None]
        if states is not None:
            conditions.append(orders.c.state.in_([state.value for state in states]))
        return self._entries(*conditions)

    def last_contract(self, account: str) -> Contract | None:
        """What the newest order of an account is for; None where it never had one."""
        query = select(orders.c.body).where(orders.c.account == account)
        with self._database.read() as connection:
            body = connection.execute(query.order_by(orders.c.as_of.desc(), orders.c.client_order_id).limit(1)).scalar()
        return None if body is None else Order.model_validate(body).contract

    def unresolved(self, account: str) -> list[JournalEntry]:
        """Orders of an account that may stand at the broker: sending, unknown, accepted, partially filled."""
        return self.orders(account=account, states=OPEN)

    def events(self, client_order_id: str) -> list[OrderEvent]:
        """Every change of one order, oldest first."""
        query = select(order_events).filter_by(client_order_id=client_order_id).order_by(order_events.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            OrderEvent(
                row.client_order_id,
                row.time,
                None if row.from_state is None else OrderState(row.from_state),
                OrderState(row.to_state),
                row.body,
            )
            for row in rows
        ]

    def _entries(self, *conditions: Any) -> list[JournalEntry]:
        columns = orders.c
        query = select(orders).where(*conditions)
        query = query.order_by(columns.portfolio, columns.as_of, columns.revision, columns.account, columns.client_order_id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            executed = read_fills(connection, [row.client_order_id for row in rows if row.filled_quantity])
        return [to_entry(row, executed.get(row.client_order_id, ())) for row in rows]

    # --- what is managed --------------------------------------------------------------------------------------------

    def portfolios(self) -> list[str]:
        """Every portfolio that has an order or an adoption, sorted, those that are configured no longer included."""
        with self._database.read() as connection:
            rows = connection.execute(select(orders.c.portfolio).union(select(adoptions.c.portfolio)))
            return sorted(rows.scalars())

    def managed(self, portfolio: str) -> list[ManagedPosition]:
        """What this portfolio's fills and adoptions add up to, by account and native id; zero positions are left out."""
        with self._database.read() as connection:
            return read_managed(connection, portfolio)

    def unexplained_since(self, order: Order, quantity_now: Decimal) -> Decimal | None:
        """Change of an account's position since an order was planned that neither fills nor adoptions explain.

        Args:
            order: The order; the position is that of its contract in its account.
            quantity_now: What the account holds of it now, signed.

        Returns:
            Signed difference to the first snapshot of the order's session; None where there is none to compare with.
        """
        with self._database.read() as connection:
            return unexplained(connection, order, quantity_now)

    def adopted(self, portfolio: str, account: str, native_id: str) -> Decimal:
        """Units of a contract that were adopted, signed; 0 where none were."""
        query = select(adoptions.c.quantity).filter_by(portfolio=portfolio, account=account, native_id=native_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar() or Decimal(0)

    def adopt(self, position: ManagedPosition, at: datetime, note: str = "") -> None:
        """Take a position of an account under management explicitly. A second adoption of the same contract replaces it.

        Args:
            position: Signed quantity in units of the contract; 0 gives the adoption back.
            at: Aware UTC time.
            note: Who and why, for people.
        """
        insert = self._database.insert(adoptions)
        row = {
            "portfolio": position.portfolio,
            "account": position.account,
            "native_id": position.contract.native_id,
            "ticker": position.ticker,
            "instrument_id": position.instrument_id,
            "contract": position.contract.model_dump(mode="json"),
            "quantity": position.quantity,
            "adopted_at": at,
            "note": note,
        }
        key = ["portfolio", "account", "native_id"]
        statement = insert.on_conflict_do_update(
            index_elements=key, set_={name: insert.excluded[name] for name in row if name not in key}
        )
        with self._database.write() as connection:
            connection.execute(statement, row)
