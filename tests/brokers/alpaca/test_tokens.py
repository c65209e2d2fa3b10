"""Access tokens instead of keys: asked for, renewed in time, renewed after a 401."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from datetime import timedelta

import pytest

from include.brokers.alpaca.adapter import AlpacaBroker
from include.brokers.alpaca.tokens import fetch_token
from include.brokers.base import ConnectionState
from include.errors import AuthenticationFailed, BrokerUnavailable
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.server import AlpacaVenue
from include.sandbox.book import VenueBook
from tests.brokers.alpaca import conftest as c
from tests.brokers.alpaca.test_client import answering, body

KEY, SECRET = sandbox_keys(c.CODE)
NO_KEYS = {"api_key": "", "secret_key": ""}
NO_HEADER = body('{"access_token": "a\\nb", "expires_in": 900}')
CLIENT = {**NO_KEYS, "client_id": KEY, "client_secret": SECRET}


def asked_for_tokens(book: VenueBook) -> int:
    return sum(kind == "POST /v1/oauth2/token" for _, kind, _ in book.requests)


@pytest.fixture
def tokened(opened: c.Open) -> AlpacaBroker:
    return opened(CLIENT)


def test_a_token_that_the_user_gives(opened: c.Open, server: AlpacaVenue, book: VenueBook) -> None:
    broker = opened({**NO_KEYS, "oauth_token": server.venue.new_token()})
    broker.submit(c.order())
    assert broker.find_order("A" * 20) is not None
    broker.refresh()
    assert (broker.state, asked_for_tokens(book)) == (ConnectionState.CONNECTED, 0)
    server.venue.tokens.clear()
    with pytest.raises(AuthenticationFailed, match="401 / 40110000"):
        broker.list_orders()


def test_a_token_is_asked_for_once(tokened: AlpacaBroker, book: VenueBook) -> None:
    tokened.prove_environment()
    tokened.submit(c.order())
    assert tokened.quotes([c.contract()])
    assert asked_for_tokens(book) == 1


def test_a_token_is_renewed_before_it_ends(tokened: AlpacaBroker, book: VenueBook) -> None:
    tokens = tokened._settings.tokens
    assert tokens is not None
    real = tokens._clock
    later = real() + timedelta(seconds=830)  # of 899
    tokens._clock = lambda: later
    assert tokened.state is ConnectionState.CONNECTED
    later += timedelta(seconds=10)
    assert tokened.state is ConnectionState.DEGRADED
    tokened.list_orders()
    tokens._clock = real
    assert (tokened.state, asked_for_tokens(book)) == (ConnectionState.CONNECTED, 2)
    tokened.refresh()
    assert asked_for_tokens(book) == 3


@pytest.mark.parametrize("fault", [True, False])
def test_a_token_that_ended_early_is_renewed_at_once(tokened: AlpacaBroker, book: VenueBook, fault: bool) -> None:
    tokened.prove_environment()
    if fault:
        book.faults.add("expired_token")
    else:
        book.clock = lambda: c.NOW + timedelta(seconds=900)
    tokened.submit(c.order(order_id="A" * 20))
    posts = [kind for _, kind, _ in book.requests if kind.startswith("POST /v2")]
    assert len(posts) == 2  # the first of them was refused before anything was done
    assert len(book.engine.find("A" * 20)) == 1


def test_expired_keys_are_said(broker: AlpacaBroker, book: VenueBook) -> None:
    book.faults.add("expired_token")
    with pytest.raises(AuthenticationFailed, match="401 / 40110000"):
        broker.list_orders()


def test_streams_take_tokens(tokened: AlpacaBroker, server: AlpacaVenue) -> None:
    async def first_quote() -> object:
        async with asyncio.timeout(20), aclosing(tokened.stream_quotes([c.contract()])) as quotes:  # type: ignore[type-var]
            return await anext(quotes)

    assert asyncio.run(first_quote())

    async def order_stream_opens() -> None:
        stream = tokened.stream_orders()
        task = asyncio.ensure_future(anext(stream))
        while not any(kind == "WS /stream" for _, kind, _ in server.venue.book.requests):
            await asyncio.wait([task], timeout=0.01)
            assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(order_stream_opens())


def test_a_wrong_secret(opened: c.Open) -> None:
    with pytest.raises(AuthenticationFailed, match="refused client id and secret"):
        opened({**CLIENT, "client_secret": "wrong"})


def test_half_of_the_credentials(opened: c.Open) -> None:
    with pytest.raises(AuthenticationFailed, match="no client_secret"):
        opened({**CLIENT, "client_secret": ""})


@pytest.mark.parametrize(
    "raw", [b"", body("not json"), body("[]"), body("{}"), body('{"access_token": "a"}'), NO_HEADER, body("", "503 Busy")]
)
def test_an_endpoint_without_a_token(raw: bytes) -> None:
    with answering(raw) as url, pytest.raises(BrokerUnavailable, match="token endpoint"):
        fetch_token("id", "secret", url, timeout_seconds=5, trust_env=False, whence="ALPACA_TOKEN_URL")


def test_states(opened: c.Open, broker: AlpacaBroker) -> None:
    never = AlpacaBroker(broker.account, broker.context)
    assert never.state is ConnectionState.DISCONNECTED
    assert broker.state is ConnectionState.CONNECTED
    broker.refresh()
    broker.close()
    assert broker.state is ConnectionState.CLOSED


@pytest.fixture(autouse=True)
def _no_tokens_left(server: AlpacaVenue) -> Iterator[None]:
    yield
    server.venue.tokens.clear()
