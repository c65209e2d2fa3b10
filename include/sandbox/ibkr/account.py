"""The account as the local TWS shows it: net value, cash per currency, positions."""

from collections.abc import Iterator
from decimal import Decimal

from include.domain.instrument import AssetClass
from include.errors import InputError
from include.sandbox.book import VenueBook
from include.sandbox.catalogue import Listing
from include.sandbox.ibkr.contracts import contract_fields
from include.sandbox.ibkr.orders import Message
from include.simulation.engine import SimPosition

BASE_CURRENCY = "EUR"
CENT = Decimal("0.01")
Value = tuple[str, str, str]  # tag, value, currency


def rates(book: VenueBook, base: str) -> dict[str, Decimal]:
    """Units of each currency for one unit of `base`, from the marks of the listed pairs: straight, or over one other currency."""
    pairs: dict[str, dict[str, Decimal]] = {}
    for listing in book.listings:
        mark = book.engine.marks.get(listing.native_id) if listing.asset_class is AssetClass.FX else None
        if mark is not None:
            pairs.setdefault(listing.symbol, {})[listing.currency] = mark.price
            pairs.setdefault(listing.currency, {}).setdefault(listing.symbol, 1 / mark.price)
    found = {base: Decimal(1), **pairs.get(base, {})}
    for middle, rate in list(found.items()):
        for currency, onward in pairs.get(middle, {}).items():
            found.setdefault(currency, rate * onward)
    return found


def account_values(book: VenueBook) -> list[Value]:
    """What message 6 and 73 carry: totals in the base currency, and one ledger per currency.

    NetLiquidation is left out where a currency that is held has no rate: a wrong total would be worse than none.
    """
    base = str(book.meta.get("base_currency", BASE_CURRENCY))
    known = rates(book, base)
    values: list[Value] = [("AccountCode", book.account_code, ""), ("AccountType", "INDIVIDUAL", ""), ("Currency", base, base)]
    try:
        equity = book.engine.equity(known, base)
        cash = sum((amount / known[currency] for currency, amount in book.engine.cash.items() if amount), Decimal(0))
        values += [("NetLiquidation", _money(equity), base), ("TotalCashValue", _money(cash), base)]
        values.append(("SettledCash", _money(cash), base))
    except (InputError, KeyError):
        values.append(("AccountReady", "false", ""))
    for currency, amount in sorted(book.engine.cash.items()):
        values += [("CashBalance", _money(amount), currency), ("TotalCashBalance", _money(amount), currency)]
        if currency in known:
            values.append(("ExchangeRate", f"{1 / known[currency]:.6f}", currency))
    return values


def positions(book: VenueBook) -> Iterator[Message]:
    """Messages 61 of everything held; average cost in currency units, as TWS gives it."""
    for listing, position in _held(book):
        yield (
            61,
            3,
            book.account_code,
            *contract_fields(listing, strike="0.0", right="", exchange=listing.exchange),
            position.quantity,
            position.average_cost,
        )


def portfolio(book: VenueBook) -> Iterator[Message]:
    """Messages 7 of everything held, with market value in currency units."""
    for listing, position in _held(book):
        mark = book.engine.marks.get(listing.native_id)
        price = mark.price if mark else position.average_cost
        gain = (price - position.average_cost) * position.quantity
        yield (
            *(7, 8, *contract_fields(listing, right="0", exchange=listing.exchange)),
            *(position.quantity, price, price * position.quantity, position.average_cost, gain, position.realized_pnl),
            book.account_code,
        )


def summary(book: VenueBook, tags: str) -> list[Value]:
    """The values among `account_values` that an account summary asks for by tag; `$LEDGER` means every currency's ledger."""
    wanted = set(tags.split(","))
    ledger = {"CashBalance", "TotalCashBalance", "ExchangeRate"} if any(tag.startswith("$LEDGER") for tag in wanted) else set()
    return [value for value in account_values(book) if value[0] in wanted | ledger]


def _held(book: VenueBook) -> Iterator[tuple[Listing, SimPosition]]:
    for native_id, position in sorted(book.engine.positions.items(), key=_by_con_id):
        unlisted = Listing(venue="ibkr", native_id=native_id, symbol=position.symbol, currency=position.currency)
        yield book.by_native_id.get(native_id, unlisted), position


def _by_con_id(item: tuple[str, SimPosition]) -> tuple[int, str]:
    return (int(item[0]), "") if item[0].isdigit() else (0, item[0])


def _money(amount: Decimal) -> str:
    return format(amount.quantize(CENT), "f")
