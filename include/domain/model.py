"""The base of every domain value: immutable, strict about unknown fields, JSON in and out."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value. `model_dump(mode="json")` gives plain JSON types (Decimal as text, UTC datetimes as ISO 8601)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)
