"""The mirrored broker under our names: native ids are `<mirror>:<native id>`."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from include.brokers.base import Broker
from include.domain.bar import Bar, BarSize
from include.domain.contract import CONTRACT_SCHEMA, Contract
from include.domain.instrument import Instrument
from include.domain.quote import Quote
from include.errors import BrokerUnavailable, InvalidSymbol, Unsupported

PAPER = "paper"


class Mirror:
    """Contracts, quotes and bars of the mirrored broker.

    Args:
        broker: Open, for reading; None where there is none: every question then raises `BrokerUnavailable`.
    """

    def __init__(self, broker: Broker | None) -> None:
        self._broker = broker

    @property
    def broker(self) -> Broker:
        """The mirrored one.

        Raises:
            BrokerUnavailable: There is none.
        """
        if self._broker is None:
            raise BrokerUnavailable("paper: the broker it mirrors is not open", broker=PAPER)
        return self._broker

    def theirs(self, contract: Contract) -> Contract:
        """One of our contracts as the mirror knows it.

        Raises:
            InvalidSymbol: It is none of its contracts.
        """
        prefix, _, native_id = contract.native_id.partition(":")
        if contract.broker != PAPER or prefix != self.broker.name or not native_id:
            words = f"paper: {contract.broker} {contract.native_id} is no contract of {self.broker.name}'s list"
            raise InvalidSymbol(words, broker=PAPER)
        return contract.model_copy(update={"broker": self.broker.name, "native_id": native_id})

    def contracts(self, wanted: Sequence[Instrument]) -> Iterator[pa.RecordBatch]:
        """Its contracts as this broker's."""
        for batch in self.broker.contracts(wanted):
            columns = {name: batch.column(name) for name in CONTRACT_SCHEMA.names}
            columns["broker"] = pa.array([PAPER] * batch.num_rows, pa.string())
            columns["native_id"] = pc.binary_join_element_wise(f"{self.broker.name}:", columns["native_id"], "")
            yield pa.RecordBatch.from_arrays([columns[name] for name in CONTRACT_SCHEMA.names], schema=CONTRACT_SCHEMA)

    def quotes(self, contracts: Sequence[Contract]) -> dict[str, Quote]:
        """Its quotes, by our native ids; no contracts, no question."""
        if not contracts:
            return {}
        found = self.broker.quotes([self.theirs(contract) for contract in contracts])
        return {self._ours(native_id): self._our_quote(quote) for native_id, quote in found.items()}

    def middle_rates(self, base: str, currencies: Sequence[str]) -> dict[str, Decimal]:
        """Units of each currency for one of `base`; absent where it has no quote. A broker without pairs has none."""
        if not currencies:
            return {}
        try:
            found = self.broker.fx_quotes(base, currencies)
        except Unsupported:
            return {}
        middles = {currency: quote.mid for currency, quote in found.items()}
        return {currency: rate for currency, rate in middles.items() if rate is not None and rate > 0}

    def bars(self, contract: Contract, size: BarSize, start: datetime, end: datetime) -> list[Bar]:
        """Its bars of one of our contracts."""
        found = self.broker.bars(self.theirs(contract), size, start, end)
        return [bar.model_copy(update={"native_id": contract.native_id}) for bar in found]

    async def stream_quotes(self, contracts: Sequence[Contract]) -> AsyncIterator[Quote]:
        """Its quotes as they change, by our native ids."""
        async for quote in self.broker.stream_quotes([self.theirs(contract) for contract in contracts]):
            yield self._our_quote(quote)

    def _ours(self, native_id: str) -> str:
        return f"{self.broker.name}:{native_id}"

    def _our_quote(self, quote: Quote) -> Quote:
        return quote.model_copy(update={"native_id": self._ours(quote.native_id)})
