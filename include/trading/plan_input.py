"""Everything one portfolio's plan is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from include.domain.account import AccountSnapshot
from include.domain.broker_limits import BrokerLimits
from include.domain.contract import Contract
from include.domain.portfolio import Portfolio
from include.domain.quote import Quote
from include.trading.candidate import Candidate


@dataclass(frozen=True)
class PlanInput:
    """Everything one portfolio's plan is made of.

    Attributes:
        nav: Net asset value in the portfolio's base currency.
        rates: Units of each currency for one unit of base.
        candidates: Instruments with a target, a holding or both.
        snapshots: Account id to this run's snapshot.
        quotes: (account id, native id) to a fresh quote.
        frozen: Instrument ids (and `ticker:<ticker>`) with an order of unknown outcome, to the reason: nothing is planned for
            them.
        valid_until: Market id to the close of its next session; nothing is planned on a market that is not there.
        market_by_mic: MIC to market id, for contracts that are listed elsewhere than the screen says.
        converting: Account ids whose broker changes currencies by itself.
        committed: (account id, currency) to what open buys of earlier plans may still take: it is not free.
        broker_limits: Broker to what it may be sent at most; one that is absent has no limits of its own.
        barred: Account id to the kinds of contracts that its broker says it cannot trade, and why: they stay as they are there.
        plan_only: Why nothing of this portfolio may be sent, or None.
    """

    portfolio: Portfolio
    as_of: date
    revision: int
    nav: Decimal
    rates: Mapping[str, Decimal]
    candidates: Sequence[Candidate]
    snapshots: dict[str, AccountSnapshot]
    quotes: Mapping[tuple[str, str], Quote]
    frozen: Mapping[str, str]
    valid_until: Mapping[str, datetime]
    market_by_mic: Mapping[str, str] = field(default_factory=dict)
    converting: frozenset[str] = frozenset()
    committed: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    broker_limits: Mapping[str, BrokerLimits] = field(default_factory=dict)
    barred: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    plan_only: str | None = None

    def is_read(self, account_id: str) -> bool:
        """Whether this run has seen the account: not so for one that is frozen, or that the run leaves out."""
        snapshot = self.snapshots.get(account_id)
        return snapshot is not None and not snapshot.frozen

    def market(self, candidate: Candidate, contract: Contract) -> str:
        """Market id where a contract trades: a holding, or another listing, may be elsewhere than the screen's row."""
        return self.market_by_mic.get(contract.mic, candidate.market)
