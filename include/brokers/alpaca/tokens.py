"""Access tokens: for client id and secret (they end after 15 minutes), or those that a person logs in for.

Client id and secret are OAuth 2's `client_credentials` (docs.alpaca.markets/docs/authentication; it says that broker partners get
them first). A person logs in with an app (docs.alpaca.markets/docs/using-oauth2-and-trading-api): the code is exchanged for a
token whose answer names neither an end nor a refresh token, and the page names no code challenge. So it is kept until Alpaca
refuses it, and then a person is needed again.
"""

from pydantic import SecretStr

from include.brokers.oauth import OAuthClient, OAuthLogin
from include.domain.account import Account, Environment
from include.domain.token import Token

TOKEN_URL = "https://authx.alpaca.markets/v1/oauth2/token"
LOGIN_URL = "https://app.alpaca.markets/oauth/authorize"
CODE_URL = "https://api.alpaca.markets/oauth/token"
SCOPE = "account:write trading data"


def client_token(client: OAuthClient) -> Token:
    """A token for client id and secret. Raises as `OAuthClient.ask`."""
    return client.ask({"grant_type": "client_credentials"}, ends=True)


def app_login(
    account: Account, app_id: str, app_secret: str, *, venue: str | None, timeout_seconds: float, trust_env: bool, whence: str
) -> OAuthLogin:
    """How a person logs in.

    Args:
        account: For which; a token is for the paper account or for the live one, never for both.
        app_id / app_secret: Client id and secret of the user's OAuth app.
        venue: Origin of a local venue; None: Alpaca.
        timeout_seconds / trust_env / whence: See `OAuthClient`.
    """
    client = OAuthClient(
        broker="alpaca",
        token_url=f"{venue}/oauth/token" if venue else CODE_URL,
        client_id=app_id,
        client_secret=SecretStr(app_secret),
        timeout_seconds=timeout_seconds,
        trust_env=trust_env,
        whence=whence,
    )
    return OAuthLogin(
        client=client,
        account_id=account.account_id,
        authorize_url=f"{venue}/oauth/authorize" if venue else LOGIN_URL,
        scope=SCOPE,
        pkce=False,
        more={"env": "live" if account.environment is Environment.LIVE else "paper"},
    )
