"""The keys a local venue accepts when it is given none."""

import hashlib


def sandbox_keys(account_code: str) -> tuple[str, str]:
    """(api_key, secret_key) for an account code (`sandbox_account_code("", token)`).

    They are derived from the code, so that whoever has the token knows them too. They protect nothing: the venue listens on
    loopback only.
    """
    digest = hashlib.sha256(f"alpaca:{account_code}".encode()).hexdigest()
    return f"PK{account_code}", digest[:40]
