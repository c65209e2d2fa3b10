"""2xx: contracts, quotes, bars."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from include.brokers.base import Broker
from include.brokers.checks import check_order
from include.domain.bar import BarSize
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass, Instrument
from include.domain.order import TimeInForce
from include.domain.quote import Quote
from include.errors import Terminal, Transient, Unsupported
from include.sandbox.faults import Fault
from tests.conformance.base import ID, Cases, raised
from tests.conformance.cases import needs, over
from tests.conformance.harness import NOW, PRICE, Ability

READ_FAULTS = (
    Fault.SERVER_ERROR,
    Fault.TOO_MANY_REQUESTS,
    Fault.DROP_CONNECTION,
    Fault.HALF_RESPONSE,
    Fault.MALFORMED_BODY,
)
NOBODY = Instrument(instrument_id="ticker:NOSUCH", ticker="NOSUCH", name="No Such Thing plc", currency="USD", market="US")


class Contracts(Cases):
    def rows(self, *wanted: Instrument) -> list[dict[str, Any]]:
        """What the broker tells of them, all of its list where it lists everything."""
        batches = list(self.broker.contracts(wanted))
        assert all(batch.schema == CONTRACT_SCHEMA for batch in batches)
        return pa.Table.from_batches(batches, schema=CONTRACT_SCHEMA).to_pylist()

    def test_c201_what_is_tradable_is_found(self) -> None:
        """A wanted instrument is found, with its id, currency and kind, and as tradable."""
        [row] = [row for row in self.rows(self.venue.wanted) if row["native_id"] == self.stock.native_id]
        assert (row["broker"], row["currency"], row["asset_class"]) == (self.stock.broker, "USD", "stock")
        assert row["tradable"] is True

    def test_c202_unknown_has_no_row(self) -> None:
        """What the broker does not have gives no row, and is no error."""
        assert [row for row in self.rows(NOBODY) if row["symbol"] == NOBODY.ticker] == []

    @needs(twins=True)
    def test_c203_ambiguous_is_told_whole(self) -> None:
        """Where two contracts fit, both are told: the choice is not the adapter's."""
        assert self.venue.twins is not None
        wanted, both = self.venue.twins
        assert both <= {row["native_id"] for row in self.rows(wanted)}

    @over("read_fault", READ_FAULTS)
    def test_c204_unreadable_is_no_empty_list(self, read_fault: Fault) -> None:
        """A list that cannot be read is an error that may be tried again, or it is complete; never less."""
        whole = self.rows(self.venue.wanted)
        assert whole
        self.reopened()
        with self.misbehaving(read_fault) as again:
            try:
                found = [row for batch in again.contracts([self.venue.wanted]) for row in batch.to_pylist()]
            except Transient:
                found = whole
        assert found == whole

    @over("asset_class", tuple(AssetClass))
    def test_c205_quotes(self, asset_class: AssetClass) -> None:
        """A quote is told under the contract's id, in its currency, with two sides and a time."""
        contract = self.venue.contracts[asset_class]
        quote = self.broker.quotes([contract])[contract.native_id]
        assert (quote.native_id, quote.currency) == (contract.native_id, contract.currency)
        assert quote.bid is not None
        assert quote.ask is not None
        assert 0 < quote.bid <= quote.ask
        assert quote.time.utcoffset() == timedelta(0)

    def test_c206_without_a_quote(self) -> None:
        """A contract without a quote, and one that nobody knows, are absent; asking for nothing gives nothing."""
        asked = [self.venue.unpriced, self.stock, self.venue.unknown]
        assert set(self.broker.quotes(asked)) == {self.stock.native_id}
        assert self.broker.quotes([]) == {}

    @over("read_fault", READ_FAULTS)
    def test_c207_unreadable_is_no_missing_quote(self, read_fault: Fault) -> None:
        """Quotes that cannot be read are an error that may be tried again, or they are right; never absent."""
        with self.misbehaving(read_fault) as broker, suppress(Transient):
            assert set(broker.quotes([self.stock])) == {self.stock.native_id}

    def test_c208_quotes_follow_the_market(self) -> None:
        """A second look tells the new price."""
        before = self.broker.quotes([self.stock])[self.stock.native_id]
        self.venue.mark("210")
        after = self.broker.quotes([self.stock])[self.stock.native_id]
        assert before.mid is not None
        assert after.mid is not None
        assert abs(before.mid - 200) < 1
        assert abs(after.mid - 210) < 1

    @needs(verb="fx_quotes", ability=Ability.CURRENCIES)
    def test_c209_currencies(self) -> None:
        """A currency's rate is units of it for one of the base; one that is not quoted is absent."""
        found = self.broker.fx_quotes("EUR", ["USD", "XXX"])
        assert set(found) == {"USD"}
        assert abs((found["USD"].mid or 0) - Decimal("1.18")) < Decimal("0.01")

    def test_c210_what_is_not_tradable(self) -> None:
        """A delisted contract is not told as tradable."""
        symbol = self.venue.dead.symbol
        wanted = NOBODY.model_copy(update={"ticker": symbol, "instrument_id": f"ticker:{symbol}"})
        assert not [row for row in self.rows(wanted) if row["symbol"] == symbol and row["tradable"]]

    @needs(verb="bars", flag="bars")
    @over("size", tuple(BarSize))
    def test_c211_bars(self, size: BarSize) -> None:
        """Bars lie in the time asked for, oldest first, and their prices agree with one another."""
        start = NOW - timedelta(days=7)
        bars = self.broker.bars(self.stock, size, start, NOW)
        assert bars
        assert [bar.time for bar in bars] == sorted({bar.time for bar in bars})
        for bar in bars:
            assert start <= bar.time < NOW
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.volume >= 0
            assert (bar.native_id, bar.currency) == (self.stock.native_id, "USD")

    @needs(verb="bars", flag="bars")
    def test_c212_no_bars(self) -> None:
        """A stretch of time in which nothing can have been traded has no bars."""
        saturday = NOW - timedelta(days=6)
        assert self.broker.bars(self.stock, BarSize.MINUTE, saturday, saturday + timedelta(hours=1)) == []

    @needs(verb="stream_quotes", flag="quote_stream")
    def test_c213_streams_quotes(self) -> None:
        """A stream tells the new price when the market moves."""

        async def first_above(price: int) -> Quote:
            stream = self.broker.stream_quotes([self.stock])
            try:
                async for quote in stream:
                    if quote.mid is not None and quote.mid > price:
                        return quote
                    await asyncio.to_thread(self.venue.mark, "210")
                raise AssertionError("the stream ended by itself")
            finally:
                await stream.aclose()  # type: ignore[attr-defined]

        quote = asyncio.run(asyncio.wait_for(first_above(205), 20))
        assert quote.native_id == self.stock.native_id

    @needs(ability=Ability.HUNDREDTHS)
    def test_c215_pounds_not_pence(self) -> None:
        """What the broker quotes and trades in pence is in pounds here: quotes, limits, fills."""
        contract = self.venue.pence
        quote = self.broker.quotes([contract])[contract.native_id]
        assert abs((quote.mid or 0) - Decimal("3.5")) < Decimal("0.1")
        self.send(contract=contract, limit_price=Decimal("3.55"))
        report = self.found()
        assert report.average_price is not None
        assert Decimal("3.4") < report.average_price <= Decimal("3.55")
        assert all(Decimal("3.4") < fill.price <= Decimal("3.55") for fill in report.fills)

    @needs(read_fault=Fault.MALFORMED_BODY)
    def test_c214_nonsense_is_no_quote(self) -> None:
        """A quote that cannot be read is no quote: an error with a code that says so, or the right one after all."""
        with self.misbehaving(Fault.MALFORMED_BODY) as broker:
            error = raised(lambda: self.right_quote(broker))
        assert error is None or isinstance(error, Transient)
        assert error is None or (error.code in ("CONNECTION_ERROR", "UNKNOWN") and str(error))

    def right_quote(self, broker: Broker) -> None:
        """The stock's quote is there, and near its mark."""
        quote = broker.quotes([self.stock])[self.stock.native_id]
        assert abs((quote.mid or 0) - PRICE) < 1

    @needs(verb="discover")
    def test_c220_an_unrestricted_account(self) -> None:
        """A broker that tells what an account can do takes no kind of contract away from an unrestricted one."""
        found = self.broker.discover()
        assert (found.asset_classes, found.why_not) == (self.broker.capabilities.asset_classes, {})
        assert self.broker.able == found

    @needs(verb="discover", ability=Ability.RIGHTS)
    def test_c221_a_blocked_account(self) -> None:
        """An account that is blocked trades nothing and says why; when it is free again the next look says so."""
        self.venue.restrict(None)
        found = self.broker.discover()
        assert found.asset_classes == frozenset()
        assert set(found.why_not) == set(self.broker.capabilities.asset_classes)
        with pytest.raises(Unsupported, match="in this account"):
            check_order(self.order(), self.broker.able)
        self.venue.unrestrict()
        assert self.broker.discover().why_not == {}
        check_order(self.order(), self.broker.able)

    @needs(verb="discover", ability=Ability.RIGHTS, asset_class=AssetClass.CRYPTO)
    def test_c222_a_kind_that_is_not_activated(self) -> None:
        """A kind that this account may not trade is taken away with its reason, and the others stay."""
        self.venue.restrict(AssetClass.CRYPTO)
        found = self.broker.discover()
        assert found.asset_classes == self.broker.capabilities.asset_classes - {AssetClass.CRYPTO}
        assert list(found.why_not) == [AssetClass.CRYPTO]
        assert self.broker.able == found

    @needs(verb="discover")
    @over("read_fault", READ_FAULTS)
    def test_c223_unreadable_takes_nothing_away(self, read_fault: Fault) -> None:
        """What could not be read is an error that may be tried again, and narrows nothing."""
        before = self.broker.able
        with self.misbehaving(read_fault, -1) as broker, pytest.raises(Transient):
            broker.discover()
        assert self.broker.able == before

    @needs(asset_class=AssetClass.CRYPTO)
    def test_c224_less_than_the_smallest_quantity(self) -> None:
        """A part of a contract's smallest quantity is refused for good, also after the contract was looked up."""
        contract = self.venue.contracts[AssetClass.CRYPTO]
        pair = Instrument(
            instrument_id=f"crypto:{contract.base}/{contract.currency}",
            ticker=f"{contract.base}-{contract.currency}",
            name=contract.symbol,
            asset_class=AssetClass.CRYPTO,
            currency=contract.currency,
            market="CRYPTO",
        )
        assert [row for row in self.rows(pair) if row["native_id"] == contract.native_id]
        with pytest.raises(Terminal):
            self.send(contract=contract, quantity=contract.lot_size / 2, time_in_force=TimeInForce.GTC)
        assert not self.venue.standing(ID)
