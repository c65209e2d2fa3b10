"""Pairs of a wanted instrument and a contract that share a key, and what the two agree on. Every fact is a column."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.instrument import AssetClass
from include.mapping.columns import Mask, Rows, mask, same
from include.mapping.contracts import Contracts, Shared
from include.mapping.name_words import Form
from include.mapping.reasons import CODES, FITS
from include.mapping.similarity import similarities
from include.mapping.wanted import IDENTITIES, Wanted

# Measured on the real lists (tests/mapping/test_real_lists.py): names of one company that was not renamed score 72 or more,
# foreign namesakes of its symbol 54 at most. Fund names share their sponsor's words, so they have to be nearer.
SYMBOL_NAME_MIN = 70.0
FUND_NAME_MIN = 85.0

_SHARES = pa.array([AssetClass.STOCK.value, AssetClass.ETF.value])
_NONE = np.zeros(0, np.int64)
_ORDINARY, _DEPOSITARY = list(Form).index(Form.ORDINARY), list(Form).index(Form.DEPOSITARY)


@dataclass(frozen=True)
class Pairs:
    """Candidates: row `i` of what is wanted may be row `c` of the contracts.

    Attributes:
        method: For pairs that share an identity, its place in `IDENTITIES`; None where they share something weaker.
        least_score: Name scores below it need not be exact.
    """

    wanted: Wanted
    contracts: Contracts
    i: Rows
    c: Rows
    method: npt.NDArray[np.int8] | None = None
    least_score: float = 0.0

    def __len__(self) -> int:
        return len(self.i)

    def where(self, kept: Mask) -> "Pairs":
        """Some of the pairs."""
        rows = np.flatnonzero(kept)
        if len(rows) == len(self):
            return self
        method = None if self.method is None else self.method[rows]
        some = Pairs(self.wanted, self.contracts, self.i[rows], self.c[rows], method, self.least_score)
        known = {name: fact[rows] for name, fact in self.__dict__.items() if name in _FACTS}
        some.__dict__.update(known)  # what is known of a pair stays known
        return some

    def naming_only_what_matters(self) -> "Pairs":
        """The same pairs, for which no more names are taken apart than can matter to one of them."""
        unnamed = np.ones(len(self.contracts), np.bool_)
        unnamed[self.c[self.nameable]] = False
        found = replace(self, contracts=replace(self.contracts, unnamed=unnamed))
        found.__dict__.update({name: fact for name, fact in self.__dict__.items() if name in _FACTS})  # none of them is a name's
        return found

    @property
    def told_method(self) -> npt.NDArray[np.int8]:
        """`method`, of pairs that share an identity."""
        assert self.method is not None
        return self.method

    @property
    def rows(self) -> Rows:
        """The contracts' rows in the broker's list."""
        return self.contracts.rows[self.c]

    @cached_property
    def in_currency(self) -> Mask:
        """The same currency."""
        return same(self.wanted.column("currency"), self.i, self.contracts.column("currency"), self.c)

    @cached_property
    def in_market(self) -> Mask:
        """The same market, as far as the broker tells it."""
        return same(self.wanted.column("market"), self.i, self.contracts.market, self.c)

    @cached_property
    def market_told(self) -> Mask:
        """The broker tells a market."""
        return self.contracts.market_told[self.c]

    @cached_property
    def state(self) -> npt.NDArray[np.int8]:
        """`FITS` for a live contract, else the code of why it is not."""
        return self.contracts.state[self.c]

    @cached_property
    def live(self) -> Mask:
        """The contract can be traded."""
        found: Mask = self.state == FITS
        return found

    @cached_property
    def contradicts(self) -> Mask:
        """The contract carries another identity than the instrument's: a veto under every key.

        The FIGI of a listing differs from market to market, so that it contradicts nothing.
        """
        agrees = found = np.zeros(len(self), np.bool_)
        known = self.contracts.isin_count[self.c]
        if known.any():
            agrees = same(self.wanted.column("isin"), self.i, self.contracts.column("isin"), self.c) & (known == 1)
            found = mask(pc.is_valid(self.wanted.column("isin")))[self.i] & (known > 0) & ~agrees
        for name in ("share_class_figi", "cusip"):
            found = found | self._differ(self.wanted.column(name), self.contracts.column(name))
        found = found | (~agrees & self._differ(self.wanted.cusips, self.contracts.cusips))
        return np.asarray(found)

    @cached_property
    def nameable(self) -> Mask:
        """Whether a name can matter: market and currency agree, or the contract is dead and the broker tells no market."""
        return self.in_currency & (self.in_market | (~self.market_told & (self.state >= CODES["inactive"])))

    @cached_property
    def same_kind_by_identity(self) -> Mask:
        """An ISIN is one thing, whether a source files it under shares or funds; derivatives may carry it without being it."""
        ours = self.wanted.column("asset_class").take(pa.array(self.i))
        theirs = self.contracts.column("asset_class").take(pa.array(self.c))
        shares = pc.and_(pc.is_in(ours, value_set=_SHARES), pc.is_in(theirs, value_set=_SHARES))
        return mask(pc.or_(pc.equal(ours, theirs), shares))

    @cached_property
    def same_kind(self) -> Mask:
        """The same asset class and form: ordinary shares, receipts, warrants ... of a company are different instruments.

        A US screen often writes a receipt under the company's plain name. That is accepted unless the ISIN says otherwise:
        receipts have a US ISIN, the ordinary shares they stand for have their own country's. Many brokers file funds under
        shares; where symbol and market agree, and the name as nearly as funds' names must, that is no contradiction.
        """
        ours, theirs = self.wanted.names.form[self.i], self.contracts.names.form[self.c]
        receipt = (theirs == _DEPOSITARY) & (ours == _ORDINARY) & self.wanted.may_be_receipt[self.i]
        kind: Mask = same(self.wanted.column("asset_class"), self.i, self.contracts.asset_class, self.c)
        filed_otherwise = np.flatnonzero(self.same_kind_by_identity & ~kind)
        if len(filed_otherwise):
            kind[filed_otherwise] = self._scores(filed_otherwise) >= FUND_NAME_MIN
        kind &= (ours == theirs) | receipt | self.wanted.is_pair[self.i]
        return kind

    @cached_property
    def score(self) -> npt.NDArray[np.float64]:
        """How alike the two companies' names are, 0 to 100."""
        return self._scores(np.arange(len(self)))

    @cached_property
    def same_share_class(self) -> Mask:
        """The same class of shares, or none on either side."""
        ours, theirs = self.wanted.share_class.take(pa.array(self.i)), self.contracts.share_class.take(pa.array(self.c))
        return mask(pc.equal(pc.fill_null(ours, ""), pc.fill_null(theirs, "")))

    @cached_property
    def plausible(self) -> Mask:
        """A name near enough for a symbol that agrees, and no share class that contradicts another; pairs have no name.

        Neither those of symbols and names together may contradict, nor the two names' own.
        """
        near = self.score >= np.where(self.wanted.is_fund[self.i], FUND_NAME_MIN, SYMBOL_NAME_MIN)
        classes = (
            (self.wanted.share_class, self.contracts.share_class),
            (self.wanted.names.share_class, self.contracts.names.share_class),
        )
        for ours, theirs in classes:
            near &= ~mask(pc.not_equal(ours.take(pa.array(self.i)), theirs.take(pa.array(self.c))))
        return near | self.wanted.is_pair[self.i]

    @cached_property
    def refusal(self) -> npt.NDArray[np.int8]:
        """Why a contract that bears the symbol is not the instrument; `FITS` where everything agrees.

        A dead contract of the same company is reported as dead, wherever the broker files it (IBKR: exchange `VALUE`).
        """
        found = np.where(self.in_market, CODES["currency_mismatch"], CODES["market_mismatch"]).astype(np.int8)
        found[self.nameable] = self.where(self.nameable)._named_refusal()
        return found

    def _named_refusal(self) -> npt.NDArray[np.int8]:
        """`refusal` where names matter."""
        told_dead = ~self.in_market & self.plausible
        checks = (
            ("market_mismatch", ~self.in_market),
            ("asset_class_mismatch", ~self.same_kind),
            ("name_mismatch", ~self.plausible),
            ("isin_mismatch", self.contradicts),
        )
        failed = np.select([fails for _, fails in checks], [CODES[reason] for reason, _ in checks], self.state)
        return np.where(told_dead, self.state, failed).astype(np.int8)

    def _differ(self, ours: pa.Array, theirs: pa.Array) -> Mask:
        if len(ours) == ours.null_count or len(theirs) == theirs.null_count:
            return np.zeros(len(self), np.bool_)
        return mask(pc.not_equal(ours.take(pa.array(self.i)), theirs.take(pa.array(self.c))))

    def _scores(self, some: Rows) -> npt.NDArray[np.float64]:
        return similarities(self.wanted.names, self.i[some], self.contracts.names, self.c[some], self.least_score)


