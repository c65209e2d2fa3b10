"""Whether an account at Alpaca is in the environment that it claims: by host, and at a local venue by account number."""

from urllib.parse import urlsplit

from include.brokers.base import BrokerContext
from include.brokers.credentials import whence
from include.brokers.environment import SANDBOX_ADVICE, is_loopback, sandbox_account_code
from include.domain.account import Account, Environment
from include.errors import AuthenticationFailed

_HOSTS = {Environment.PAPER: "paper-api.alpaca.markets", Environment.LIVE: "api.alpaca.markets"}


def check(account: Account, context: BrokerContext, base_url: str, account_number: str) -> None:
    """Check host and account number against the claim.

    Args:
        account: What claims.
        context: The sandbox token, and the settings that a message names.
        base_url: Origin of the trading API.
        account_number: As the account itself told it.

    Raises:
        AuthenticationFailed: `paper` and `live` need Alpaca's host of that kind over https; `sandbox` needs a loopback host and
            the account number that only a venue started with this project's token shows.
    """
    url, claim = urlsplit(base_url), account.environment
    if claim is Environment.SANDBOX:
        token = context.sandbox_token
        if not token or not is_loopback(url.hostname or ""):
            words = f"alpaca: {url.hostname} is no local venue with a token, yet the account claims sandbox"
            raise AuthenticationFailed(f"{words}{SANDBOX_ADVICE}", broker="alpaca")
        if account_number != sandbox_account_code("", token):
            words = "alpaca: the local venue does not show this project's account number"
            raise AuthenticationFailed(f"{words}{SANDBOX_ADVICE}", broker="alpaca")
    elif url.scheme != "https" or url.port not in (None, 443) or url.hostname != _HOSTS[claim]:
        words = f"alpaca: {url.scheme}://{url.hostname} is not https://{_HOSTS[claim]}, the host of {claim.value} accounts"
        where = whence(context.config, account, "base_url")
        claimed = f"`environment` of account {account.account_id} in the portfolio's YAML"
        raise AuthenticationFailed(f"{words}: change the address ({where}), or {claimed}", broker="alpaca")
