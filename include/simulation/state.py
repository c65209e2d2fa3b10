"""An engine as plain JSON types and back, exactly."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from include.domain.model import Value
from include.errors import InputError
from include.simulation.costs import Costs
from include.simulation.ledger import SimPosition
from include.simulation.orders import Mark, SimContract, SimOrder

if TYPE_CHECKING:
    from include.simulation.engine import Engine

VERSION = 1


class EngineState(Value):
    """The whole document; unknown fields are an error, so an older program never half-reads a newer state."""

    version: int = VERSION
    costs: Costs
    seed: int
    settle_in: str | None
    cash: dict[str, Decimal]
    rates: dict[str, Decimal]
    realized_pnl: dict[str, Decimal]
    positions: tuple[SimPosition, ...]
    contracts: tuple[SimContract, ...]
    marks: dict[str, Mark]
    orders: tuple[SimOrder, ...]


_ADAPTER = TypeAdapter(EngineState)


def dump(engine: "Engine", whole: bool) -> dict[str, Any]:
    """The engine's state in JSON types, with all contracts and marks or only those in use."""
    ledger = engine.ledger
    used = set(ledger.positions) | {order.native_id for order in engine.orders.values()}
    contracts = engine.contracts if whole else {key: value for key, value in engine.contracts.items() if key in used}
    marks = engine.marks if whole else {key: value for key, value in engine.marks.items() if key in used}
    document = EngineState(
        costs=engine.costs,
        seed=engine.seed,
        settle_in=ledger.settle_in,
        cash=ledger.cash,
        rates=ledger.rates,
        realized_pnl=ledger.realized_pnl,
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
        whole = _ADAPTER.validate_python(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(first["msg"], source="simulation state", field=where, value=first.get("input")) from error
    if whole.version != VERSION:
        raise InputError(f"expected version {VERSION}", source="simulation state", field="version", value=whole.version)
    engine.costs, engine.seed = whole.costs, whole.seed
    ledger = engine.ledger
    ledger.settle_in, ledger.cash, ledger.rates = whole.settle_in, dict(whole.cash), dict(whole.rates)
    ledger.realized_pnl = dict(whole.realized_pnl)
    ledger.positions = {position.native_id: position for position in whole.positions}
    engine.contracts = {contract.native_id: contract for contract in whole.contracts}
    engine.marks = dict(whole.marks)
    engine.orders = {order.order_id: order for order in whole.orders}
