"""Event: something that happened at one broker, under the topic `{broker}.{domain}.{event}`."""

from datetime import datetime
from typing import Any

from include.domain.model import Value


class Event(Value):
    """One line of the event log.

    Attributes:
        topic: `{broker}.{domain}.{event}`; `.dlq` is appended for what failed.
        time: Aware UTC.
        body: Plain JSON types.
    """

    topic: str
    time: datetime
    body: dict[str, Any]
