"""What a connection to TWS is opened with: the address, client ids, and the account behind it."""

from collections.abc import Sequence

from include.brokers.base import BrokerContext
from include.brokers.credentials import whence
from include.brokers.environment import SANDBOX_ADVICE, is_loopback, sandbox_account_code
from include.brokers.ibkr.advice import advice_for
from include.brokers.ibkr.library import AUTO
from include.brokers.ibkr.session import Session
from include.brokers.pacing import Pacer
from include.domain.account import Account, Environment
from include.domain.pacing import Pacing
from include.errors import AuthenticationFailed, InputError


class Login:
    """One account behind one TWS.

    Args:
        account: Whose.
        context: Credentials, settings, and what is shared with other processes.

    Raises:
        InputError: No host, or a port that is none.
    """

    def __init__(self, account: Account, context: BrokerContext) -> None:
        self._account, self._context = account, context
        self._advice = advice_for(context.config, account, for_orders=context.for_orders)
        self.host, self.port = _address(context, account)
        pacing = Pacing.model_validate(context.config.get("pacing") or {})
        self._pacer = Pacer(pacing, context.budgets, f"{self.host}:{self.port}")  # of every connection to the address

    def session(self, client_ids: Sequence[int], *, readonly: bool, beside: Session | None = None) -> Session:
        """A connection under one of these ids, the one that this process holds first; TWS may know better which are free."""
        config = self._context.config
        return Session(
            self.host,
            self.port,
            self._leased(list(client_ids)),
            account=self._account.broker_account or "",
            timeout=float(config.get("timeout_seconds", 20)),
            pacer=self._pacer.beside(),
            readonly=readonly,
            library=str(config.get("library", AUTO)),
            beside=beside,
            advice=self._advice,
        )

    @property
    def client_ids(self) -> list[int]:
        """Of the main connection: the exclusive one where orders are sent, else those for reading."""
        if not self._context.for_orders:
            return self.reading_ids
        ids = self._context.config.get("client_ids", {})
        told = self._context.credentials.get("client_id") or ids.get("orders", 1)
        return [_whole(told, "client_id", self._context, self._account)]

    @property
    def reading_ids(self) -> list[int]:
        """Of connections that send no orders."""
        return [int(each) for each in self._context.config.get("client_ids", {}).get("reading", [11])]

    def choose_account(self, managed: Sequence[str]) -> str:
        """The account's code, out of those behind the login.

        Raises:
            InputError: The named one is not among them, or there are several and none is named.
        """
        named = self._account.broker_account
        if named is None and len(managed) == 1:
            return managed[0]
        if named in managed:
            return str(named)
        raise InputError(
            f"expected one of the accounts behind this login: {', '.join(managed)}; name it in the portfolio's YAML",
            source=f"account {self._account.account_id}",
            field="broker_account",
            value=named,
        )

    def prove(self, code: str) -> None:
        """Compare the claim with the account's code: `DU`, `DF` are IBKR's paper accounts, `U` its live ones.

        Raises:
            AuthenticationFailed: The claim has no proof, or the proof contradicts it.
        """
        claim, token = self._account.environment, self._context.sandbox_token
        is_sandbox = token is not None and is_loopback(self.host) and code == sandbox_account_code("DU", token)
        proven = {
            Environment.SANDBOX: is_sandbox,
            Environment.PAPER: code.startswith(("DU", "DF")) and not code.startswith("DUSBX"),
            Environment.LIVE: code.startswith("U"),
        }
        if not proven[claim]:
            words = f"IBKR account {code or '(none)'} at {self.host}:{self.port} is no proof of environment {claim.value}"
            what_to_do = SANDBOX_ADVICE if claim is Environment.SANDBOX else self._advice.wrong_account
            raise AuthenticationFailed(f"{words}{what_to_do}", broker="ibkr")

    def _leased(self, ids: list[int]) -> list[int]:
        if self._context.budgets is None:
            return ids
        held = self._context.budgets.client_id(f"{self.host}:{self.port}", ids)
        return [held, *(each for each in ids if each != held)]


def _address(context: BrokerContext, account: Account) -> tuple[str, int]:
    host = context.credentials.get("host")
    if not host:
        where = whence(context.config, account, "host")
        raise InputError(f"expected where TWS or IB Gateway listens ({where})", source="credentials of ibkr", field="host")
    return host, _whole(context.credentials.get("port"), "port", context, account)


def _whole(value: object, field: str, context: BrokerContext, account: Account) -> int:
    try:
        return int(str(value))
    except ValueError:
        expected = f"expected a whole number ({whence(context.config, account, field)})"
        raise InputError(expected, source="credentials of ibkr", field=field, value=value) from None
