"""What a broker brings to the conformance suite: its local venue, the way in, and a look at the venue's own books."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from include.brokers.base import Broker, Capabilities
from include.domain.account import Environment
from include.domain.contract import Contract
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import OrderState
from include.errors import BrokerUnavailable, PolybrokerError, Transient
from include.sandbox.faults import Fault, Faults
from tests.fakes.clock import SetClock

TOKEN = "token-of-the-conformance-suite"
NOW = datetime(2025, 9, 19, 14, 30, tzinfo=UTC)  # a Friday, New York is open
MARKED = datetime(2025, 9, 18, 20, 0, tzinfo=UTC)
CLOSE = datetime(2025, 9, 19, 20, 0, tzinfo=UTC)
PRICE = Decimal(200)  # mark of every column's stock


class Ability(StrEnum):
    """What a case asks of a venue besides faults; the words are those of the page."""

    REQUEST_LOG = "a log of what was asked"
    LIMITED_VOLUME = "a market with less than was ordered"
    RESTART = "a restart that keeps its books"
    STOP = "an end in the middle"
    CREDENTIALS = "credentials that can be wrong"
    PROOF = "an account that proves its environment"
    ADDRESS = "an address where nobody answers"
    ORDER_LOG = "a log of the orders it was sent"
    AUCTIONS = "opening and closing auctions"
    PACING = "a limit of requests"
    CURRENCIES = "pairs of currencies"
    RIGHTS = "an account from which rights can be taken"
    HUNDREDTHS = "quotes in hundredths of the currency unit"
    PROCESSES = "a login that several processes share"


# What a broker has not by its nature: a fault (or one in one place: `("order_fault", Fault.CLOCK_SKEW)`), an ability, a refusal.
Without = Fault | Ability | type[PolybrokerError] | tuple[str, Fault]


@dataclass(frozen=True)
class Standing:
    """One order as the venue's own books have it."""

    state: OrderState
    filled_quantity: Decimal


