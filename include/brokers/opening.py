"""Opening a broker, the same for Airflow and for the command line: credentials, caches and the mirrored broker are handed in."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from include.brokers.access_token import TokenKeeper
from include.brokers.base import AccountStore, Broker, BrokerContext, LookupCache
from include.brokers.breaker import Breaker, EventStore
from include.brokers.budgets import Budgets
from include.brokers.credentials import Keys, credentials_from_environment, scrub
from include.brokers.environment import source_of
from include.brokers.guarded import Guarded
from include.brokers.login import LoginFlow
from include.brokers.measures import CallStore, Measures
from include.brokers.patience import Policy
from include.brokers.registry import broker_class, create_broker
from include.brokers.shared_state import SharedState
from include.domain.account import Account, Environment
from include.domain.portfolio import Portfolio
from include.errors import PolybrokerError
from include.settings import Settings

Credentials = Callable[[Account], Mapping[str, str]]


@contextmanager
def open_broker(
    account: Account,
    *,
    settings: Settings,
    credentials: Credentials,
    lookups: LookupCache | None = None,
    accounts: AccountStore | None = None,
    shared: SharedState | None = None,
    calls: CallStore | None = None,
    events: EventStore | None = None,
    tokens: TokenKeeper | None = None,
    sandbox_token: str | None = None,
    for_orders: bool = False,
    connects_when_asked: bool = False,
) -> Iterator[Broker]:
    """A connected broker for one account, closed afterwards.

    Args:
        account: Whose account, and which environment it claims.
        settings: Where the broker's YAML is read from.
        credentials: Gives the keys of an account; asked for the account and, at `paper`, for the broker it mirrors.
        lookups: Cache of per-instrument look-ups.
        accounts: Where in-process accounts are kept.
        shared: What all processes know together: circuit breakers, parts of rate limits, client ids. None: this process is alone.
        calls: Where calls are counted; None: nowhere.
        events: Where openings and closings of circuit breakers are kept; None: nowhere.
        tokens: Where access tokens are kept for other processes; None: nowhere.
        sandbox_token: Token of the local venues; proves a sandbox account.
        for_orders: True where orders will be sent (IBKR's exclusive client id).
        connects_when_asked: True where caches may answer everything, so that nobody has to be connected to.

    Raises:
        InputError: The broker is not configured.
        BrokerUnavailable: It, or the one it mirrors, cannot be reached.
        AuthenticationFailed: Its keys were refused.
    """
    config = settings.brokers.get(account.broker, {})
    mirrored = config.get("mirrors")
    keys = Keys(credentials(account))
    with ExitStack() as stack, _scrubbed((*keys.secrets, *filter(None, [sandbox_token]))):
        mirror = None
        if mirrored:
            reader = reading_account(str(mirrored), settings.portfolios)
            mirror = stack.enter_context(
                open_broker(
                    reader,
                    settings=settings,
                    credentials=credentials,
                    lookups=lookups,
                    shared=shared,
                    calls=calls,
                    events=events,
                    tokens=tokens,
                    sandbox_token=sandbox_token,
                    connects_when_asked=connects_when_asked,
                )
            )
        context = BrokerContext(
            credentials=keys,
            config=config,
            markets=settings.markets,
            sandbox_token=sandbox_token,
            lookups=lookups,
            accounts=accounts,
            mirror=mirror,
            for_orders=for_orders,
            connects_when_asked=connects_when_asked,
            tokens=tokens,
        )
        if shared is not None:
            source = source_of(account.broker, account.environment, sandbox_token)
            context = replace(context, budgets=stack.enter_context(closing(Budgets(shared, source))))
        broker = create_broker(account, context, settings.brokers)
        yield stack.enter_context(_guarded(broker, shared, calls, events))


@contextmanager
def open_login(account: Account, *, settings: Settings, credentials: Credentials) -> Iterator[LoginFlow]:
    """How a person logs in for an account; nothing is connected. Whatever error leaves the block quotes none of the keys.

    Raises:
        InputError: The broker is not configured.
        Unsupported: It has no log-in through a web page, or the account's keys are of another kind.
        AuthenticationFailed: Half of the keys that it takes.
    """
    keys = Keys(credentials(account))
    with _scrubbed(keys.secrets):
        context = BrokerContext(credentials=keys, config=settings.brokers.get(account.broker, {}), markets=settings.markets)
        yield broker_class(account.broker, settings.brokers).login_flow(account, context)


def _guarded(broker: Broker, shared: SharedState | None, calls: CallStore | None, events: EventStore | None) -> Guarded:
    """What mirrors another broker fails as that one does: there it was repeated already, and counted against it."""
    mirrors = broker.context.mirror is not None
    return Guarded(
        broker,
        policy=Policy(attempts=1) if mirrors else Policy(),
        breaker=Breaker(shared, broker.source, events=events) if shared is not None and not mirrors else None,
        measures=Measures(calls, broker.name, broker.source) if calls is not None else None,
    )


@contextmanager
def _scrubbed(secrets: tuple[str, ...]) -> Iterator[None]:
    """Whatever error leaves the block, also of the caller's, quotes none of these."""
    try:
        yield
    except PolybrokerError as error:
        scrub(error, secrets)
        raise


def reading_account(broker: str, portfolios: tuple[Portfolio, ...]) -> Account:
    """The account through which a broker's lists and quotes are read: the first configured one, else one of its own."""
    for portfolio in portfolios:
        for account in portfolio.accounts:
            if account.broker == broker:
                return account
    return Account(account_id=f"{broker}-reader", broker=broker)


def environment_credentials(settings: Settings, environ: Mapping[str, str]) -> Credentials:
    """Keys out of variables such as `IB_HOST`; an account that claims `sandbox` is also led to the local venues that are up."""

    def of(account: Account) -> Mapping[str, str]:
        sandbox = account.environment is Environment.SANDBOX
        known = sandbox_environ(settings, environ) if sandbox else environ
        return credentials_from_environment(settings.brokers.get(account.broker, {}), known, account)

    return of


def sandbox_token(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """The local venues' token: `POLYBROKER_SANDBOX_TOKEN`, else the file `token` in the sandbox folder, else None."""
    if found := environ.get("POLYBROKER_SANDBOX_TOKEN"):
        return found
    path = Path(settings.environ.sandbox_dir) / "token"
    return path.read_text(encoding="utf-8").strip() or None if path.is_file() else None


def sandbox_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by the venues' `sandbox.env` for variables that are missing or empty.

    For accounts that claim `sandbox` alone: a process that was started before the venues finds them all the same.
    """
    path = Path(settings.environ.sandbox_dir) / "sandbox.env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = {name: value for name, _, value in (line.partition("=") for line in lines) if value}
    return found | {name: value for name, value in environ.items() if value}
