"""The codes that a log-in at the venue's page gave."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

CODE_TIME = timedelta(minutes=10)  # the longest that RFC 6749 (4.1.2) recommends; Alpaca says only that it is temporary


@dataclass(frozen=True)
class _Granted:
    redirect_uri: str
    scope: str
    ends: datetime


@dataclass
class Codes:
    """Codes that nobody has exchanged yet; they do not survive a restart."""

    _granted: dict[str, _Granted] = field(default_factory=dict)

    def issue(self, redirect_uri: str, scope: str, now: datetime) -> str:
        """A new code for an address and what was allowed there."""
        code = secrets.token_urlsafe(24)
        self._granted[code] = _Granted(redirect_uri, scope, now + CODE_TIME)
        return code

    def redeem(self, code: str, redirect_uri: str, now: datetime) -> str | None:
        """What was allowed, once; None for a code that is unknown, used, ended or another address's. Whoever tries uses it up."""
        granted = self._granted.pop(code, None)
        if granted is None or granted.redirect_uri != redirect_uri or now >= granted.ends:
            return None
        return granted.scope
