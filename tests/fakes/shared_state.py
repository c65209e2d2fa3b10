"""Shared documents in memory, for what several processes would change in the database."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from include.errors import Transient

T = TypeVar("T")


class MemoryState:
    """Keeps documents as text, as a database would.

    Attributes:
        away: True while it does not answer.
    """

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.away = False
        self.changes = 0

    def read(self, name: str) -> Any:
        self._reach()
        return json.loads(self.documents.get(name, "null"))

    def change(self, name: str, work: Callable[[Any], tuple[Any, T]]) -> T:
        self._reach()
        after, answer = work(self.read(name))
        self.documents[name] = json.dumps(after)
        self.changes += 1
        return answer

    def _reach(self) -> None:
        if self.away:
            raise Transient("the database is locked")
