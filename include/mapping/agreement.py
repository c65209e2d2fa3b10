"""What an instrument and a contract agree on: kind, form, share class, name, ISIN, and whether the contract is alive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.errors import InputError
from include.mapping.contract_book import Candidate
from include.mapping.names import Form, Name, parse_name, similarity
from include.mapping.symbols import QUOTED_IN_PAIRS, canonical, keys, share_class, stem

# Measured on the real lists (tests/mapping/test_real_lists.py): names of one company that was not renamed score 72 or more,
# foreign namesakes of its symbol 54 at most. Fund names share their sponsor's words, so they have to be nearer.
SYMBOL_NAME_MIN = 70.0
FUND_NAME_MIN = 85.0

# How near a refused symbol candidate came, from far to near: the nearest one's reason is reported.
REFUSALS = (
    "market_mismatch",
    "currency_mismatch",
    "asset_class_mismatch",
    "name_mismatch",
    "isin_mismatch",
    "no_native_id",
    "inactive",
    "not_tradable",
)
_SHARES = frozenset({AssetClass.STOCK, AssetClass.ETF})


@dataclass(frozen=True)
class Wanted:
    """An instrument with what is asked of it again and again.

    Attributes:
        symbols: Canonical symbols under which its contract may be listed.
        share_class: From its ticker (`BRK-B`), else from its name, else None.
    """

    instrument: Instrument
    market: Market
    symbols: frozenset[str]
    name: Name
    share_class: str | None

    @classmethod
    def of(cls, instrument: Instrument, markets: Mapping[str, Market]) -> "Wanted":
        """Take an instrument apart. Raises `InputError` where its market is not configured."""
        if instrument.market not in markets:
            raise InputError(
                "expected a market of markets.yaml", source=instrument.ticker, field="market", value=instrument.market
            )
        market, name = markets[instrument.market], parse_name(instrument.name)
        named_class = share_class(stem(instrument.ticker, market)) or name.share_class
        return cls(instrument, market, keys(instrument, market), name, named_class)

    @property
    def is_pair(self) -> bool:
        """Crypto and currency pairs are their symbol; they have no company name."""
        return self.instrument.asset_class in QUOTED_IN_PAIRS


def state(candidate: Candidate) -> str:
    """`live`, or why the contract cannot be traded: `no_native_id`, `inactive`, `not_tradable`."""
    return candidate.dead or "live" if candidate.native_id else "no_native_id"


def score(wanted: Wanted, candidate: Candidate) -> float:
    """How alike the two companies' names are, 0 to 100."""
    return similarity(wanted.name, candidate.name)


def same_kind_by_isin(wanted: Wanted, candidate: Candidate) -> bool:
    """An ISIN is one thing, whether a source files it under shares or funds; derivatives may carry it without being it."""
    kinds = {candidate.asset_class, wanted.instrument.asset_class}
    return len(kinds) == 1 or kinds <= _SHARES


def same_kind(wanted: Wanted, candidate: Candidate) -> bool:
    """The same asset class and the same form: ordinary shares, receipts, warrants ... of a company are different instruments.

    A US screen often writes a receipt under the company's plain name. That is accepted only if the ISIN is a US one: receipts
    have a US ISIN, the ordinary shares they stand for have their own country's.
    """
    instrument = wanted.instrument
    ours, offered = wanted.name.form, candidate.name.form
    receipt = offered is Form.DEPOSITARY and ours is Form.ORDINARY and instrument.market == "US"
    same_form = ours is offered or (receipt and (instrument.isin or "").startswith("US"))
    return candidate.asset_class is instrument.asset_class and (same_form or wanted.is_pair)


def class_of(candidate: Candidate) -> str | None:
    """The share class of a contract, by its symbol, else by its name."""
    return share_class(str(candidate.row["symbol"] or "")) or candidate.name.share_class


def told_apart(wanted: Wanted, candidate: Candidate) -> bool:
    """Whether a name that agrees is enough to know the share by: no word of it may be missing, and the symbols may not be akin.

    A company's preferred shares, notes and units often bear its plain name, and its symbol with something added (`FBIO`, `FBIOP`;
    Tokyo's `2593`, `25935`). Not so in Europe, where the added part is often the broker's or the market's own (`FPE1`, `WRT1V`).
    """
    ours, offered = wanted.name, candidate.name
    cut = (ours.may_be_cut, offered.may_be_cut)
    missing = all(cut) if ours.core.replace(" ", "") == offered.core.replace(" ", "") else any(cut)
    return not missing and not (wanted.market.region != "europe" and _akin(wanted, candidate))


def _akin(wanted: Wanted, candidate: Candidate) -> bool:
    symbols = stem(wanted.instrument.ticker, wanted.market), str(candidate.row["symbol"] or "")
    shorter, longer = sorted((canonical(symbol).replace(".", "") for symbol in symbols), key=len)
    return longer.startswith(shorter)


def contradicts(wanted: Wanted, candidate: Candidate) -> bool:
    """Whether the contract carries an ISIN that is not the instrument's: a veto under every key."""
    isin = wanted.instrument.isin
    return bool(isin and candidate.isins and candidate.isins != {isin})


def symbol_refusal(wanted: Wanted, candidate: Candidate) -> str | None:
    """Why a contract that bears the symbol is not the instrument (one of `REFUSALS`); None when everything agrees.

    A dead contract of the same company is reported as dead, wherever the broker files it (IBKR: exchange `VALUE`).
    """
    least = FUND_NAME_MIN if wanted.instrument.asset_class is AssetClass.ETF else SYMBOL_NAME_MIN
    plausible = wanted.is_pair or (score(wanted, candidate) >= least and _same_class(wanted, candidate))
    same_currency = candidate.currency == wanted.instrument.currency
    if candidate.dead and plausible and same_currency and not candidate.market:
        return state(candidate)
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("market_mismatch", lambda: candidate.market == wanted.instrument.market),
        ("currency_mismatch", lambda: same_currency),
        ("asset_class_mismatch", lambda: same_kind(wanted, candidate)),
        ("name_mismatch", lambda: plausible),
        ("isin_mismatch", lambda: not contradicts(wanted, candidate)),
    )
    failed = next((reason for reason, agrees in checks if not agrees()), None)
    return failed or (None if state(candidate) == "live" else state(candidate))


def _same_class(wanted: Wanted, candidate: Candidate) -> bool:
    """No class contradicts another: neither those of symbols and names together, nor the two names' own."""
    pairs = (wanted.share_class, class_of(candidate)), (wanted.name.share_class, candidate.name.share_class)
    return all(ours is None or offered is None or ours == offered for ours, offered in pairs)
