"""Connecting, proving the environment, and reading while the venue misbehaves."""

from decimal import Decimal
from typing import Any

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.base import BrokerContext
from include.domain.account import Account, Environment
from include.domain.order import OrderChange
from include.errors import AuthenticationFailed, BrokerUnavailable, InputError, RateLimited
from include.sandbox.alpaca.limiter import Limiter
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c


def test_a_broker_may_connect_only_when_it_is_asked(server: AlpacaVenue, book: VenueBook) -> None:
    key, secret = c.sandbox_keys(c.CODE)
    credentials = {"api_key": key, "secret_key": secret, "base_url": server.url}
    context = BrokerContext(credentials=credentials, config=c.CONFIG, sandbox_token=c.TOKEN, connects_when_asked=True)
    account = Account(account_id="alpaca-main", broker="alpaca", environment=Environment.SANDBOX)
    with AlpacaBroker(account, context) as broker:
        assert book.requests == []
        assert sum(batch.num_rows for batch in broker.contracts(())) > 0
    assert book.requests[0][1].endswith("account")


@pytest.mark.parametrize("wrong", [{"api_key": "PKWRONG"}, {"secret_key": "wrong"}])
def test_wrong_keys(opened: c.Open, wrong: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed, match="403: forbidden") as caught:
        opened(credentials=wrong)
    assert next(iter(wrong.values())) not in str(caught.value)
    whence = "(ALPACA_API_KEY, ALPACA_SECRET_KEY, or the Connection polybroker_alpaca)"
    assert str(caught.value).endswith(f"Are these the credentials of 127.0.0.1? Paper and live have their own {whence}")


@pytest.mark.parametrize("wrong", [{"api_key": ""}, {"secret_key": " "}, {"api_key": "a\nb"}, {"secret_key": "schlüssel"}])
def test_keys_that_are_none(opened: c.Open, book: VenueBook, wrong: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed, match=next(iter(wrong))):
        opened(credentials=wrong)
    assert book.requests == []


