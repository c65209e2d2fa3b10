"""Tokens that a broker gives and renews (OAuth), kept encrypted: whoever reads the database alone learns none.

The key is Airflow's own (`AIRFLOW__CORE__FERNET_KEY`), or `POLYBROKER_FERNET_KEY` where there is no Airflow. Several keys with
commas, as Airflow takes them: the first encrypts, all decrypt; after `rotate` the others can go.
"""

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from sqlalchemy import Connection, select, update

from include.domain.token import Token
from include.errors import InputError
from include.storage.database import Database
from include.storage.leases import lease
from include.storage.tables import tokens

OWN_KEY, AIRFLOW_KEY = "POLYBROKER_FERNET_KEY", "AIRFLOW__CORE__FERNET_KEY"
TURN_SECONDS = 60.0  # longer than a log-in takes; a process that died in the middle of one is followed after it
KEPT_AFTER_END = timedelta(days=90)  # its refresh token may outlive it: whoever was away for a season logs in again


def cipher(environ: Mapping[str, str]) -> MultiFernet:
    """What encrypts tokens.

    Args:
        environ: Usually `os.environ`; `POLYBROKER_FERNET_KEY` wins over Airflow's.

    Raises:
        InputError: There is no key, or one that is none; it is not quoted.
    """
    name = OWN_KEY if environ.get(OWN_KEY, "").strip(" ,") else AIRFLOW_KEY
    keys = [key.strip() for key in environ.get(name, "").split(",") if key.strip()]
    if not keys:
        raise InputError(f"expected {OWN_KEY} or {AIRFLOW_KEY} to be set: tokens are kept encrypted", source="environment")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise InputError("expected Fernet keys with commas: 32 url-safe base64-encoded bytes each", source=name) from None


def token_store(database: Database, environ: Mapping[str, str]) -> "TokenStore | None":
    """The tokens of a database; None without a key in the environment: tokens then live in the process that asked for them.

    Raises:
        InputError: A key that is none.
    """
    has_key = any(environ.get(name, "").strip(" ,") for name in (OWN_KEY, AIRFLOW_KEY))
    return TokenStore(database, cipher(environ)) if has_key else None


def token_names(database: Database) -> dict[str, datetime | None]:
    """Name to when it expires, of every token in the database, sorted; it needs no key."""
    with database.read() as connection:
        rows = connection.execute(select(tokens.c.name, tokens.c.expires_at).order_by(tokens.c.name)).all()
    return {row.name: row.expires_at for row in rows}


class TokenStore:
    """The tokens in the database, by name (`<broker>:<hash of the login>`): an `include.brokers.access_token.TokenKeeper`."""

    def __init__(self, database: Database, keys: MultiFernet) -> None:
        self._database = database
        self._keys = keys

    def put(self, name: str, token: Token, at: datetime) -> None:
        """Keep a token in the place of the one before; those of any name that ended `KEPT_AFTER_END` ago go."""
        # The name is encrypted too: a row that somebody copied to another name is not taken for that one's token.
        refresh = None if token.refresh is None else token.refresh.get_secret_value()
        secret = self._keys.encrypt(json.dumps([name, token.value.get_secret_value(), refresh]).encode())
        row = {"name": name, "secret": secret, "expires_at": token.expires_at, "updated_at": at}
        insert = self._database.insert(tokens)
        changed = {column: insert.excluded[column] for column in row if column != "name"}
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=changed), row)
            connection.execute(tokens.delete().where(tokens.c.expires_at < at - KEPT_AFTER_END))

    def get(self, name: str) -> Token | None:
        """The token of a name; None where there is none.

        Raises:
            InputError: None of the keys decrypts it.
        """
        with self._database.read() as connection:
            row = connection.execute(select(tokens.c.secret, tokens.c.expires_at).where(tokens.c.name == name)).first()
        if row is None:
            return None
        owner, value, *more = json.loads(self._opened(name, row.secret))  # a row of the time before refresh tokens has two
        if owner != name:
            raise InputError(f"expected the token of {name}, found another's: log in again", source="tokens", field=name)
        refresh = SecretStr(more[0]) if more and more[0] else None
        return Token(value=SecretStr(value), expires_at=row.expires_at, refresh=refresh)

    def forget(self, name: str) -> bool:
        """Remove a token; False where there was none."""
        with self._database.write() as connection:
            return connection.execute(tokens.delete().where(tokens.c.name == name).returning(tokens.c.name)).first() is not None

    def turn(self, name: str, wait_seconds: float = TURN_SECONDS) -> AbstractContextManager[object]:
        """Held by one process at a time, for asking the broker for a token of that name; no transaction stays open meanwhile.

        Raises:
            Transient: Another process still had it after `wait_seconds`, or the database does not answer.
        """
        return lease(self._database, f"token:{name}", f"process {os.getpid()}", TURN_SECONDS, wait_seconds)

    def rotate(self) -> int:
        """Encrypt every token with the first key. Returns how many there are; with an error nothing is changed.

        Raises:
            InputError: None of the keys decrypts one of them.
        """
        with self._database.write() as connection:
            rows = connection.execute(select(tokens.c.name, tokens.c.secret)).all()
            for row in rows:
                self._rotate(connection, row.name, row.secret)
        return len(rows)

    def _rotate(self, connection: Connection, name: str, secret: bytes) -> None:
        self._opened(name, secret)
        connection.execute(update(tokens).where(tokens.c.name == name).values(secret=self._keys.rotate(secret)))

    def _opened(self, name: str, secret: bytes) -> bytes:
        try:
            return self._keys.decrypt(secret)
        except InvalidToken:
            expected = f"expected the key that this token was encrypted with among {OWN_KEY} or {AIRFLOW_KEY}, or a new log-in"
            raise InputError(expected, source="tokens", field=name) from None
