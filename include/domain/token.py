"""Token: what a broker gave for logging in, for a while."""

from datetime import datetime

from pydantic import SecretStr

from include.domain.model import Value


class Token(Value):
    """One token.

    Attributes:
        value: Shown nowhere; `value.get_secret_value()` reads it.
        expires_at: Aware UTC; None: it does not tell.
        refresh: What another one can be had with, without a person; likewise shown nowhere.
    """

    value: SecretStr
    expires_at: datetime | None = None
    refresh: SecretStr | None = None
