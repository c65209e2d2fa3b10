"""Keeps tokens in memory, as the database does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from include.domain.token import Token
from include.errors import InputError


class Keeper:
    """A `TokenKeeper` of one process.

    Attributes:
        kept: Tokens by name.
        turns: How many turns were taken.
        meanwhile: What another process does while one waits for its turn.
        locked_out: Whether what is kept was encrypted with another key.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Token] = {}
        self.turns = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.locked_out = False

    def get(self, name: str) -> Token | None:
        if self.locked_out:
            raise InputError("another key")
        return self.kept.get(name)

    def put(self, name: str, token: Token, at: datetime) -> None:
        self.locked_out = False
        self.kept[name] = token

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        self.turns += 1
        self.meanwhile()
        yield
