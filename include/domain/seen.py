"""What was last seen of a mapping, and what waits until a person has seen it (docs/mapping.md)."""

from decimal import Decimal

from include.domain.model import Value


class Change(Value):
    """One field that differs: `native_id`, `lot_size`, `price` ..."""

    field: str
    before: str
    after: str


class SeenPrice(Value):
    """The export's price of an instrument in one session. `session`: ISO date."""

    amount: Decimal
    currency: str
    session: str


class Form(Value):
    """How a broker's contract of one instrument looks in one run.

    Attributes:
        source: `Broker.source`: an id at a sandbox is not an id at a real account.
        broker: The broker's name in the run.
        name: The contract's name, for people; it is not compared.
        handle: Field to value as text, see `include.mapping.difference.handle_of`.
        price: The export's; None for what left the universe.
        run_id / session: The run that found it.
    """

    source: str
    broker: str
    instrument_id: str
    ticker: str
    name: str
    handle: dict[str, str]
    price: SeenPrice | None
    run_id: str
    session: str

    @property
    def key(self) -> tuple[str, str]:
        """(instrument id, ticker): what it is filed under at its source."""
        return self.instrument_id, self.ticker


class Seen(Form):
    """A form that stands: the first one, or the last that a person accepted; `run_id` and `session` are of the run it is from.

    Attributes:
        price: Of the newest session that traded on this form.
        previous: Of the session before that: what a run of the newest session is compared with, also when it is cleared.
        first_run_id / first_session: The run that found the instrument here first.
        seen_by: Who accepted it; None: it was the first, nobody had to.
    """

    previous: SeenPrice | None = None
    first_run_id: str
    first_session: str
    seen_by: str | None = None

    def price_before(self, session: str) -> SeenPrice | None:
        """The newest price known from before a session; None where there is none."""
        return next((price for price in (self.price, self.previous) if price and price.session < session), None)


class Waiting(Form):
    """A form that differs from what was seen: not traded until a person has accepted it."""

    name_before: str
    changes: tuple[Change, ...]