@pytest.mark.parametrize(
    "url", ["paper-api.alpaca.markets", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port", "http://[::1"]
)
@pytest.mark.parametrize("field", ["base_url", "data_url"])
def test_a_url_that_is_none(opened: c.Open, field: str, url: str) -> None:
    with pytest.raises(InputError, match=rf"{field}.*ALPACA_{field.upper()}, or the Connection polybroker_alpaca"):
        opened(credentials={field: url})


def test_a_host_that_cannot_be_reached_is_named_with_who_sets_it(opened: c.Open) -> None:
    told = r"could not connect to 127\.0\.0\.1:1\. .*\(ALPACA_BASE_URL, ALPACA_DATA_URL, or the Connection polybroker_alpaca\)"
    with pytest.raises(BrokerUnavailable, match=told) as caught:
        opened(credentials={"base_url": "http://somebody:password@127.0.0.1:1"})
    assert "password" not in str(caught.value)


def test_the_url_may_be_written_as_alpaca_shows_it(opened: c.Open, server: AlpacaVenue) -> None:
    assert opened(credentials={"base_url": f"{server.url}/v2/"}).snapshot("2025-09-18", c.NOW).equity == 10000


def test_keys_of_another_account(opened: c.Open) -> None:
    with pytest.raises(AuthenticationFailed, match="another account"):
        opened(broker_account="PA123")
    opened(broker_account=c.CODE).prove_environment()


def test_closed_is_closed(broker: AlpacaBroker) -> None:
    broker.close()
    broker.close()
    with pytest.raises(BrokerUnavailable, match="not connected"):
        broker.quotes([c.contract()])


def test_leaving_the_context_closes(opened: c.Open) -> None:
    broker = opened()
    with broker as entered:
        assert entered is broker
        broker.find_order("Z" * 20)
    with pytest.raises(BrokerUnavailable):
        broker.find_order("Z" * 20)


def test_a_failed_connect_leaves_nothing_open(opened: c.Open, book: VenueBook) -> None:
    broker = opened()
    book.faults.add("server_error")
    with pytest.raises(BrokerUnavailable):
        broker.connect()
    with pytest.raises(BrokerUnavailable, match="not connected"):
        broker.prove_environment()


@pytest.mark.parametrize("fault", ["server_error", "malformed_body", "drop_connection"])
def test_trouble_while_reading_is_never_an_empty_answer(broker: AlpacaBroker, book: VenueBook, fault: str) -> None:
    for read in (
        lambda: list(broker.contracts([])),
        lambda: broker.snapshot("2025-09-18", c.NOW),
        lambda: broker.quotes([c.contract()]),
        lambda: broker.find_order("A" * 20),
    ):
        book.faults.add(fault)
        with pytest.raises(BrokerUnavailable):
            read()
    assert broker.find_order("A" * 20) is None


def test_a_silent_venue_ends_a_read(opened: c.Open, book: VenueBook) -> None:
    hasty = opened(config={"timeout_seconds": 0.2})
    book.faults.add("hang")
    with pytest.raises(BrokerUnavailable, match="Timeout"):
        hasty.find_order("A" * 20)


def test_too_many_reads(broker: AlpacaBroker, server: AlpacaVenue, book: VenueBook) -> None:
    server.venue.limiter = Limiter(0)
    before = len(book.requests)
    with pytest.raises(RateLimited):
        broker.find_order("A" * 20)
    assert len(book.requests) == before + 1  # not asked again behind our back


def test_the_account_proves_a_sandbox(broker: AlpacaBroker) -> None:
    broker.prove_environment()


def test_another_projects_venue_is_no_proof(opened: c.Open, server: AlpacaVenue) -> None:
    server.venue.book.account_code = "SBX00000000"
    with pytest.raises(AuthenticationFailed, match="account number.*POLYBROKER_SANDBOX_TOKEN"):
        opened().prove_environment()


@pytest.mark.parametrize("claim", [Environment.PAPER, Environment.LIVE])
def test_a_local_venue_is_neither_paper_nor_live(opened: c.Open, claim: Environment) -> None:
    with pytest.raises(AuthenticationFailed, match=rf"{claim.value} accounts: change the address \(ALPACA_BASE_URL, or"):
        opened(environment=claim).prove_environment()


def test_nothing_is_placed_changed_or_cancelled_on_a_claim(opened: c.Open, book: VenueBook) -> None:
    broker = opened(environment=Environment.LIVE)
    before = len(book.requests)
    for write in (
        lambda: broker.submit(c.order()),
        lambda: broker.modify("A" * 20, OrderChange(quantity=Decimal(1))),
        lambda: broker.cancel("A" * 20),
    ):
        with pytest.raises(AuthenticationFailed, match="live"):
            write()
    assert len(book.requests) == before
    assert broker.find_order("A" * 20) is None  # reading needs no proof


@pytest.mark.parametrize(
    ("claim", "url", "proven"),
    [
        ("paper", None, True),
        ("paper", "https://paper-api.alpaca.markets/v2", True),
        ("paper", "https://api.alpaca.markets", False),
        ("paper", "http://paper-api.alpaca.markets", False),
        ("paper", "https://paper-api.alpaca.markets.example.com", False),
        ("paper", "https://paper-api.alpaca.markets:8443", False),
        ("live", "https://api.alpaca.markets", True),
        ("live", "https://paper-api.alpaca.markets", False),
        ("live", None, False),
        ("sandbox", "https://paper-api.alpaca.markets", False),
    ],
)
def test_hosts_prove_what_they_are(claim: str, url: str | None, proven: bool) -> None:
    broker = _as_if_connected({"base_url": url} if url else {}, Environment(claim), token=c.TOKEN)
    if proven:
        broker.prove_environment()
        return
    with pytest.raises(AuthenticationFailed):
        broker.prove_environment()


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_there_is_no_sandbox(token: str | None) -> None:
    broker = _as_if_connected({"base_url": "http://127.0.0.1:1"}, Environment.SANDBOX, token=token)
    with pytest.raises(AuthenticationFailed, match="token"):
        broker.prove_environment()


def test_a_missing_claim_is_live() -> None:
    assert Account(account_id="a", broker="alpaca").environment is Environment.LIVE


class _Connected:
    """Stands for a client that has read the account: the proofs ask it nothing."""

    def close(self) -> None:
        return None


def _as_if_connected(credentials: dict[str, str], environment: Environment, token: str | None) -> AlpacaBroker:
    account = Account(account_id="a", broker="alpaca", environment=environment)
    broker = AlpacaBroker(account, BrokerContext(credentials=credentials, sandbox_token=token))
    client: Any = _Connected()
    broker._client, broker._account_number = client, c.CODE
    return broker
