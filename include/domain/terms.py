"""Terms: what a broker's YAML declares about trading there, as far as choosing a broker needs it."""

from decimal import Decimal
from typing import Any, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from include.domain.contract import Contract
from include.domain.instrument import AssetClass
from include.domain.model import Value

# What every broker's answer in universe_mapped.json tells (`include/mapping/merge.py`).
_EVERY_ANSWER = frozenset(
    [
        "found",
        "status",
        "symbol",
        "native_id",
        "name",
        "exchange",
        "mic",
        "currency",
        "isin",
        "search_method",
        "score",
        "reason",
        "candidates",
    ]
)


class _Row(Value):
    """For which instruments a row is meant; empty lists fit everything, the first row that fits counts."""

    asset_classes: tuple[AssetClass, ...] = ()
    regions: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()

    def fits(self, asset_class: str, region: str, currency: str) -> bool:
        """Whether an instrument of this kind, region and currency is meant."""
        wanted = ((self.asset_classes, asset_class), (self.regions, region), (self.currencies, currency))
        return all(not allowed or value in allowed for allowed, value in wanted)


class Cost(_Row):
    """What an order costs; zeros are a broker's word, not a gap (a broker that is not known has no row).

    Attributes:
        commission_bp: Of the order's value.
        commission_per_unit: Money per share or coin.
        commission_minimum: Money per order.
        commission_currency: Of the two above; None: the instrument's.
        spread_bp: Typical half spread that is paid beyond the market's own, in bp.
    """

    commission_bp: Decimal = Field(Decimal(0), ge=0)
    commission_per_unit: Decimal = Field(Decimal(0), ge=0)
    commission_minimum: Decimal = Field(Decimal(0), ge=0)
    commission_currency: str | None = Field(None, pattern=r"^[A-Z]{3,5}$")
    spread_bp: Decimal = Field(Decimal(0), ge=0)


class Hours(_Row):
    """In how many hours of a week the broker trades (24/7: 168)."""

    per_week: Decimal = Field(gt=0, le=168)


class UniverseField(Value):
    """One more key of a broker's answer in `universe_mapped.json`; a bare name is a contract's field as it is.

    Attributes:
        field: Field of `Contract` it is taken from.
        words: What is written instead of a value; others stay.
        integer: Whether it is written as a whole number.
        prefix: Dropped from the start (a mirror names the source of its ids).
    """

    field: str
    words: dict[str, str] = Field(default_factory=dict)
    integer: bool = False
    prefix: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, given: Any) -> Any:
        return {"field": given} if isinstance(given, str) else given

    @field_validator("field")
    @classmethod
    def _of_a_contract(cls, name: str) -> str:
        if name not in Contract.model_fields:
            raise ValueError(f"expected a field of a contract: {', '.join(Contract.model_fields)}")
        return name


class Terms(Value):
    """What a broker's YAML declares; its other keys are its adapter's.

    Attributes:
        costs: First row that fits; none: not known.
        hours: First row that fits; none: not known.
        converts_currency: Whether it changes money by itself when an order needs it.
        universe_fields: Its own ids, in the words of who reads `universe_mapped.json`.
    """

    costs: tuple[Cost, ...] = ()
    hours: tuple[Hours, ...] = ()
    converts_currency: bool = False
    universe_fields: dict[str, UniverseField] = Field(default_factory=dict)

    @field_validator("universe_fields")
    @classmethod
    def _none_that_every_answer_has(cls, fields: dict[str, UniverseField]) -> dict[str, UniverseField]:
        if taken := sorted(_EVERY_ANSWER.intersection(fields)):
            raise ValueError(f"expected names that no answer has yet, not {', '.join(taken)}")
        return fields

    def mirroring(self, broker: str, mirrored: "Terms") -> Self:
        """With the fields of the broker it mirrors, whose name stands before every id; its own fields go first."""
        update = {name: field.model_copy(update={"prefix": f"{broker}:"}) for name, field in mirrored.universe_fields.items()}
        return self if self.universe_fields else self.model_copy(update={"universe_fields": update})


R = TypeVar("R", bound=_Row)


def first_fit(rows: tuple[R, ...], asset_class: str, region: str, currency: str) -> R | None:
    """The row for an instrument, or None."""
    return next((row for row in rows if row.fits(asset_class, region, currency)), None)
