"""Misbehaviour of a venue on demand: counted faults, from code or through a file while the venue runs."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from include.errors import InputError
from include.sandbox.files import write_json


class Fault(StrEnum):
    """Misbehaviour that every venue knows whose protocol can express it, under one name; venues have others of their own."""

    ACCEPT_THEN_SILENT = "accept_then_silent"  # the order stands, no word of it comes
    ACCEPT_THEN_DROP = "accept_then_drop"  # the order stands, the connection dies
    SERVER_ERROR = "server_error"  # 5xx, nothing was done
    ACCEPT_THEN_SERVER_ERROR = "accept_then_server_error"  # 5xx, and the order stands
    TOO_MANY_REQUESTS = "too_many_requests"  # 429 with Retry-After; TWS: error 100
    DROP_CONNECTION = "drop_connection"  # before anything was done
    HALF_RESPONSE = "half_response"  # the connection dies in the middle of an answer
    MALFORMED_BODY = "malformed_body"  # an answer that is none
    DUPLICATE_UPDATE = "duplicate_update"  # every word of an order is said twice
    REORDERED_UPDATES = "reordered_updates"  # the fill is told before the acceptance
    LATE_UPDATE = "late_update"  # the word of an order comes after a later request was answered
    PARTIAL_THEN_CANCEL = "partial_then_cancel"  # some is filled, then the venue cancels the rest
    FILL_AFTER_CANCEL = "fill_after_cancel"  # a cancelled order turns out to have filled
    ORDER_ID_ROLLED_BACK = "order_id_rolled_back"  # the venue's counter hands out numbers that were used
    CONNECTIVITY_LOST = "connectivity_lost"  # the venue has lost the market for a while, and fills happen meanwhile
    CLOCK_SKEW = "clock_skew"  # the venue's clock is minutes off
    EXPIRED_TOKEN = "expired_token"  # what the client authenticated with is no longer good
    REJECT_ORDER = "reject_order"


class Faults:
    """How often each fault is still to happen. The names are the venues' own (docs/sandbox.md).

    Args:
        path: `faults.json`, an object of name -> times (-1: until it is taken out), read at every question and counted down in
            place; None for none. Venues that share a folder share it; `<venue>.<name>` is meant for one of them.
        venue: Name of the venue that asks.
    """

    def __init__(self, path: Path | None = None, venue: str = "") -> None:
        self.path = path
        self.venue = venue
        self._counts: dict[str, int] = {}

    def add(self, name: str, times: int = 1) -> None:
        """Let a fault happen `times` more; -1: until `clear`."""
        self._counts[name] = -1 if times < 0 else max(self._counts.get(name, 0), 0) + times

    def clear(self) -> None:
        """Forget every fault added by `add`, and empty the file."""
        self._counts.clear()
        if self.path is not None and self.path.exists():
            with self._locked():
                write_json(self.path, {})

    def take(self, name: str) -> bool:
        """Whether the fault happens now; counts it down.

        Raises:
            InputError: `faults.json` is not an object of whole numbers.
        """
        if _count_down(self._counts, name):
            return True
        if self.path is None or not self.path.exists():
            return False
        with self._locked():
            counts = self._read()
            for key in (f"{self.venue}.{name}", name):
                if _count_down(counts, key):
                    write_json(self.path, counts)
                    return True
        return False

    def _read(self) -> dict[str, int]:
        assert self.path is not None
        try:
            counts: Any = json.loads(self.path.read_text(encoding="utf-8") or "{}")
        except ValueError as error:
            raise InputError(f"expected JSON: {error}", source=self.path) from error
        if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
            raise InputError("expected an object of fault names to whole numbers", source=self.path, value=counts)
        return counts

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        assert self.path is not None
        with open(self.path.with_suffix(".lock"), "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _count_down(counts: dict[str, int], name: str) -> bool:
    left = counts.get(name, 0)
    if left > 1:
        counts[name] = left - 1
    elif left == 1:
        del counts[name]
    return left != 0
