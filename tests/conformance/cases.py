"""The cases as a list: what each needs, and which broker has it. Read from the suite's classes without running anything."""

import itertools
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from inspect import getattr_static
from typing import Any, TypeVar

import pytest

from include.brokers.base import Broker, ResendClass
from include.domain.instrument import AssetClass
from include.domain.order import OrderType, TimeInForce
from include.errors import PolybrokerError
from include.sandbox.faults import Fault
from tests.conformance.harness import Ability, Harness, Without

F = TypeVar("F", bound=Callable[..., Any])
NUMBERED = re.compile(r"test_c(\d{3})_")
NOT_DECLARED = "not declared"
NO_VENUE = "venue cannot express it"
NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Needs:
    """What must be there for a case to mean something. A parameter of the same name as a field needs its value.

    Attributes:
        verb: Method of the port that the adapter must have made its own.
        flag: Field of `Capabilities` that must be true.
        resend: Only for brokers of this class.
        fault / read_fault / order_fault / stream_fault: What the venue must be able to do: at all, to a request that only reads,
            to an order that is submitted, to what the stream of orders tells.
        ability: The same.
        refusal: Error with which the venue can refuse an order.
        twins: Whether the venue must list something twice.
        measured: Takes a minute or measures time: only with `make conformance`.
        order_type / time_in_force / asset_class: What the adapter must declare.
    """

    verb: str | None = None
    flag: str | None = None
    resend: ResendClass | None = None
    fault: Fault | None = None
    read_fault: Fault | None = None
    order_fault: Fault | None = None
    stream_fault: Fault | None = None
    ability: Ability | None = None
    refusal: type[PolybrokerError] | None = None
    twins: bool = False
    measured: bool = False
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    asset_class: AssetClass = AssetClass.STOCK

    def unmet(self, column: type[Harness]) -> str | None:
        """Why a column does not run the case, in the page's words; None: it does."""
        if not self._declared(column):
            return NOT_DECLARED
        if next(self._missing(column), None) is None:
            return None
        return NOT_APPLICABLE if self.excuses(column) else NO_VENUE

    def excuses(self, column: type[Harness]) -> list[Without]:
        """Keys of `Harness.without` that tell why there is nothing to try; [] where the column has it, or merely cannot yet."""
        if not self._declared(column):
            return []
        keys: list[Without] = [key for field, value in self._missing(column) for key in (value, (field, value))]
        return [key for key in keys if key in column.without]

    def _declared(self, column: type[Harness]) -> bool:
        able = column.capabilities.for_kind(self.asset_class)
        return (
            (self.verb is None or getattr_static(column.broker_class, self.verb) is not getattr_static(Broker, self.verb))
            and (self.flag is None or bool(getattr(able, self.flag)))
            and self.resend in (None, able.resend)
            and (self.order_type is None or self.order_type in able.order_types)
            and (self.time_in_force is None or self.time_in_force in able.times_in_force)
            and self.asset_class in able.asset_classes
        )

    def _missing(self, column: type[Harness]) -> Iterator[tuple[str, Any]]:
        """(field, value) of what the venue has not."""
        has: dict[str, Container[Any]] = {
            "fault": column.faults,
            "read_fault": column.read_faults,
            "order_fault": column.order_faults,
            "stream_fault": column.stream_faults,
            "ability": column.abilities,
            "refusal": column.refusals,
            "asset_class": column.contracts,
            "twins": {False} if column.twins is None else {False, True},
        }
        for name, known in has.items():
            value = getattr(self, name)
            if value is not None and value not in known:
                yield name, value


FIELDS = frozenset(Needs.__dataclass_fields__)


def needs(**wanted: Any) -> Callable[[F], F]:
    """Say what a case needs."""

    def mark(case: F) -> F:
        case.needs = Needs(**wanted)  # type: ignore[attr-defined]
        return case

    return mark


def needs_of(case: Callable[..., Any], parameters: Mapping[str, Any]) -> Needs:
    """What one case needs with these parameters."""
    told = getattr(case, "needs", Needs())
    return Needs(**{**vars(told), **{name: value for name, value in parameters.items() if name in FIELDS}})


def word(value: Any) -> str:
    """A parameter in the page's words, and as pytest's id."""
    if isinstance(value, Enum):
        return str(value.value)
    return str(value.code).lower() if isinstance(value, type) and issubclass(value, PolybrokerError) else str(value)


over: Callable[..., pytest.MarkDecorator] = partial(pytest.mark.parametrize, ids=word)


@dataclass(frozen=True)
class Case:
    """One line of the page.

    Attributes:
        number: `401`.
        parameters: Words of the parameters, as in pytest's id; "" without.
        text: First line of the docstring.
        test: pytest's name of it.
    """

    number: str
    parameters: str
    text: str
    test: str
    needs: Needs = field(compare=False)


def all_cases(suite: type) -> Iterator[Case]:
    """Every case, by number.

    Raises:
        ValueError: A case has no number or no text, or a number stands twice.
    """
    names = sorted(name for name in dir(suite) if name.startswith("test_"))
    seen: dict[str, str] = {}
    for name in names:
        found, case = NUMBERED.match(name), getattr(suite, name)
        if found is None or not (case.__doc__ or "").strip():
            raise ValueError(f"expected a number and a docstring: {name}")
        if seen.setdefault(found[1], name) != name:
            raise ValueError(f"number {found[1]} stands twice: {seen[found[1]]}, {name}")
        text = case.__doc__.strip().splitlines()[0].rstrip(".")
        for parameters in _parameters(case):
            words = "-".join(word(value) for value in parameters.values())
            test = f"{name}[{words}]" if words else name
            yield Case(found[1], words, text, test, needs_of(case, parameters))


def _parameters(case: Any) -> Iterator[dict[str, Any]]:
    marks = [each for each in getattr(case, "pytestmark", []) if each.name == "parametrize"]
    choices = []
    for each in marks:
        names, values = each.args
        listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        choices.append([dict(zip(listed, row if len(listed) > 1 else [row], strict=True)) for row in values])
    for combination in itertools.product(*choices):
        yield {name: value for row in combination for name, value in row.items()}
