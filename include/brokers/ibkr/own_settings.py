"""The keys of `include/config/brokers/ibkr.yaml` that are this adapter's own."""

from typing import ClassVar, Literal

from pydantic import Field

from include.domain.model import Value


class ClientIds(Value):
    """One exclusive id for orders, others for reading."""

    orders: int = Field(1, ge=0)
    reading: tuple[int, ...] = Field((11,), min_length=1)


class IbkrSettings(Value):
    """What the YAML says beyond the keys of every broker.

    Attributes:
        endpoints: What `pacing` may give a weight.
        library: Of the client; `auto`: whichever is installed.
        order_poll_seconds: How often the orders of other clients are looked at while orders are followed live.
        lookup_ttl_hours / not_found_ttl_hours: How long answers of look-ups are kept.
        exchange_mics: IBKR's word for a primary exchange to its MIC.
    """

    endpoints: ClassVar[frozenset[str]] = frozenset({"connect", "name_search", "bars", "order", "read"})

    client_ids: ClientIds = ClientIds()
    library: Literal["auto", "ib_insync", "ib_async"] = "auto"
    timeout_seconds: float = Field(20, gt=0)
    order_poll_seconds: float = Field(5, gt=0)
    lookup_ttl_hours: float = Field(168, ge=0)
    not_found_ttl_hours: float = Field(24, ge=0)
    exchange_mics: dict[str, str] = Field(default_factory=dict)
