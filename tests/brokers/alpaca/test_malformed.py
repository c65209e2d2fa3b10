"""Answers that are JSON, yet not what Alpaca documents: no exception but ours, and nothing taken for empty."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import BrokerContext
from include.brokers.environment import sandbox_account_code
from include.domain.account import Account, Environment
from include.errors import BrokerUnavailable, OutcomeUnknown
from tests.brokers.alpaca import conftest as c
from tests.brokers.alpaca.test_client import answering, body

ACCOUNT = {"account_number": sandbox_account_code("", c.TOKEN), "equity": "1", "cash": "1"}
ACCEPTED = {"id": "61e69015-8549-4bfd-b9c3-01e75843f47d", "client_order_id": "A" * 20, "asset_id": c.AAPL, "status": "new"}


@contextmanager
def broker_hearing(answer: Any) -> Iterator[AlpacaBroker]:
    """A broker that connected well, and from then on hears the same answer to everything."""
    with answering(body(json.dumps(ACCOUNT))) as good, answering(body(json.dumps(answer))) as odd:
        context = BrokerContext(
            credentials={"api_key": "k", "secret_key": "s", "base_url": good, "data_url": odd},
            config=c.CONFIG,
            sandbox_token=c.TOKEN,
        )
        with AlpacaBroker(Account(account_id="a", broker="alpaca", environment=Environment.SANDBOX), context) as broker:
            broker.prove_environment()
            assert broker._client is not None
            broker._client._trading._base_url = odd
            yield broker


READS: dict[str, Callable[[AlpacaBroker], Any]] = {
    "contracts": lambda broker: list(broker.contracts([])),
    "snapshot": lambda broker: broker.snapshot("2025-09-18", c.NOW),
    "quotes": lambda broker: broker.quotes([c.contract()]),
    "find_order": lambda broker: broker.find_order("A" * 20),
    "connect": lambda broker: broker._read_account(),
}


@pytest.mark.parametrize("answer", [{}, [1], "text", 7, None, {"quotes": [1]}, {"quotes": {"AAPL": 5}}])
@pytest.mark.parametrize("read", READS)
def test_reads(read: str, answer: Any) -> None:
    with broker_hearing(answer) as broker, pytest.raises(BrokerUnavailable):
        READS[read](broker)


@pytest.mark.parametrize(
    "quoted",
    [
        {"bp": "a", "ap": 2, "t": "2025-09-18T20:00:00Z"},
        {"bp": 1, "ap": 2, "t": "yesterday"},
        {"bp": 1, "ap": 2},
    ],
)
def test_a_quote_that_is_none(quoted: dict[str, Any]) -> None:
    with broker_hearing({"quotes": {"AAPL": quoted}}) as broker, pytest.raises(BrokerUnavailable, match="made no sense"):
        broker.quotes([c.contract()])


def test_an_account_without_numbers() -> None:
    with broker_hearing({"account_number": "1", "equity": None}) as broker, pytest.raises(BrokerUnavailable, match="account"):
        broker.snapshot("2025-09-18", c.NOW)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        "ok",
        {**ACCEPTED, "client_order_id": "B" * 20},
        {**ACCEPTED, "asset_id": c.SPY},
        {**ACCEPTED, "qty": "ten"},
    ],
)
def test_an_accepted_order_that_is_not_ours_to_read(answer: Any) -> None:
    with broker_hearing(answer) as broker, pytest.raises(OutcomeUnknown):
        broker.submit(c.order())


def test_a_first_word_with_the_least_there_is() -> None:
    with broker_hearing(ACCEPTED) as broker:
        assert broker.submit(c.order()).broker_order_id == ACCEPTED["id"]


def test_open_orders_that_cannot_be_told_apart_by_time(
    broker: AlpacaBroker, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.brokers.alpaca.reading.PAGE", 2)
    for number in range(3):  # all in one moment: the venue's clock stands still
        broker.submit(c.order(quantity="1", limit="1", order_id=f"R{number:019d}"))
    with pytest.raises(BrokerUnavailable, match="one moment"):
        broker.snapshot("2025-09-18", c.NOW)
