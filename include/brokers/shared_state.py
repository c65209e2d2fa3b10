"""What all processes that use a broker know together: small documents, changed by one of them at a time."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class SharedState(Protocol):
    """Where the documents are kept (`include/storage/shared_states.py`). Documents are plain JSON values."""

    def read(self, name: str) -> Any:
        """The document; None where there is none. Raises `Transient` where the store does not answer."""

    def change(self, name: str, work: Callable[[Any], tuple[Any, T]]) -> T:
        """Replace a document by the first, and give the second, of what `work` makes of it (None: there is none yet).

        Raises:
            Transient: The store does not answer; nothing was changed.
        """
