"""What a local venue knows: its listings, one account on the simulation engine, its faults, and a log of what it was asked."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.errors import InputError
from include.sandbox.catalogue import Listing
from include.sandbox.faults import Faults
from include.sandbox.files import read_json, write_json
from include.simulation.engine import Costs, Engine, SimContract

logger = logging.getLogger(__name__)
MAX_REQUESTS = 100_000


def utc_now() -> datetime:
    """Wall-clock time, aware UTC."""
    return datetime.now(UTC)


class VenueBook:
    """Shared by the connections of one venue: take `lock` around everything that reads or changes more than one value.

    Args:
        listings: What the venue lists.
        account_code: The account it shows.
        cash: Currency -> starting cash, used only where no state was saved.
        state_path: Where account and orders survive a restart; None: nowhere. `faults.json` lies beside it.
        costs: Spread, slippage and commission.
        clock: Gives the venue's time, aware UTC.

    Attributes:
        lock: Re-entrant.
        listings / by_native_id: The same listings, in order and by native id.
        engine: Orders, positions and cash.
        extra: Order id -> what the protocol needs besides (client ids, permanent ids); plain JSON types, saved with the orders.
        meta: The same for the venue as a whole.
        requests: (monotonic seconds, kind, detail) of what clients asked, oldest first; the newest 100,000.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        *,
        account_code: str,
        cash: Mapping[str, Decimal],
        state_path: Path | None = None,
        costs: Costs | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.lock = threading.RLock()
        self.account_code = account_code
        self.clock = clock
        self.state_path = state_path
        self.requests: list[tuple[float, str, str]] = []
        self.extra: dict[int, dict[str, Any]] = {}
        self.meta: dict[str, Any] = {}
        self.listings: list[Listing] = []
        self.by_native_id: dict[str, Listing] = {}
        venue = state_path.name.split(".")[0] if state_path else ""
        self.faults = Faults(state_path.parent / "faults.json" if state_path else None, venue)
        self.engine = self._restore(cash, costs or Costs())
        self.load(listings)

    def load(self, listings: Sequence[Listing]) -> None:
        """Take a new list with its marks; resting orders that cross fill. What the account holds keeps its last mark."""
        with self.lock:
            self.listings = list(listings)
            self.by_native_id = {listing.native_id: listing for listing in self.listings}
            now = self.clock()
            for listing in self.listings:
                self.engine.add_contract(
                    SimContract(
                        native_id=listing.native_id,
                        currency=listing.currency,
                        multiplier=listing.multiplier,
                        lot_size=listing.lot_size,
                        tick_size=listing.tick_size,
                        tradable=listing.tradable,
                    )
                )
                if listing.price is not None and listing.price_time is not None:
                    self.engine.set_mark(listing.native_id, listing.currency, listing.price, listing.price_time, now=now)

    def log(self, kind: str, detail: str = "") -> None:
        """Note a request."""
        with self.lock:
            self.requests.append((time.monotonic(), kind, detail))
            if len(self.requests) > MAX_REQUESTS:
                del self.requests[: -MAX_REQUESTS // 2]

    def misbehaves(self, name: str) -> bool:
        """Whether a fault happens now; none does while `faults.json` is damaged, which is said: a venue must not end by it."""
        try:
            return self.faults.take(name)
        except InputError as error:
            logger.warning("no faults: %s", error)
            return False

    def save(self) -> None:
        """Write account and orders; a venue calls it after every change, before it answers. Without a path it does nothing."""
        if self.state_path is None:
            return
        with self.lock:
            document = {
                "account_code": self.account_code,
                "engine": self.engine.to_state(whole=False),
                "extra": {str(order_id): values for order_id, values in self.extra.items()},
                "meta": self.meta,
            }
            write_json(self.state_path, document)

    def _restore(self, cash: Mapping[str, Decimal], costs: Costs) -> Engine:
        document = read_json(self.state_path) if self.state_path else None
        if document is None:
            return Engine(cash, costs)
        try:
            if document["account_code"] != self.account_code:
                raise InputError(
                    f"expected the state of account {self.account_code}; remove the file to start afresh",
                    source=self.state_path,
                    field="account_code",
                    value=document["account_code"],
                )
            self.extra = {int(order_id): dict(values) for order_id, values in document["extra"].items()}
            self.meta = dict(document["meta"])
            engine = Engine.from_state(document["engine"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"expected the state of a venue: {error!r}", source=self.state_path) from error
        engine.costs = costs
        return engine
