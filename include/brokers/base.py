"""The broker port: what every adapter offers and what is handed to it. Adapters only translate.

An adapter is a context manager: entering connects, authenticates and proves the environment as far as the broker lets it (or
the first request does, see `BrokerContext.connects_when_asked`); leaving closes. Its SDK is imported lazily inside its own
folder, and its exceptions never leave it: every method raises only `include.errors` classes.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

from include.brokers.access_token import TokenKeeper
from include.brokers.budgets import Budgets
from include.brokers.capabilities import Capabilities, Limit, ResendClass
from include.brokers.environment import source_of
from include.brokers.login import LoginFlow
from include.domain.account import Account, AccountSnapshot
from include.domain.bar import Bar, BarSize
from include.domain.contract import Contract
from include.domain.instrument import Instrument
from include.domain.market import Market
from include.domain.order import Fill, Order, OrderChange, OrderReport
from include.domain.quote import Quote
from include.errors import Unsupported

__all__ = [
    "AccountRows",
    "AccountStore",
    "Broker",
    "BrokerContext",
    "Capabilities",
    "ConnectionState",
    "Limit",
    "LookupCache",
    "ResendClass",
]


class ConnectionState(StrEnum):
    """Where a connection stands."""

    DISCONNECTED = "disconnected"  # never opened
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DEGRADED = "degraded"  # it answers, but not for everything: the line behind it is down, a token must be renewed
    CLOSED = "closed"  # for good: open another broker


class LookupCache(Protocol):
    """Answers of per-instrument look-ups, kept with an expiry (`include/storage/lookups.py`)."""

    def get(self, broker: str, keys: Sequence[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
        """Unexpired answers by key; a key that is absent was never asked or has expired; [] is a known "not found"."""

    def put(self, broker: str, answers: Mapping[str, list[dict[str, Any]]], fetched_at: datetime, expires_at: datetime) -> None:
        """Store answers (rows of `CONTRACT_SCHEMA` as plain JSON types)."""


AccountRows = dict[tuple[str, str], Any]  # (kind, key) -> JSON body, None for what is there no more


class AccountStore(Protocol):
    """Where the paper broker keeps its accounts (`include/storage/paper.py`): a head, and rows written as they change."""

    def version(self, account_id: str) -> int:
        """The account's newest version; 0 where there is none yet."""

    def load(self, account_id: str, after: int = 0) -> tuple[int, dict[str, Any], AccountRows] | None:
        """(version, head, rows written after version `after`), or None where there is no such account yet."""

    def save(self, account_id: str, changed: AccountRows, expected_version: int, head: dict[str, Any] | None = None) -> bool:
        """Write the next version; `expected_version` 0 expects no account yet, `head` None leaves it as it is.

        False: somebody else wrote meanwhile, and nothing was written. Raises `Transient` when it cannot be written now.
        """


@dataclass(frozen=True)
class BrokerContext:
    """Everything an adapter is given besides its account.

    Attributes:
        credentials: From the Airflow Connection or the environment; keys per broker documented in its adapter
            (`host`, `port`, `client_id`; `api_key`, `secret_key`, `base_url` ...). Never logged.
        config: The broker's YAML (`include/config/brokers/<name>.yaml`), a plain dict.
        markets: By id, of the configuration that `config` is from; None: those of the files as they are now.
        sandbox_token: The token of the local venues, for proving a `sandbox` account; None where there is none.
        lookups: Cache for per-instrument look-ups, or None for none.
        accounts: Account store for in-process accounts, or None.
        mirror: For `paper`: an already open reading broker whose contracts and quotes it mirrors, or None.
        for_orders: True when the caller will send orders (IBKR: the exclusive order client id), False for reading.
        connects_when_asked: True where caches may answer everything: entering does not connect, the first request does.
        budgets: Parts of rate limits and client ids that are shared with other processes; None: this process is alone.
        tokens: Where access tokens outlive this process (see `AccessToken`), or None.
    """

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)
    markets: Mapping[str, Market] | None = None
    sandbox_token: str | None = field(default=None, repr=False)
    lookups: LookupCache | None = None
    accounts: AccountStore | None = None
    mirror: "Broker | None" = None
    for_orders: bool = False
    connects_when_asked: bool = False
    budgets: Budgets | None = None
    tokens: TokenKeeper | None = None