_FACTS = frozenset(name for name, value in vars(Pairs).items() if isinstance(value, cached_property))


def by_identity(wanted: Wanted, contracts: Contracts, shared: Mapping[str, Shared]) -> Pairs:
    """Pairs that share an ISIN, FIGI or CUSIP; each once, under the strongest.

    Args:
        wanted / contracts: All of them.
        shared: What they share, as `ContractList.pick` tells it.
    """
    kinds, width = len(IDENTITIES), len(contracts)
    found = [(shared[name][0] * width + shared[name][1]) * kinds + code for code, name in enumerate(IDENTITIES) if name in shared]
    keys = np.sort(np.concatenate((_NONE, *found)))
    first = np.append(True, keys[1:] // kinds != keys[:-1] // kinds)[: len(keys)]
    pair, method = np.divmod(keys[first], kinds)
    return Pairs(wanted, contracts, pair // max(width, 1), pair % max(width, 1), method.astype(np.int8))


def by_symbol(wanted: Wanted, contracts: Contracts, shared: Mapping[str, Shared]) -> Pairs:
    """Pairs that share a symbol in one of its spellings; each once. Arguments as for `by_identity`."""
    i, c = shared["symbol"]
    keys = np.sort(i * len(contracts) + c)  # np.unique is several times slower
    i, c = np.divmod(keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]], max(len(contracts), 1))
    return Pairs(wanted, contracts, i, c)
