"""Proof that an account is in the environment it claims. Used by every adapter's `prove_environment`."""

import hashlib
import ipaddress

from include.domain.account import Environment

# The end of a message about an account that claims `sandbox` and is none of ours.
SANDBOX_ADVICE = (
    ": a sandbox is a local venue of `polybroker sandbox up`, its token POLYBROKER_SANDBOX_TOKEN or the file `token` in its "
    "folder; for another account change `environment` in the portfolio's YAML"
)


def sandbox_account_code(prefix: str, token: str) -> str:
    """The account code that only a local venue started with `token` can show.

    A venue answers with this code; a real broker never issues one. `prefix` keeps the broker's own look (`DU` for IBKR).
    """
    return f"{prefix}SBX{hashlib.sha256(token.encode()).hexdigest()[:8].upper()}"


def source_of(broker: str, environment: Environment, sandbox_token: str | None) -> str:
    """Where a broker's ids are valid: its name and environment, and for a sandbox which one.

    Caches and kept contract lists are filed under it, so that an id made up by a local venue never reaches a real account.
    """
    if environment is not Environment.SANDBOX:
        return f"{broker}-{environment.value}"
    return f"{broker}-{sandbox_account_code('', sandbox_token or '').lower()}"


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses; names other than `localhost` are never resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
