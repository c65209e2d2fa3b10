"""An engine as plain JSON types and back, exactly: as one document, or in parts of which only those that changed are written.

Version 3 knows parents, groups, held orders and a venue's rules; in version 2 an entry named its closing orders, and those were
no group. Version 1 has no stops, brackets, auctions, money amounts, latency, commissions paid and monthly volumes. A document
without them is read as what it says.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import Field, TypeAdapter, ValidationError

from include.domain.model import Value
from include.errors import InputError
from include.simulation.brackets import group_of
from include.simulation.costs import Costs
from include.simulation.ledger import SimPosition
from include.simulation.orders import Mark, Rules, SimContract, SimOrder
from include.simulation.tracked import ABSENT, Tracked

if TYPE_CHECKING:
    from include.simulation.engine import Engine

VERSION = 3
READABLE = (1, 2, VERSION)
SOURCE = "simulation state"
Rows = dict[tuple[str, str], Any]  # (part, key) -> JSON body, None for what is there no more


class EngineState(Value):
    """The whole document; unknown fields are an error, so an older program never half-reads a newer state."""

    version: int = VERSION
    costs: Costs
    seed: int
    settle_in: str | None
    latency_seconds: float = 0.0
    rules: Rules = Rules()
    cash: dict[str, Decimal]
    rates: dict[str, Decimal]
    realized_pnl: dict[str, Decimal]
    commissions: dict[str, Decimal] = Field(default_factory=dict)
    volumes: dict[str, Decimal] = Field(default_factory=dict)
    positions: tuple[SimPosition, ...]
    contracts: tuple[SimContract, ...]
    marks: dict[str, Mark]
    orders: tuple[SimOrder, ...]


_ADAPTER = TypeAdapter(EngineState)


def dump(engine: "Engine", whole: bool) -> dict[str, Any]:
    """The engine's state in JSON types, with all contracts and marks or only those in use."""
    ledger = engine.ledger
    used = set(ledger.positions) | set(ledger.realized_pnl) | {order.native_id for order in engine.orders.values()}
    contracts = engine.contracts if whole else {key: value for key, value in engine.contracts.items() if key in used}
    marks = engine.marks if whole else {key: value for key, value in engine.marks.items() if key in used}
    document = EngineState(
        costs=engine.costs,
        seed=engine.seed,
        settle_in=ledger.settle_in,
        latency_seconds=engine.latency.total_seconds(),
        rules=engine.rules,
        cash=ledger.cash,
        rates=ledger.rates,
        realized_pnl=ledger.realized_pnl,
        commissions=ledger.commissions,
        volumes=engine.volumes,
        positions=tuple(ledger.positions.values()),
        contracts=tuple(contracts.values()),
        marks=marks,
        orders=tuple(engine.orders.values()),
    )
    return document.model_dump(mode="json")


def load(engine: "Engine", document: Mapping[str, Any]) -> None:
    """Set a fresh engine to a document of `dump`.

    Raises:
        InputError: The document is not one, or of another version.
    """
    try:
        orders = document.get("orders")
        upgraded = [_order_body(body) for body in orders] if isinstance(orders, list | tuple) else orders
        whole = _ADAPTER.validate_python({**document, "orders": upgraded})
    except ValidationError as error:
        raise _fault(error, "") from error
    if whole.version not in READABLE:
        raise InputError(f"expected version {VERSION}", source=SOURCE, field="version", value=whole.version)
    engine.costs, engine.seed = whole.costs, whole.seed
    engine.latency, engine.rules = timedelta(seconds=whole.latency_seconds), whole.rules
    ledger = engine.ledger
    ledger.settle_in = whole.settle_in
    ledger.cash, ledger.rates = Tracked(whole.cash), Tracked(whole.rates)
    ledger.realized_pnl, ledger.commissions = Tracked(whole.realized_pnl), Tracked(whole.commissions)
    ledger.positions = Tracked({position.native_id: position for position in whole.positions})
    engine.contracts = Tracked({contract.native_id: contract for contract in whole.contracts})
    engine.marks, engine.volumes = Tracked(whole.marks), Tracked(whole.volumes)
    engine.orders = Tracked({order.order_id: order for order in whole.orders})


# --- in parts -----------------------------------------------------------------------------------------------------------


def parts(engine: "Engine") -> dict[str, Tracked[Any, Any]]:
    """The dicts that make up an engine's state, by name. Contracts are their owner's, who knows more of them."""
    ledger = engine.ledger
    return {
        "cash": ledger.cash,
        "rate": ledger.rates,
        "realized": ledger.realized_pnl,
        "commission": ledger.commissions,
        "position": ledger.positions,
        "mark": engine.marks,
        "volume": engine.volumes,
        "order": engine.orders,
    }


# How a part's rows are read; the others are numbers.
_READ: dict[str, Callable[[Any], Value]] = {
    "position": SimPosition.model_validate,
    "mark": Mark.model_validate,
    "order": lambda body: SimOrder.model_validate(_order_body(body)),
}


def rows(engine: "Engine", whole: bool) -> Rows:
    """What changed since the last `keep`, or everything, in JSON types."""
    found: Rows = {}
    for name, part in parts(engine).items():
        values = dict(part) if whole else part.changed()
        body: Callable[[Any], Any] = _dump_model if name in _READ else str
        found |= {(name, str(key)): None if value is ABSENT else body(value) for key, value in values.items()}
    return found


def take_rows(engine: "Engine", changed: Rows) -> None:
    """Set an engine to rows that were written by another one; parts it does not know are left alone.

    Raises:
        InputError: A row is none of `rows`.
    """
    known = parts(engine)
    for (name, key), body in changed.items():
        if name not in known:
            continue
        inner: Any = int(key) if name == "order" else key
        if body is None:
            known[name].pop(inner)
            continue
        try:
            known[name][inner] = _READ[name](body) if name in _READ else Decimal(body)
        except ValidationError as error:
            raise _fault(error, f"{name}.{key}.") from error
        except (ArithmeticError, TypeError, ValueError) as error:
            raise InputError("expected a number", source=SOURCE, field=f"{name}.{key}", value=body) from error
    keep(engine)
    engine.index([int(key) for name, key in changed if name == "order"])


def keep(engine: "Engine") -> None:
    """What stands now is what `undo` goes back to."""
    for part in parts(engine).values():
        part.keep()
    engine.contracts.keep()


def undo(engine: "Engine") -> None:
    """Go back to the last `keep`."""
    new = [engine.orders[key] for key, value in engine.orders.before.items() if value is ABSENT]
    touched = list(engine.orders.before)
    for part in parts(engine).values():
        part.undo()
    if engine.contracts.undo():
        engine.reserved.all_changed()
    engine.forget(new)
    engine.index(touched)


def _order_body(body: Any) -> Any:
    """An order as this version writes it, of one that version 2 wrote."""
    if not isinstance(body, Mapping):
        return body
    upgraded = {key: value for key, value in body.items() if key != "leg_ids"}
    if upgraded.get("leg") and not upgraded.get("group"):
        upgraded["group"] = group_of(upgraded["parent_id"])
    return upgraded


def _dump_model(value: Value) -> dict[str, Any]:
    return value.model_dump(mode="json", exclude_defaults=True)


def _fault(error: ValidationError, prefix: str) -> InputError:
    first = error.errors()[0]
    where = prefix + ".".join(str(part) for part in first["loc"])
    return InputError(first["msg"], source=SOURCE, field=where, value=first.get("input"))
