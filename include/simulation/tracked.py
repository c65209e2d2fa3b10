"""A dict that knows what changed since it was last said to be kept, and can go back to that."""

from collections.abc import Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")

ABSENT: Any = object()


class Tracked(dict[K, V]):
    """A dict of immutable values. Only item assignment, `del` and `pop` may change it: nothing else is noticed.

    Attributes:
        before: Key -> value it had when it was last kept (`ABSENT`: none), for every key that changed since.
    """

    def __init__(self, values: Mapping[K, V] | None = None) -> None:
        super().__init__(values or {})
        self.before: dict[K, Any] = {}

    def __setitem__(self, key: K, value: V) -> None:
        self.before.setdefault(key, self.get(key, ABSENT))
        super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        self.before.setdefault(key, self[key])
        super().__delitem__(key)

    def pop(self, key: K, default: Any = None) -> Any:
        """As a dict's, without an error for an absent key."""
        if key not in self:
            return default
        found = self[key]
        del self[key]
        return found

    def changed(self) -> dict[K, Any]:
        """Key -> value it has now (`ABSENT`: none any more), where that is another one than before."""
        now = {key: self.get(key, ABSENT) for key in self.before}
        return {key: value for key, value in now.items() if value is not self.before[key] and value != self.before[key]}

    def keep(self) -> None:
        """What stands now is what `undo` goes back to."""
        self.before.clear()

    def undo(self) -> list[K]:
        """Go back to what was kept; gives the keys that were touched."""
        touched = list(self.before.items())
        for key, value in touched:
            if value is ABSENT:
                super().pop(key, None)
            else:
                super().__setitem__(key, value)
        self.before.clear()
        return [key for key, _ in touched]
