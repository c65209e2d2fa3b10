"""What a client asks of the order desk: message 3 read, checked, and in currency units.

Field numbers are those of the message at server version 176 for an order without legs, algorithms and conditions.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from include.domain.instrument import AssetClass
from include.domain.model import Value
from include.domain.order import Side
from include.sandbox.catalogue import Listing

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
KINDS = frozenset({"MKT", "LMT", "STP", "STP LMT", "TRAIL", "MOC", "LOC"})
LIMITED = frozenset({"LMT", "STP LMT", "LOC"})
TIMES_IN_FORCE = frozenset({"DAY", "GTC", "IOC", "FOK", "OPG"})
AT_ONCE = frozenset({"IOC", "FOK"})
MAX_ORDER_ID = 2**31 - 1
MAX_MAGNITUDE = 15  # of a price or quantity, as a power of ten: beyond it nothing can be counted in steps
REDUCE = 2  # of the rest of a group what was filled is taken off; 1 cancels the rest
_CASH_KINDS = frozenset({AssetClass.FX, AssetClass.CRYPTO})
_WITHOUT_AUCTIONS = _CASH_KINDS | {AssetClass.CFD}


class Refusal(Exception):
    """An order, a change or a cancellation that leaves everything as it was; `code` is TWS's own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Ticket(Value):
    """An order as a client wrote it; prices in currency units.

    Attributes:
        kind / time_in_force: TWS's words (`STP LMT`, `OPG`).
        quantity: 0 where `cash_amount` says how much money instead.
        trail_stop: Where a trailing stop begins; None: at its distance from the market.
        parent_id: Order id, of the same client, of the order that must fill first; 0 for none.
        transmit: False keeps the order back until one of its family is transmitted.
        oca_group / oca_type: Orders of a group end, or shrink (`REDUCE`), when one of them fills.
    """

    client_id: int
    api_id: int
    native_id: str
    symbol: str
    currency: str
    side: Side
    kind: str
    time_in_force: str
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_pct: Decimal | None = None
    trail_stop: Decimal | None = None
    cash_amount: Decimal | None = None
    oca_group: str = ""
    oca_type: int = 0
    parent_id: int = 0
    transmit: bool = True
    outside_rth: bool = False
    reference: str = ""

    @property
    def key(self) -> tuple[int, int]:
        """Its client and the client's number of it."""
        return self.client_id, self.api_id


def read_ticket(client_id: int, fields: Sequence[str], listing: Listing, account: str) -> Ticket:
    """The order in message 3 (split into fields).

    Raises:
        Refusal: It is none that this venue takes.
    """
    action, kind, tif = fields[16], fields[18], fields[21] or "DAY"
    if fields[23] not in ("", account):
        raise Refusal(321, f"Error validating request.-'bN' : cause - Invalid account code '{fields[23]}'.")
    if action not in SIDES or kind not in KINDS:
        raise Refusal(387, f"Unsupported order type for this exchange and security type.{kind} {action}")
    _check_time(kind, tif, listing)
    cash = number(_at(fields, 101))
    ticket = Ticket(
        client_id=client_id,
        api_id=int(fields[1]),
        native_id=listing.native_id,
        symbol=listing.symbol,
        currency=listing.currency,
        side=SIDES[action],
        kind=kind,
        time_in_force=tif,
        quantity=number(fields[17]),
        cash_amount=cash or None,
        oca_group=_at(fields, 22),
        oca_type=int(_at(fields, 47) or 0),
        parent_id=int(_at(fields, 28) or 0),
        transmit=_at(fields, 27) != "0",
        outside_rth=_at(fields, 33) == "1",
        reference=fields[26],
        **_prices(fields, kind, listing),
    )
    _check_size(ticket, listing, fields[17])
    return ticket


def number(text: str) -> Decimal:
    """A number of the protocol; "" is 0.

    Raises:
        Refusal: It is none.
    """
    try:
        value = Decimal(text or "0")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value.adjusted()) > MAX_MAGNITUDE:
        raise Refusal(320, f"Error reading request. Unable to parse data: '{text}'")
    return value


def _at(fields: Sequence[str], index: int) -> str:
    return fields[index] if index < len(fields) else ""


def _check_time(kind: str, tif: str, listing: Listing) -> None:
    if tif not in TIMES_IN_FORCE:
        raise Refusal(201, f"Order rejected - reason:Invalid time in force:{tif}")
    if kind in ("MOC", "LOC") and tif != "DAY":
        raise Refusal(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    if (kind in ("STP", "STP LMT", "TRAIL") and tif not in ("DAY", "GTC")) or (tif == "OPG" and kind not in ("MKT", "LMT")):
        raise Refusal(111, "The TIF (Tif type) and the order type are incompatible.")
    if listing.asset_class in _WITHOUT_AUCTIONS and (kind in ("MOC", "LOC") or tif == "OPG"):
        raise Refusal(387, f"Unsupported order type for this exchange and security type.{kind} {tif}")
    if listing.asset_class is AssetClass.CRYPTO and kind not in ("MKT", "LMT"):
        raise Refusal(387, f"Unsupported order type for this exchange and security type.{kind}")
    if listing.asset_class is AssetClass.CRYPTO and kind == "MKT" and tif != "IOC":
        raise Refusal(10052, "Invalid time in force")


def _prices(fields: Sequence[str], kind: str, listing: Listing) -> Mapping[str, Any]:
    """The prices that belong to the kind of order; others are left out, as TWS does."""

    def price(text: str) -> Decimal:
        value = number(text) / listing.price_magnifier
        if value <= 0 or value % listing.tick_size:
            raise Refusal(110, "The price does not conform to the minimum price variation for this contract.")
        return value

    told: dict[str, Any] = {}
    if kind in LIMITED:
        told["limit_price"] = price(fields[19])
    if kind in ("STP", "STP LMT"):
        told["stop_price"] = price(fields[20])
    if kind == "TRAIL":
        percent, amount = number(_at(fields, 70)), number(fields[20])
        if (percent > 0) == (amount > 0):
            raise Refusal(201, "Order rejected - reason:expected a trailing amount or a trailing percentage")
        told["trail_pct" if percent else "trail_amount"] = percent or amount / listing.price_magnifier
        told["trail_stop"] = price(_at(fields, 69)) if _at(fields, 69) else None
    return told


def _check_size(ticket: Ticket, listing: Listing, written: str) -> None:
    if ticket.cash_amount is not None:
        if listing.asset_class not in _CASH_KINDS or ticket.kind not in ("MKT", "LMT"):
            raise Refusal(10244, "Cash quantity cannot be used for this order")
        if ticket.cash_amount < 0:
            raise Refusal(201, "Order rejected - reason:Invalid cash quantity")
        return
    if listing.asset_class is AssetClass.CRYPTO and ticket.kind == "MKT" and ticket.side is Side.BUY:
        raise Refusal(10289, "You must set Cash Quantity for this order.")
    if ticket.quantity <= 0 or ticket.quantity % listing.lot_size:
        raise Refusal(388, f"Order size {written} does not conform to the size increment of {listing.lot_size}.")
