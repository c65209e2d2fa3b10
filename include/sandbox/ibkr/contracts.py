"""Contract look-ups of the local TWS: which listings answer to a contract as a client describes it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.domain.instrument import AssetClass
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.wire import Field
from include.sandbox.sessions import Closings

MAX_SAMPLES = 16  # TWS answers a name search with no more
SECURITY_TYPES = {
    AssetClass.FX: "CASH",
    AssetClass.CRYPTO: "CRYPTO",
    AssetClass.FUTURE: "FUT",
    AssetClass.OPTION: "OPT",
    AssetClass.WARRANT: "WAR",
    AssetClass.CFD: "CFD",
}
PAIRS = frozenset({AssetClass.FX, AssetClass.CRYPTO})
CENT, CENT_RULE = Decimal("0.01"), 26  # TWS's market rule of one price step of a cent; others are numbered from there on
HOURS_DAYS = 6  # so many of trading hours are told, today's included
ORDER_WORDS = ("DAY", "FOK", "GTC", "IOC", "LMT", "LOC", "MKT", "MOC", "OCA", "OPG", "STP", "STPLMT", "TRAIL", "WHATIF")
NO_AUCTIONS = frozenset({"LOC", "MOC", "OPG"})
COIN_WORDS = ("CASHQTY", "DAY", "GTC", "IOC", "LMT", "MKT")
OWN_EXCHANGE = {AssetClass.FX: "IDEALPRO", AssetClass.CRYPTO: "PAXOS", AssetClass.FUTURE: ""}


@dataclass(frozen=True)
class ContractQuery:
    """A contract as a client describes it (the twelve fields of the protocol and the identifier); "" and 0 are open."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    currency: str
    sec_id_type: str = ""
    sec_id: str = ""

    @classmethod
    def read(cls, fields: Sequence[str], identifier: Sequence[str] = ("", "")) -> "ContractQuery":
        """From the twelve contract fields, and secIdType with secId where the message has them."""
        con_id, symbol, sec_type, _, _, _, _, exchange, primary, currency, _, _ = fields
        return cls(int(con_id or 0), symbol, sec_type, exchange, primary, currency, *identifier)

    def __str__(self) -> str:
        named = {
            "conid": self.con_id or "",
            self.sec_id_type.lower() or "id": self.sec_id,
            "symbol": self.symbol,
            "exchange": self.exchange,
            "primary": self.primary_exchange,
            "currency": self.currency,
        }
        return ";".join(f"{key}={value}" for key, value in named.items() if value)


def security_type(listing: Listing) -> str:
    """The protocol's word for a listing's kind."""
    return SECURITY_TYPES.get(listing.asset_class, "STK")


def routing_exchange(listing: Listing) -> str:
    """Where orders of a listing are sent by default: pairs, coins and futures have no smart routing."""
    if listing.asset_class in OWN_EXCHANGE:
        return listing.exchange or OWN_EXCHANGE[listing.asset_class]
    return "SMART"


class Directory:
    """Indexes over a book's listings, made anew when the book takes a new list."""

    def __init__(self, book: VenueBook) -> None:
        self._book = book
        self._indexed: list[Listing] | None = None

    def find(self, query: ContractQuery) -> list[Listing]:
        """Every listing that fits, in the catalogue's order; [] for none. The identifier or the symbol is needed."""
        self._refresh()
        if query.con_id:
            known = self._book.by_native_id.get(str(query.con_id))
            candidates = [known] if known else []
        elif query.sec_id_type:
            candidates = self._by_isin.get(query.sec_id, []) if query.sec_id_type == "ISIN" else []
        else:
            candidates = self._by_symbol.get(query.symbol, [])
        return [listing for listing in candidates if _fits(listing, query)]

    def search(self, pattern: str) -> list[Listing]:
        """At most 16 listings whose symbol, or a run of words of whose name, starts with the pattern, whatever its case."""
        self._refresh()
        wanted = _plain(pattern)
        if not wanted:
            return []
        by_symbol = [listing for listing in self._book.listings if listing.symbol.upper().startswith(wanted)]
        by_name = [listing for listing, name in self._names if f" {wanted}" in name]
        unique = {listing.native_id: listing for listing in (*by_name, *by_symbol)}
        return list(unique.values())[:MAX_SAMPLES]

    def rule_of(self, listing: Listing) -> int:
        """The number of a listing's market rule: one for each price step, the same at every price."""
        self._refresh()
        return self._rules[listing.tick_size * listing.price_magnifier]

    def step_of(self, rule: int) -> Decimal | None:
        """The price step of a market rule, in the units prices are quoted in; None for no such rule."""
        self._refresh()
        return next((step for step, number in self._rules.items() if number == rule), None)

    def _refresh(self) -> None:
        if self._indexed is self._book.listings:
            return
        self._by_isin: dict[str, list[Listing]] = {}
        self._by_symbol: dict[str, list[Listing]] = {}
        self._names: list[tuple[Listing, str]] = []
        for listing in self._book.listings:
            if listing.isin:
                self._by_isin.setdefault(listing.isin, []).append(listing)
            self._by_symbol.setdefault(listing.symbol, []).append(listing)
            self._names.append((listing, f" {_plain(listing.name)}"))
        steps = sorted({listing.tick_size * listing.price_magnifier for listing in self._book.listings} - {CENT})
        self._rules = {step: CENT_RULE + number for number, step in enumerate([CENT, *steps])}
        self._indexed = self._book.listings


