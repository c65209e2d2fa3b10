"""One matcher for all brokers: which of a broker's contracts is the wanted instrument, by what evidence, and if none, why.

Keys in order of strength; a weaker one is tried only after a definite "not found" of the stronger:

1. ISIN with currency. It survives renames and other symbols. Where the broker has the ISIN, its word is final, good or bad.
2. Symbol, if market, currency, kind and share class agree and the name is plausible.
3. Name, only where the broker knows ISINs and had none for this instrument: the company's words the same, market and currency
   agree, nothing else comes near, and no word can be missing. (A broker without ISINs gives no way to notice a namesake.)

A contract whose ISIN contradicts the instrument's is refused under every weaker key. What cannot be told apart is `ambiguous`;
nothing is ever guessed. At the end no contract belongs to two instruments.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa

from include.domain.instrument import Instrument
from include.domain.mapping import Mapping as Mapped
from include.domain.mapping import MappingStatus
from include.domain.market import Market
from include.mapping.agreement import (
    REFUSALS,
    Wanted,
    class_of,
    contradicts,
    same_kind,
    same_kind_by_isin,
    score,
    state,
    symbol_refusal,
    told_apart,
)
from include.mapping.contract_book import Candidate, ContractBook
from include.mapping.symbols import canonical

# Name alone: the same words, at most a letter apart, and the next best company clearly behind.
NAME_MIN = 97.0
NAME_MARGIN = 5.0

_MOST_CANDIDATES = 10
_METHOD_RANK = {"isin": 0, "ticker": 1, "name": 2}


def match(
    instruments: Sequence[Instrument],
    contracts: pa.Table,
    markets: Mapping[str, Market],
    knows_isin: bool,
    broker: str,
    home_market: str | None = None,
) -> list[Mapped]:
    """Find each instrument among a broker's contracts.

    Args:
        instruments: Wanted, each ticker once.
        contracts: Table of `CONTRACT_SCHEMA`; the whole list, or the answers to look-ups. Empty: nothing is found.
        markets: By id, as `Settings.markets`.
        knows_isin: Whether the broker answers to ISINs, so that "no contract has it" is a statement about the instrument.
        broker: Name written into the mappings.
        home_market: Market of contracts that name none, at a broker that serves only one (`US` at Alpaca).

    Returns:
        One mapping per instrument, in their order.

    Raises:
        InputError: An instrument names a market that is not configured, or a contract's row is no contract.
    """
    search = _Search(broker, markets)
    wanted = [Wanted.of(instrument, markets) for instrument in instruments]
    isins = {one.instrument.isin for one in wanted if one.instrument.isin}
    symbols = {symbol for one in wanted for symbol in one.symbols}
    book = ContractBook(contracts, isins, symbols, markets, home_market)
    found = [search.by_isin(one, book) or search.by_symbol(one, book) for one in wanted]
    if knows_isin:
        undecided = [n for n, one in enumerate(wanted) if _may_go_by_name(found[n], one, book)]
        named = book.named_like([instruments[n] for n in undecided])
        for n in undecided:
            found[n] = search.by_name(wanted[n], named.get(instruments[n].currency, [])) or found[n]
    return _one_instrument_each(found)


def _may_go_by_name(mapped: Mapped, wanted: Wanted, book: ContractBook) -> bool:
    """Only after a definite "not found" by ISIN and symbol; a dead contract or a contradiction is an answer."""
    return (
        mapped.status is MappingStatus.NOT_FOUND
        and mapped.reason not in ("inactive", "not_tradable", "isin_mismatch", "no_native_id")
        and not wanted.is_pair
        and not book.by_isin.get(wanted.instrument.isin or "")
    )


class _Search:
    """The three keys, for one broker."""

    def __init__(self, broker: str, markets: Mapping[str, Market]) -> None:
        self._broker = broker
        self._markets = markets

    def by_isin(self, wanted: Wanted, book: ContractBook) -> Mapped | None:
        """What the ISIN says; None where no contract carries it."""
        instrument = wanted.instrument
        known = book.by_isin.get(instrument.isin or "", [])
        if not known:
            return None
        sure = [c for c in known if not contradicts(wanted, c)]
        if not sure:
            return self._missed(wanted, "isin_mismatch", known)  # answers to two ISINs: whose contract is it?
        same = [c for c in sure if same_kind_by_isin(wanted, c)]
        if not same:
            return self._missed(wanted, "asset_class_mismatch", sure)
        live = [c for c in same if state(c) == "live"]
        if not live:
            return self._missed(wanted, max((state(c) for c in same), key=REFUSALS.index), same)
        in_currency = [c for c in live if c.currency == instrument.currency]
        exact = [c for c in in_currency if c.market == instrument.market] or [c for c in in_currency if not c.market]
        if exact:
            return self._same_isin(wanted, exact, MappingStatus.MATCHED)
        return self._wanted_listing(wanted, live, book) or self._other_listing(wanted, live)

    def by_symbol(self, wanted: Wanted, book: ContractBook) -> Mapped:
        """What the symbol says, a miss with the reason of the candidate that came nearest."""
        candidates = [c for symbol in sorted(wanted.symbols) for c in book.by_symbol.get(symbol, [])]
        if not candidates:
            return self._missed(wanted, "symbol_not_found", [])
        refusals = [(symbol_refusal(wanted, c), c) for c in candidates]
        fitting = [c for reason, c in refusals if reason is None]
        if len(fitting) == 1:
            return self._hit(wanted, fitting[0], MappingStatus.MATCHED, "ticker")
        if fitting:
            return self._ambiguous(wanted, fitting)
        nearest = max((reason for reason, _ in refusals if reason), key=REFUSALS.index)
        return self._missed(wanted, nearest, [c for reason, c in refusals if reason == nearest])

    def by_name(self, wanted: Wanted, candidates: Sequence[Candidate]) -> Mapped | None:
        """What the name alone says; None where nothing bears it."""
        fitting = [c for c in candidates if same_kind(wanted, c) and not contradicts(wanted, c)]
        here = [(score(wanted, c), c) for c in fitting if c.market == wanted.instrument.market]
        best = max((points for points, _ in here), default=0.0)
        if best < NAME_MIN:
            return self._named_elsewhere(wanted, fitting)
        near = [c for points, c in here if points >= best - NAME_MARGIN]
        if len(near) > 1:
            return self._ambiguous(wanted, near)
        if state(near[0]) != "live":
            return self._missed(wanted, state(near[0]), near)
        if wanted.share_class != class_of(near[0]):
            return self._missed(wanted, "name_mismatch", near)
        if not told_apart(wanted, near[0]):
            return self._ambiguous(wanted, near)
        return self._hit(wanted, near[0], MappingStatus.MATCHED, "name")

    def _same_isin(self, wanted: Wanted, equals: list[Candidate], status: MappingStatus) -> Mapped:
        """The only one of equals; of several, the only one that bears the ticker's own symbol; else ambiguous."""
        if len(equals) > 1:
            bearing = [c for c in equals if canonical(str(c.row["symbol"] or "")) in wanted.symbols]
            if len(bearing) != 1:
                return self._ambiguous(wanted, equals)
            equals = bearing
        return self._hit(wanted, equals[0], status, "isin")

    def _wanted_listing(self, wanted: Wanted, elsewhere: list[Candidate], book: ContractBook) -> Mapped | None:
        """The ISIN is only known elsewhere: what bears the symbol on the wanted market, if anything does.

        A broker does not know the ISIN of every listing. Where all else agrees it is the wanted one; where only the name differs
        it may be this company renamed or another one, and nobody can tell.
        """
        refusals = [(symbol_refusal(wanted, c), c) for symbol in sorted(wanted.symbols) for c in book.by_symbol.get(symbol, [])]
        fitting = [c for reason, c in refusals if reason is None]
        if len(fitting) == 1:
            return self._hit(wanted, fitting[0], MappingStatus.MATCHED, "ticker")
        unclear = fitting + [c for reason, c in refusals if reason == "name_mismatch" and not contradicts(wanted, c)]
        return self._ambiguous(wanted, unclear + elsewhere) if unclear else None

    def _other_listing(self, wanted: Wanted, live: list[Candidate]) -> Mapped:
        """The right instrument elsewhere: in its own currency first, then where only one contract stands, then by market."""
        groups: dict[tuple[bool, str, str], list[Candidate]] = defaultdict(list)
        for candidate in live:
            groups[(candidate.currency != wanted.instrument.currency, candidate.market, candidate.currency)].append(candidate)
        first = min(groups, key=lambda group: (group[0], len(groups[group]), group))
        return self._same_isin(wanted, groups[first], MappingStatus.OTHER_LISTING)

    def _named_elsewhere(self, wanted: Wanted, fitting: list[Candidate]) -> Mapped | None:
        """On another market of the region: only the very same name with its legal form, in the same currency, only one such."""
        others = [c for c in fitting if c.market in self._markets and c.market != wanted.instrument.market]
        same = [c for c in others if c.name.full == wanted.name.full and self._markets[c.market].region == wanted.market.region]
        if len(same) > 1:
            return self._ambiguous(wanted, same)
        sure = bool(same) and wanted.share_class == class_of(same[0]) and told_apart(wanted, same[0])
        if sure and state(same[0]) == "live":
            return self._hit(wanted, same[0], MappingStatus.OTHER_LISTING, "name")
        return None

    def _hit(self, wanted: Wanted, candidate: Candidate, status: MappingStatus, method: str) -> Mapped:
        return Mapped(
            broker=self._broker,
            ticker=wanted.instrument.ticker,
            instrument_id=wanted.instrument.instrument_id,
            status=status,
            contract=candidate.contract(),
            search_method=method,
            score=round(score(wanted, candidate) / 100, 3),
            reason="other_listing" if status is MappingStatus.OTHER_LISTING else None,
        )

    def _ambiguous(self, wanted: Wanted, candidates: Sequence[Candidate]) -> Mapped:
        return self._missed(wanted, "ambiguous", candidates, MappingStatus.AMBIGUOUS)

    def _missed(
        self,
        wanted: Wanted,
        reason: str,
        candidates: Sequence[Candidate],
        status: MappingStatus = MappingStatus.NOT_FOUND,
    ) -> Mapped:
        return Mapped(
            broker=self._broker,
            ticker=wanted.instrument.ticker,
            instrument_id=wanted.instrument.instrument_id,
            status=status,
            reason=reason,
            candidates=tuple(sorted({c.native_id for c in candidates if c.native_id}))[:_MOST_CANDIDATES],
        )


def _one_instrument_each(mappings: list[Mapped]) -> list[Mapped]:
    """A contract claimed by two instruments goes to the one with the strictly stronger key, or to neither."""
    claims: dict[str, list[Mapped]] = defaultdict(list)
    for mapped in mappings:
        if mapped.contract is not None:
            claims[mapped.contract.native_id].append(mapped)
    lost: set[str] = set()
    for rivals in claims.values():
        if len({rival.instrument_id for rival in rivals}) > 1:
            strongest = min(_METHOD_RANK[str(rival.search_method)] for rival in rivals)
            winners = {rival.instrument_id for rival in rivals if _METHOD_RANK[str(rival.search_method)] == strongest}
            lost |= {r.ticker for r in rivals if len(winners) > 1 or r.instrument_id not in winners}
    return [_withdrawn(mapped) if mapped.ticker in lost else mapped for mapped in mappings]


def _withdrawn(mapped: Mapped) -> Mapped:
    assert mapped.contract is not None
    return Mapped(
        broker=mapped.broker,
        ticker=mapped.ticker,
        instrument_id=mapped.instrument_id,
        status=MappingStatus.AMBIGUOUS,
        score=mapped.score,
        reason="claimed_twice",
        candidates=(mapped.contract.native_id,),
    )