class Broker(ABC):
    """One open account at one broker. Not thread-safe; one instance per task.

    Attributes:
        capabilities: What the adapter declares, of any account.
    """

    name: str
    capabilities: Capabilities

    def __init__(self, account: Account, context: BrokerContext) -> None:
        self.account = account
        self.context = context

    def __enter__(self) -> Self:
        if not self.context.connects_when_asked:
            self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def state(self) -> ConnectionState:
        """Where the connection stands; never asks the broker."""
        return ConnectionState.CONNECTED

    @property
    def able(self) -> Capabilities:
        """What can be done with this account as far as is known: `capabilities`, less what the broker told; never asks it."""
        return self.capabilities

    def discover(self) -> Capabilities:
        """Ask the broker what can be done with this account; afterwards `able` is the answer.

        An adapter only narrows (`Capabilities.without`, `.less`), and only by what was told: what could not be read, or is
        missing in an answer, takes nothing away.

        Raises:
            BrokerUnavailable: It could not be read.
        """
        return self.able

    def refresh(self) -> None:
        """Renew what the connection is authenticated with, before it expires; without tokens that expire nothing happens.

        Raises:
            AuthenticationFailed: The broker wants a person to log in again.
        """
        return

    @classmethod
    def login_flow(cls, account: Account, context: BrokerContext) -> LoginFlow:
        """How a person logs in for an account through the broker's web page; asks the broker nothing.

        Raises:
            Unsupported: There is no such page, or the account's credentials are of another kind.
            AuthenticationFailed: Half of the credentials that it takes.
        """
        raise Unsupported(f"{cls.name} has no log-in through a web page: see docs/accounts.md for its keys", broker=cls.name)

    @property
    def source(self) -> str:
        """Where this broker's ids are valid, see `source_of`: caches and kept lists are filed under it."""
        return source_of(self.name, self.account.environment, self.context.sandbox_token)

    def load(self) -> None:
        """Import the client library; called before `connect`, whose time is then the broker's. Nothing for one that is small."""
        return

    @abstractmethod
    def connect(self) -> None:
        """Connect and authenticate. Raises `BrokerUnavailable` or `AuthenticationFailed`."""

    @abstractmethod
    def close(self) -> None:
        """Disconnect; safe to call twice and after a failed `connect`."""

    @abstractmethod
    def prove_environment(self) -> None:
        """Check that the account is in the environment it claims: before `submit`, `modify` and `cancel`, not for reading.

        Raises:
            AuthenticationFailed: The claim has no proof, or the proof contradicts it.
        """

    @abstractmethod
    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """Contracts in `CONTRACT_SCHEMA`, in batches.

        A broker with `lists_all` ignores `wanted` and streams its whole list (tradable or not); one without asks for each
        wanted instrument, strongest key first, through the look-up cache. "Could not read" raises; it is never an empty list.
        """

    @abstractmethod
    def snapshot(self, session: str, taken_at: datetime) -> AccountSnapshot:
        """Equity, settled cash, positions and open orders, stamped with `session` and `taken_at`."""

    @abstractmethod
    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """Fresh quotes by native id, in currency units; a contract without a quote is absent. Empty input gives {}."""

    def fx_quotes(self, base: str, currencies: Sequence[str]) -> dict[str, Quote]:
        """Quotes by currency: units of that currency for one unit of `base`; absent where the broker has none.

        Raises:
            Unsupported: The broker quotes no currencies.
        """
        raise Unsupported(f"{self.name} quotes no currency pairs")

    @abstractmethod
    def submit(self, order: Order) -> OrderReport:
        """Send one order once, never re-sending by itself.

        Returns the broker's first word (accepted, filled, ...).

        Raises:
            Terminal: Refused: nothing stands at the broker (`DuplicateOrder`: the order stands under this id).
            Transient: Proven not to have arrived.
            OutcomeUnknown: May have arrived.
        """

    @abstractmethod
    def find_order(self, client_order_id: str) -> OrderReport | None:
        """The order by our id among open, completed and executed ones; None only when the broker definitely has none."""

    @abstractmethod
    def cancel(self, client_order_id: str) -> OrderReport:
        """Ask to cancel; gives the report afterwards (it may have filled). `OrderRejected` where there is no such order."""

    def modify(self, client_order_id: str, change: OrderChange) -> OrderReport:
        """Change a standing order; afterwards it is still found under the same id, even where the broker made another of it.

        Raises:
            OrderRejected: There is no such order, or it is final, or the broker refused the change: the order stands as before.
            OutcomeUnknown: The change may have arrived: `find_order` tells what stands.
        """
        raise Unsupported(f"{self.name} changes no standing orders", broker=self.name)

    def list_orders(self, *, open_only: bool = True) -> list[OrderReport]:
        """Orders of the account, whoever placed them, oldest first; [] only where the broker says that there is none.

        Args:
            open_only: False tells also those that are over, as far back as the broker does.
        """
        raise Unsupported(f"{self.name} lists no orders", broker=self.name)

    def fills(self, since: datetime) -> list[tuple[str, Fill]]:
        """(our client order id, or "" for orders of others, fill) of every execution at or after `since`, oldest first."""
        raise Unsupported(f"{self.name} lists no fills", broker=self.name)

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        """Bars that begin in [start, end), oldest first; [] where nothing was traded."""
        raise Unsupported(f"{self.name} tells no bars", broker=self.name)

    def clock_skew(self) -> timedelta | None:
        """How far the broker's clock is ahead of ours (negative: behind); None: it does not tell its time."""
        return None

    def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        """Quotes of contracts as they change, until the iterator is closed; the connection's end raises `BrokerUnavailable`.

        An adapter calls `stream_begun` (`include/brokers/streaming.py`) once the broker has confirmed that it will tell them.
        Silence after that is a quiet market, unless the protocol has heartbeats: those are the adapter's to watch.
        """
        raise Unsupported(f"{self.name} streams no quotes", broker=self.name)

    def stream_orders(self) -> AsyncIterator[OrderReport]:
        """Every change of the account's orders, duplicates and repetitions of the broker left out, until the iterator is closed.

        It begins, and may be quiet, as `stream_quotes`.
        A consumer that was away reads `list_orders` and `fills` first: what happened before the stream began is not told again.
        """
        raise Unsupported(f"{self.name} streams no orders", broker=self.name)
