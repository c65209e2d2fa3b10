"""A process's part of what all processes of a login share: slots of its rate limits, and a client id.

With a store they are leased through it (`include/brokers/slots.py`); without one this process has all of them.
"""

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from include.brokers.share import POLL_SECONDS, Share
from include.brokers.shared_state import SharedState
from include.brokers.slots import Limit
from include.errors import PolybrokerError, Transient

log = logging.getLogger(__name__)
ID_TTL_SECONDS = 60.0
ID_WAIT_SECONDS = 30.0


class Budgets:
    """What one open broker may use up of its login's limits; closed with it.

    Args:
        state: Shared by all processes.
        source: The broker in one environment.
        clock: Seconds since the epoch; None: the system's, which somebody may set.
    """

    def __init__(self, state: SharedState, source: str, *, clock: Callable[[], float] | None = None) -> None:
        self._state, self._source, self._clock = state, source, clock
        self._shares: dict[str, Share] = {}
        self._ids: dict[str, _HeldId] = {}

    def share(self, login: str, limit_name: str, limit: Limit) -> Share:
        """The part of a limit; the same one when asked again.

        Args:
            login: Whose limit it is, e.g. the key or the address; only a hash of it is kept.
            limit_name: As the broker's YAML calls it.
            limit: The whole.
        """
        name = self._name("slots", login, limit_name)
        if name not in self._shares:
            self._shares[name] = Share(limit, self._state, name, clock=self._clock)
        return self._shares[name]

    def client_id(self, login: str, ids: Sequence[int], *, sleep: Callable[[float], None] = time.sleep) -> int:
        """One of these ids that no other process holds; kept until `close`, the same one when asked again.

        Raises:
            Transient: Others hold all of them, also after some waiting.
        """
        name = self._name("client", login, ",".join(map(str, ids)))
        if name not in self._ids:
            self._ids[name] = _HeldId(self._state, self._name("clients", login, ""), ids, self._clock or time.time, sleep)
        return self._ids[name].client_id

    def close(self) -> None:
        """Give everything back; what cannot be given back expires."""
        for give_back in (*(each.close for each in self._shares.values()), *(each.close for each in self._ids.values())):
            try:
                give_back()
            except PolybrokerError as error:
                log.warning("a part of %s's budget is left to expire: %s", self._source, error)
        self._shares.clear()
        self._ids.clear()

    def _name(self, kind: str, login: str, what: str) -> str:
        return f"{kind}:{self._source}:{hashlib.sha256(login.encode()).hexdigest()[:12]}:{what}"


class _HeldId:
    """A client id, held until it is closed: a thread renews it. A process that died loses it a minute later."""

    def __init__(
        self, state: SharedState, name: str, ids: Sequence[int], clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._state, self._name, self._clock = state, name, clock
        self._token, self._closed = uuid.uuid4().hex, threading.Event()
        self.client_id = self._first(ids, sleep)
        threading.Thread(target=self._renew, name="client-id", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        self._state.change(self._name, lambda held: ({key: row for key, row in held.items() if row[0] != self._token}, None))

    def _first(self, ids: Sequence[int], sleep: Callable[[float], None]) -> int:
        waited = 0.0
        while (found := self._state.change(self._name, lambda held: self._take(held or {}, ids))) is None:
            if waited >= ID_WAIT_SECONDS:
                held = f"other tasks hold every client id of this login ({', '.join(map(str, ids))})"
                raise Transient(f"{held}: wait for them, or list more (client_ids in the broker's YAML)")
            sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        return found

    def _take(self, held: dict[str, Any], ids: Sequence[int]) -> tuple[Any, int | None]:
        now = self._clock()
        # Nobody writes a later end than this: where there is one, the clock was set back.
        kept = {key: [token, min(until, now + ID_TTL_SECONDS)] for key, (token, until) in held.items() if until > now}
        free = next((each for each in ids if str(each) not in kept), None)
        return (kept if free is None else {**kept, str(free): [self._token, now + ID_TTL_SECONDS]}), free

    def _renew(self) -> None:
        while not self._closed.wait(ID_TTL_SECONDS / 3):
            try:
                self._state.change(self._name, lambda held: (self._renewed(held or {}), None))
            except PolybrokerError as error:
                log.warning("client id %d could not be renewed: %s", self.client_id, error)

    def _renewed(self, held: dict[str, Any]) -> dict[str, Any]:
        if held.get(str(self.client_id), [self._token])[0] != self._token:
            return held  # lost while this process stood still: the broker refuses whoever comes second
        return {**held, str(self.client_id): [self._token, self._clock() + ID_TTL_SECONDS]}