class Harness(ABC):
    """One running venue, new for every case. Everything declared on the class is read without starting it.

    Attributes:
        title: Of its column; "" for the adapter's name.
        capabilities: Of the adapter.
        broker_class: The adapter, for seeing which verbs it has.
        faults: The common faults that the venue can express.
        read_faults: Those of them that also strike requests which only read.
        order_faults: Those that strike while an order is submitted.
        stream_faults: Those that strike what the stream of orders tells.
        tells_on_stream: Whether the words on an order come on the stream of orders and nowhere else.
        abilities: What else it can do.
        contracts: Something tradable of each kind; the stock is marked 200.
        unpriced / unknown / dead: A contract without a mark, one that the venue does not have, one that it lists as not tradable.
        pence: Marked 3.5, quoted and traded in hundredths (`Ability.HUNDREDTHS`).
        wanted: How a screen names the stock.
        twins: A name that two contracts fit, and their native ids; None where the venue has no such thing.
        refusals: Class of error -> what must be changed on a good order so that this venue refuses it so.
        without: What this broker has not by its nature, and why, in words that can be checked: such cases are "not
            applicable". What its venue merely cannot do yet does not belong here.
        gone: What a look is while the venue is away.
        limit: Requests that the venue takes in any window of so many seconds.
        libraries: Other client libraries under which the column is run once more (`__main__.py`).
        burst: Settings under which a hundred orders go out at once, within `limit`.
        clock: The venue's, and the adapter's where it has one.
    """

    broker_class: ClassVar[type[Broker]]
    title: ClassVar[str] = ""
    capabilities: ClassVar[Capabilities]
    faults: ClassVar[frozenset[Fault]] = frozenset()
    read_faults: ClassVar[frozenset[Fault]] = frozenset()
    order_faults: ClassVar[frozenset[Fault]] = frozenset()
    stream_faults: ClassVar[frozenset[Fault]] = frozenset()
    tells_on_stream: ClassVar[bool] = False
    abilities: ClassVar[frozenset[Ability]] = frozenset()
    contracts: ClassVar[Mapping[AssetClass, Contract]]
    unpriced: ClassVar[Contract]
    unknown: ClassVar[Contract]
    dead: ClassVar[Contract]
    pence: ClassVar[Contract]
    wanted: ClassVar[Instrument]
    twins: ClassVar[tuple[Instrument, frozenset[str]] | None] = None
    refusals: ClassVar[Mapping[type[PolybrokerError], Mapping[str, Any]]] = {}
    without: ClassVar[Mapping[Without, str]] = {}
    gone: ClassVar[type[Transient]] = BrokerUnavailable
    limit: ClassVar[tuple[int, float]] = (0, 0.0)
    libraries: ClassVar[tuple[str, ...]] = ()
    burst: ClassVar[Mapping[str, Any]] = {}

    def __init__(self) -> None:
        self.clock = SetClock(NOW)
        self._opened: list[Broker] = []

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[Any]:
        """What the cases of a column share, where starting it takes long; the venue of a case is new all the same."""
        yield None

    @classmethod
    @contextmanager
    @abstractmethod
    def running(cls, folder: Path, shared: Any) -> Iterator["Harness"]:
        """A venue with a new account of 100,000 USD; its state is kept in `folder`.

        Args:
            shared: What `serving` gave; None: this venue may be stopped and restarted.
        """

    @abstractmethod
    def make(
        self,
        *,
        environment: Environment = Environment.SANDBOX,
        token: str = TOKEN,
        credentials: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> Broker:
        """A broker that leads to the venue, not connected yet; `context` are further fields of `BrokerContext`."""

    def open(self, **more: Any) -> Broker:
        """The same connected, for orders; closed after the case at the latest."""
        broker = self.make(**{"for_orders": True, **more})
        self._opened.append(broker)
        broker.connect()
        return broker

    def close(self) -> None:
        """Close what is open."""
        for broker in self._opened:
            broker.close()

    def wrong_credentials(self) -> Mapping[str, str]:
        """Credentials that the venue refuses (`Ability.CREDENTIALS`)."""
        raise NotImplementedError

    def login_of(self, process: int) -> Mapping[str, str]:
        """What the credentials of one of several processes with one login, counted from 0, have of their own."""
        return {}

    def nowhere(self) -> Mapping[str, str]:
        """Credentials that lead to nobody (`Ability.ADDRESS`)."""
        raise NotImplementedError

    @abstractmethod
    def standing(self, client_order_id: str) -> list[Standing]:
        """The venue's own orders under an id, refused ones left out."""

    @abstractmethod
    def set_mark(self, contract: Contract, price: Decimal, volume: Decimal | None) -> None:
        """The market is at `price` by the venue's clock; `volume` units can be traded there, None: any number."""

    def mark(self, price: Decimal | str, volume: Decimal | None = None, kind: AssetClass = AssetClass.STOCK) -> None:
        """A second later the market stands elsewhere."""
        self.clock.now += timedelta(seconds=1)
        self.set_mark(self.contracts[kind], Decimal(price), volume)

    def misbehave(self, fault: Fault, times: int = 1) -> None:
        """Let a fault happen."""
        self.venue_faults().add(fault, times)

    def happened(self, fault: Fault) -> bool:
        """Whether no misbehaviour of that kind is left to happen."""
        return not self.venue_faults().take(fault)

    def line_is_back(self) -> None:
        """What `CONNECTIVITY_LOST` began is over."""
        raise NotImplementedError

    def restrict(self, kind: AssetClass | None) -> None:
        """The account may trade nothing of a kind from now on, None: nothing at all (`Ability.RIGHTS`)."""
        raise NotImplementedError

    def unrestrict(self) -> None:
        """It may trade everything again."""
        raise NotImplementedError

    def token_login(self) -> Mapping[str, str]:
        """Credentials with which it authenticates by something that expires (`Fault.EXPIRED_TOKEN`)."""
        raise NotImplementedError

    def person_login(self) -> Mapping[str, str]:
        """Credentials with which a person logs in at the venue's page (`Broker.login_flow`)."""
        raise NotImplementedError

    def visit(self, url: str, *, allow: bool = True) -> Mapping[str, str]:
        """What a person's browser brings back from that page."""
        raise NotImplementedError

    def end_logins(self) -> None:
        """The venue takes no token any more that a log-in gave."""
        raise NotImplementedError

    @abstractmethod
    def venue_faults(self) -> Faults:
        """The venue's counted faults."""

    @abstractmethod
    def requests(self) -> list[tuple[float, str, str]]:
        """(monotonic seconds, kind, detail) of what the venue was asked (`Ability.REQUEST_LOG`)."""

    def orders_sent(self) -> int:
        """How many requests to place an order the venue has seen (`Ability.ORDER_LOG`)."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the venue while clients are connected (`Ability.STOP`)."""
        raise NotImplementedError

    @abstractmethod
    def restart(self) -> None:
        """End the venue and start it again on what it has kept (`Ability.RESTART`)."""

    def auction(self, moment: datetime) -> None:
        """The clock stands at an opening or a closing of the market, and its auction is held (`Ability.AUCTIONS`)."""
        self.clock.now = moment
        self.set_mark(self.contracts[AssetClass.STOCK], PRICE, None)
