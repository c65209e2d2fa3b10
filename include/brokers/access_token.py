"""The access token of one login: asked for once, and used by every process that logs in alike."""

import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from include.domain.token import Token
from include.errors import InputError

log = logging.getLogger(__name__)

EARLY = timedelta(seconds=60)  # a token is renewed so long before its end


class TokenKeeper(Protocol):
    """Where tokens outlive a process, encrypted (`include/storage/tokens.py`). What does not answer raises `Transient`."""

    def get(self, name: str) -> Token | None:
        """The token of a name; None where there is none. Raises `InputError` where it cannot be decrypted."""

    def put(self, name: str, token: Token, at: datetime) -> None:
        """Keep a token in the place of the one before."""

    def turn(self, name: str) -> AbstractContextManager[object]:
        """While it is held nobody else has the turn for this name. Raises `Transient` where another one does not end."""


def token_name(broker: str, *login: str) -> str:
    """The name of a login's token, `<broker>:<hash>`.

    Args:
        broker: Its name.
        login: Everything that the token is asked for with (address, client id, secret): with another login it is another name, so
            that nobody ever takes a token that was given to somebody else.
    """
    return f"{broker}:{hashlib.sha256(chr(0).join(login).encode()).hexdigest()[:16]}"


class AccessToken:
    """One login's token, in memory and with the keeper. Thread-safe.

    A broker that wants a person to log in gives a `fetch` that raises `AuthenticationFailed` (`LoginFlow.renew`); the log-in
    itself (`polybroker tokens login`) puts the token into the keeper for everybody.

    Args:
        fetch: Asks the broker for a new one, given the one before (ended or refused, None where there is none); None: `token` is
            all there is.
        name: Under which it is kept, see `token_name`.
        keeper: None: it lives in this process alone.
        token: To begin with.
        clock: Aware UTC.
    """

    def __init__(
        self,
        fetch: Callable[[Token | None], Token] | None,
        *,
        name: str = "",
        keeper: TokenKeeper | None = None,
        token: Token | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._fetch, self._name, self._keeper = fetch, name, keeper
        self._token, self._clock = token, clock
        self._lock = threading.Lock()

    @property
    def can_renew(self) -> bool:
        """Whether there is a way to another one."""
        return self._fetch is not None

    @property
    def is_stale(self) -> bool:
        """Whether there is none in this process, or its end is near; one that cannot be renewed is used to its end."""
        return self.can_renew and not self._is_good(self._token)

    def current(self) -> str:
        """A token that is good for a while: this process's, else the kept one, else a new one.

        Raises:
            AuthenticationFailed: The broker refuses the login, or wants a person.
            Transient: No new one can be had now. Nothing was sent.
        """
        with self._lock:
            if self.is_stale:
                self._renew(unwanted=None)
            return self._value or ""

    def replace(self, refused: str) -> str:
        """A token in the place of one that the broker refused: the newer one if there is one by now, else a new one.

        Raises:
            AuthenticationFailed, Transient: As `current`. The refused one stays kept: a broker's hiccup costs nobody a log-in,
                and whoever takes it meanwhile hears the same.
        """
        with self._lock:
            if self.can_renew and self._value == refused:
                self._renew(unwanted=refused)
            return self._value or ""

    def renew(self) -> None:
        """Have another one than now, unless that one does not end. Raises as `current`."""
        with self._lock:
            if self.is_stale or (self._token is not None and self._token.expires_at is not None and self.can_renew):
                self._renew(unwanted=self._value)

    @property
    def _value(self) -> str | None:
        return None if self._token is None else self._token.value.get_secret_value()

    def _is_good(self, token: Token | None) -> bool:
        return token is not None and (token.expires_at is None or self._clock() < token.expires_at - EARLY)

    def _renew(self, unwanted: str | None) -> None:
        """Take the kept one where it is another one than `unwanted`; else fetch, one process at a time."""
        assert self._fetch is not None
        if self._keeper is None:
            self._token = self._fetch(self._token)
            return
        if self._took(self._kept(self._keeper), unwanted):
            return
        with self._keeper.turn(self._name):
            kept = self._kept(self._keeper)
            if self._took(kept, unwanted):  # whoever had the turn before was faster
                return
            self._token = self._fetch(kept)
            self._keeper.put(self._name, self._token, self._clock())

    def _kept(self, keeper: TokenKeeper) -> Token | None:
        try:
            return keeper.get(self._name)
        except InputError as error:  # the key was changed: what nobody can read any more is replaced
            log.warning("%s: a new token is asked for: %s", self._name, error)
            return None

    def _took(self, kept: Token | None, unwanted: str | None) -> bool:
        if kept is None or not self._is_good(kept) or kept.value.get_secret_value() == unwanted:
            return False
        self._token = kept
        return True
