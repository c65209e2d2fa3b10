"""One login's token: asked for once, shared, renewed in time, never somebody else's."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from include.brokers.access_token import AccessToken, token_name
from include.domain.token import Token
from include.errors import AuthenticationFailed, BrokerUnavailable
from tests.fakes.keeper import Keeper

NOW = datetime(2026, 1, 5, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def token(value: str, lasts: timedelta | None = HOUR) -> Token:
    return Token(value=SecretStr(value), expires_at=None if lasts is None else NOW + lasts)


class Endpoint:
    """Gives T1, T2, ... until it is told to fail."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.last: Token | None = None

    def __call__(self, last: Token | None) -> Token:
        self.asked += 1
        self.last = last
        if self.error is not None:
            raise self.error
        return token(f"T{self.asked}")


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


def login(endpoint: Endpoint, keeper: Keeper | None, now: datetime = NOW) -> AccessToken:
    return AccessToken(endpoint, name="toy:1", keeper=keeper, clock=lambda: now)


def test_it_outlives_the_process(endpoint: Endpoint, keeper: Keeper) -> None:
    assert [login(endpoint, keeper).current() for _ in range(3)] == ["T1"] * 3
    assert (endpoint.asked, keeper.turns) == (1, 1)


def test_without_a_keeper_it_is_this_process_alone(endpoint: Endpoint) -> None:
    alone = login(endpoint, None)
    assert [alone.is_stale, alone.current(), alone.current(), alone.is_stale] == [True, "T1", "T1", False]
    alone.renew()
    assert alone.current() == "T2"


@pytest.mark.parametrize(("seconds", "expected"), [(61, "T1"), (60, "T2"), (-1, "T2")])
def test_it_is_renewed_a_minute_before_its_end(endpoint: Endpoint, keeper: Keeper, seconds: int, expected: str) -> None:
    login(endpoint, keeper).current()
    assert login(endpoint, keeper, NOW + HOUR - timedelta(seconds=seconds)).current() == expected


def test_whoever_comes_second_takes_the_newer_one(endpoint: Endpoint, keeper: Keeper) -> None:
    keeper.meanwhile = lambda: keeper.put("toy:1", token("theirs"), NOW)
    assert login(endpoint, keeper).current() == "theirs"
    assert (endpoint.asked, keeper.turns) == (0, 1)


def test_a_refused_one_is_dropped_and_fetched_once(endpoint: Endpoint, keeper: Keeper) -> None:
    first, second = login(endpoint, keeper), login(endpoint, keeper)
    assert (first.current(), second.current()) == ("T1", "T1")
    assert first.replace("T1") == "T2"
    assert second.replace("T1") == "T2"  # it learns that the refused one was replaced
    assert second.replace("T1") == "T2"  # a late answer to a request with the old one
    assert endpoint.asked == 2


def test_a_refused_one_stays_until_there_is_another(endpoint: Endpoint, keeper: Keeper) -> None:
    opened = login(endpoint, keeper)
    opened.current()
    endpoint.error = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        opened.replace("T1")
    assert keeper.kept == {"toy:1": token("T1")}  # what it can be renewed with is in it
    endpoint.error = None
    assert opened.replace("T1") == "T3"
    assert keeper.kept == {"toy:1": token("T3")}


def test_the_one_before_is_what_another_is_asked_with(endpoint: Endpoint, keeper: Keeper) -> None:
    ended = Token(value=SecretStr("ended"), expires_at=NOW - 30 * 24 * HOUR, refresh=SecretStr("R"))
    keeper.put("toy:1", ended, NOW)
    assert login(endpoint, keeper).current() == "T1"
    assert endpoint.last == ended
    alone = login(endpoint, None)
    assert (alone.current(), endpoint.last) == ("T2", None)
    alone.renew()
    assert endpoint.last == token("T2")


def test_one_that_does_not_end_is_not_renewed(endpoint: Endpoint, keeper: Keeper) -> None:
    keeper.put("toy:1", token("for good", lasts=None), NOW)
    opened = login(endpoint, keeper)
    assert opened.current() == "for good"
    opened.renew()
    assert (opened.current(), endpoint.asked) == ("for good", 0)
    assert opened.replace("for good") == "T1"


def test_renewing_takes_what_another_process_renewed(endpoint: Endpoint, keeper: Keeper) -> None:
    first, second = login(endpoint, keeper), login(endpoint, keeper)
    assert (first.current(), second.current()) == ("T1", "T1")
    first.renew()
    second.renew()
    assert (first.current(), second.current(), endpoint.asked) == ("T2", "T2", 2)


def test_one_that_nobody_can_read_any_more_is_replaced(endpoint: Endpoint, keeper: Keeper) -> None:
    keeper.put("toy:1", token("encrypted with another key"), NOW)
    keeper.locked_out = True
    assert login(endpoint, keeper).current() == "T1"
    assert keeper.get("toy:1") == token("T1")


def test_one_that_the_user_gives_is_all_there_is() -> None:
    fixed = AccessToken(None, token=token("given", lasts=None))
    assert not fixed.is_stale
    fixed.renew()
    assert (fixed.current(), fixed.replace("given")) == ("given", "given")


def test_a_token_per_day_after_a_person_logged_in(keeper: Keeper) -> None:
    def nobody_logged_in(last: Token | None) -> Token:
        raise AuthenticationFailed("log in again")

    task = AccessToken(nobody_logged_in, name="kite:1", keeper=keeper, clock=lambda: NOW)
    with pytest.raises(AuthenticationFailed, match="log in again"):
        task.current()
    keeper.put("kite:1", token("of today"), NOW)
    assert task.current() == "of today"
    with pytest.raises(AuthenticationFailed):
        task.renew()
    assert task.current() == "of today"  # it is good to its end
    with pytest.raises(AuthenticationFailed):
        task.replace("of today")
    keeper.put("kite:1", token("of a new log-in"), NOW)
    assert task.replace("of today") == "of a new log-in"


def test_another_login_has_another_name() -> None:
    names = {token_name("toy", *login) for login in (["a", "b"], ["a", "c"], ["ab", ""], ["a\0b"], ["b", "a"])}
    assert len(names) == 4  # ["a\0b"] is no id or secret that a header or a form takes
    assert token_name("toy", "id", "secret") == token_name("toy", "id", "secret")
    assert token_name("toy", "id", "secret").startswith("toy:")
    assert "secret" not in token_name("toy", "id", "secret")