def details(listing: Listing, request_id: str, rule: int, closings: Closings, now: datetime) -> list[Field]:
    """Message 10 of one listing. Ticks are in the units prices are quoted in; the name is unicode-escaped as TWS does."""
    exchange = routing_exchange(listing)
    valid = exchange if exchange in ("", listing.exchange) or not listing.exchange else f"{exchange},{listing.exchange}"
    zone, hours = _hours(closings, listing.exchange, now)
    identifiers: list[Field] = [1, "ISIN", listing.isin] if listing.isin else [0]
    expiry = (listing.expiry or "").replace("-", "")
    multiplier: Field = listing.multiplier if listing.multiplier != 1 else ""
    return [
        *(10, request_id, listing.symbol, security_type(listing), expiry, 0, "", exchange, listing.currency),
        *(_local_symbol(listing), listing.symbol, listing.symbol, listing.native_id),
        *(listing.tick_size * listing.price_magnifier, multiplier),
        *(",".join(_order_words(listing)), valid, int(listing.price_magnifier), 0, escaped(listing.name), listing.exchange),
        *(
            expiry[:6],
            "",
            "",
            "",
            zone,
            hours,
            hours,
            "",
            "",
        ),  # month, industry, category x2, zone, hours x2, evRule, evMultiplier
        *identifiers,
        *(1, "", "", ",".join(str(rule) for _ in valid.split(",")), expiry, _stock_type(listing)),
        *(listing.lot_size, listing.lot_size, max(listing.lot_size, Decimal(100))),
    ]


def sample(listing: Listing) -> list[Field]:
    """One row of message 79."""
    return [
        *(listing.native_id, listing.symbol, security_type(listing), listing.exchange, listing.currency),
        *(0, escaped(listing.name), ""),
    ]


def contract_fields(listing: Listing, *, strike: str = "0", right: str = "?", exchange: str | None = None) -> list[Field]:
    """The eleven contract fields of orders, executions and positions.

    Args:
        strike / right: How the message writes that there is none: each kind has its own way.
        exchange: Instead of where orders are sent by default.
    """
    expiry = (listing.expiry or "").replace("-", "")
    multiplier: Field = listing.multiplier if listing.multiplier != 1 else ""
    return [
        *(listing.native_id, listing.symbol, security_type(listing), expiry, strike, right, multiplier),
        *(exchange or routing_exchange(listing), listing.currency, _local_symbol(listing), listing.symbol),
    ]


def escaped(text: str) -> str:
    """Text as TWS writes names: every character beyond ASCII as `\\uXXXX`."""
    return text.encode("unicode_escape").decode("ascii")


def _fits(listing: Listing, query: ContractQuery) -> bool:
    return (
        query.sec_type in ("", security_type(listing))
        and query.currency in ("", listing.currency)
        and query.exchange in ("", routing_exchange(listing), listing.exchange)
        and query.primary_exchange in ("", listing.exchange)
    )


def _local_symbol(listing: Listing) -> str:
    return f"{listing.symbol}.{listing.currency}" if listing.asset_class in PAIRS else listing.symbol


def _order_words(listing: Listing) -> Sequence[str]:
    """What can be ordered, in the words of TWS's order types; attributes that the venue does not know are left out."""
    if listing.asset_class is AssetClass.CRYPTO:
        return COIN_WORDS
    if listing.asset_class is AssetClass.FX:
        return ["CASHQTY", *(word for word in ORDER_WORDS if word not in NO_AUCTIONS)]
    if listing.asset_class is AssetClass.CFD:
        return [word for word in ORDER_WORDS if word not in NO_AUCTIONS]
    return ORDER_WORDS


def _hours(closings: Closings, exchange: str, now: datetime) -> tuple[str, str]:
    """Time zone and sessions as TWS writes them: `20250324:0930-20250324:1600;20250325:CLOSED`."""
    zone, days = closings.hours(exchange, now, HOURS_DAYS)
    told = (f"{day:%Y%m%d}:CLOSED" if times is None else "-".join(f"{time:%Y%m%d:%H%M}" for time in times) for day, times in days)
    return zone or "UTC", ";".join(told)


def _stock_type(listing: Listing) -> str:
    return {AssetClass.STOCK: "COMMON", AssetClass.ETF: "ETF"}.get(listing.asset_class, "")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.upper()))
