"""Tokens that a broker gives and renews (OAuth), kept encrypted: whoever reads the database alone learns none.

The key is Airflow's own (`AIRFLOW__CORE__FERNET_KEY`), or `POLYBROKER_FERNET_KEY` where there is no Airflow. Several keys with
commas, as Airflow takes them: the first encrypts, all decrypt; after `rotate` the others can go.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from sqlalchemy import Connection, select, update

from include.domain.model import Value
from include.errors import InputError
from include.storage.database import Database
from include.storage.tables import tokens

OWN_KEY, AIRFLOW_KEY = "POLYBROKER_FERNET_KEY", "AIRFLOW__CORE__FERNET_KEY"


class Token(Value):
    """One token.

    Attributes:
        value: Shown nowhere; `value.get_secret_value()` reads it.
        expires_at: Aware UTC; None: it does not tell.
    """

    value: SecretStr
    expires_at: datetime | None = None


def cipher(environ: Mapping[str, str]) -> MultiFernet:
    """What encrypts tokens.

    Args:
        environ: Usually `os.environ`; `POLYBROKER_FERNET_KEY` wins over Airflow's.

    Raises:
        InputError: There is no key, or one that is none; it is not quoted.
    """
    name = OWN_KEY if environ.get(OWN_KEY, "").strip() else AIRFLOW_KEY
    keys = [key.strip() for key in environ.get(name, "").split(",") if key.strip()]
    if not keys:
        raise InputError(f"expected {OWN_KEY} or {AIRFLOW_KEY} to be set: tokens are kept encrypted", source="environment")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise InputError("expected Fernet keys with commas: 32 url-safe base64-encoded bytes each", source=name) from None


class TokenStore:
    """The tokens in the database, by name (`<broker>:<account>:<what>`)."""

    def __init__(self, database: Database, keys: MultiFernet) -> None:
        self._database = database
        self._keys = keys

    def put(self, name: str, token: Token, at: datetime) -> None:
        """Keep a token in the place of the one before."""
        # The name is encrypted too: a row that somebody copied to another name is not taken for that one's token.
        secret = self._keys.encrypt(json.dumps([name, token.value.get_secret_value()]).encode())
        row = {"name": name, "secret": secret, "expires_at": token.expires_at, "updated_at": at}
        insert = self._database.insert(tokens)
        changed = {column: insert.excluded[column] for column in row if column != "name"}
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=changed), row)

    def get(self, name: str) -> Token | None:
        """The token of a name; None where there is none.

        Raises:
            InputError: None of the keys decrypts it.
        """
        with self._database.read() as connection:
            row = connection.execute(select(tokens.c.secret, tokens.c.expires_at).where(tokens.c.name == name)).first()
        if row is None:
            return None
        owner, value = json.loads(self._opened(name, row.secret))
        if owner != name:
            raise InputError(f"expected the token of {name}, found another's: log in again", source="tokens", field=name)
        return Token(value=SecretStr(value), expires_at=row.expires_at)

    def names(self) -> dict[str, datetime | None]:
        """Name to when it expires, sorted."""
        with self._database.read() as connection:
            rows = connection.execute(select(tokens.c.name, tokens.c.expires_at).order_by(tokens.c.name)).all()
        return {row.name: row.expires_at for row in rows}

    def forget(self, name: str) -> bool:
        """Remove a token; False where there was none."""
        with self._database.write() as connection:
            return connection.execute(tokens.delete().where(tokens.c.name == name).returning(tokens.c.name)).first() is not None

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
