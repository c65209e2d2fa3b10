"""What the mirror's quotes and passing time do to an account. Nothing happens by itself: only when somebody looks."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from include.brokers.paper.account import PaperAccount
from include.brokers.paper.config import PaperConfig
from include.brokers.paper.mirror import PAPER, Mirror
from include.domain.contract import Contract
from include.errors import BrokerUnavailable, InputError, Transient
from include.simulation.engine import SimOrder

T = TypeVar("T")


class Market:
    """The mirror's prices as an account's engine takes them.

    Args:
        clock: Gives the time of fills, aware UTC.
    """

    def __init__(self, mirror: Mirror, config: PaperConfig, clock: Callable[[], datetime]) -> None:
        self._mirror = mirror
        self._config = config
        self._clock = clock

    def refresh(self, account: PaperAccount, contracts: Sequence[Contract]) -> None:
        """Rates first, then marks (which fill resting orders), then what time brings.

        Raises:
            BrokerUnavailable: The mirror cannot be read.
        """
        engine, config = account.engine, self._config
        currencies = sorted({contract.currency for contract in contracts} - {config.base_currency})
        for currency, rate in self._mirror.middle_rates(config.base_currency, currencies).items():
            engine.set_rate(currency, rate)
        for native_id, quote in self._mirror.quotes(contracts).items():
            price = quote.mid
            if price is not None and price > 0:
                engine.set_mark(
                    native_id,
                    account.contracts[native_id].currency,
                    price,
                    quote.time,
                    bid=quote.bid,
                    ask=quote.ask,
                    volume=config.volume_per_quote,
                    daily_volume=config.daily_volume,
                    now=self._clock(),
                )
        engine.expire(self._clock())

    def let_fill(self, account: PaperAccount, orders: Sequence[SimOrder]) -> None:
        """New quotes for open orders; without the mirror they stay as they are, which is still their true state."""
        standing = [leg for order in orders for leg in (order, *account.engine.legs(order)) if leg.is_open]
        wanted = dict.fromkeys(order.native_id for order in standing)
        try:
            self.refresh(account, [account.contracts[native_id] for native_id in wanted])
        except Transient:
            account.engine.expire(self._clock())

    def valued(self, account: PaperAccount, value: Callable[[dict[str, Decimal]], T]) -> T:
        """Something in the base currency, with rates asked for where an amount's currency has none yet.

        Raises:
            BrokerUnavailable: The mirror cannot be read, or has no rate for a currency.
        """
        engine, base = account.engine, self._config.base_currency
        currencies = {currency for currency, amount in engine.cash.items() if amount}
        currencies |= {row.currency for row in engine.profits()}
        missing = sorted(currencies - {base} - set(engine.ledger.rates))
        rates = engine.ledger.rates | self._mirror.middle_rates(base, missing)
        try:
            return value(rates)
        except InputError as error:
            raise BrokerUnavailable(f"paper: {error}", broker=PAPER) from error
