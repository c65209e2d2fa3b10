"""The log-in through a web page: what is the same at all brokers, and that a broker quite unlike OAuth fits."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from include.brokers.login import LoginAttempt, LoginFlow, finish
from include.domain.token import Token
from include.errors import AuthenticationFailed

KOLKATA = ZoneInfo("Asia/Kolkata")
HERE = "http://127.0.0.1:8765/callback"
NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)  # 8:30 in Kolkata


class DailyFlow(LoginFlow):
    """A person every day: a request token and a checksum; an access token until six the next morning, and nothing renews it."""

    broker, account_id, token_name = "daily", "daily-main", "daily:1"

    def __init__(self, gives: Mapping[str, str]) -> None:
        self._gives = gives  # checksum -> access token: the broker's end

    def url(self, attempt: LoginAttempt) -> str:
        return f"https://kite.example/connect/login?v=3&api_key=k&redirect_params=state%3D{attempt.state}"

    def exchange(self, attempt: LoginAttempt, answer: Mapping[str, str]) -> Token:
        if answer.get("status") != "success":
            raise self.person_needed("access was not allowed there")
        checksum = hashlib.sha256(f"k{answer['request_token']}s".encode()).hexdigest()
        if checksum not in self._gives:
            raise self.person_needed("the request token has ended")
        tomorrow = NOW.astimezone(KOLKATA).date() + timedelta(days=1)
        return Token(value=SecretStr(self._gives[checksum]), expires_at=datetime.combine(tomorrow, time(6), KOLKATA))


# printf 'kR1s' | sha256sum
CHECKSUM = "c2f56de56c28c578996a2d4422332e7d98adbd794019aeffa7db7b8f2e3913f6"


@pytest.fixture
def flow() -> DailyFlow:
    return DailyFlow({CHECKSUM: "T1"})


def test_a_broker_with_a_log_in_per_day_fits(flow: DailyFlow) -> None:
    attempt = LoginAttempt(HERE)
    assert attempt.state in flow.url(attempt)
    token = finish(flow, attempt, {"request_token": "R1", "status": "success", "state": attempt.state})
    assert (token.value.get_secret_value(), token.expires_at) == ("T1", datetime(2026, 1, 6, 0, 30, tzinfo=UTC))
    with pytest.raises(AuthenticationFailed, match="its token is not good any more: run `polybroker tokens login daily-main`"):
        flow.renew(token)
    with pytest.raises(AuthenticationFailed, match="nobody has logged in yet: run `polybroker tokens login daily-main`"):
        flow.renew(None)


@pytest.mark.parametrize("state", [None, "", "another", "ä"])
def test_an_answer_to_another_log_in_is_not_even_exchanged(flow: DailyFlow, state: str | None) -> None:
    answer = {"request_token": "R1", "status": "success"} | ({} if state is None else {"state": state})
    with pytest.raises(AuthenticationFailed, match="belongs to another log-in .* run `polybroker tokens login daily-main`"):
        finish(flow, LoginAttempt(HERE), answer)


def test_two_attempts_have_nothing_in_common_and_show_nothing() -> None:
    one, other = LoginAttempt(HERE), LoginAttempt(HERE)
    assert len({one.state, other.state, one.verifier, other.verifier}) == 4
    assert 43 <= len(one.verifier) <= 128
    assert len(one.state) >= 43
    assert one.state not in repr(one)
    assert one.verifier not in repr(one)


def test_the_challenge_is_that_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    attempt = LoginAttempt(HERE, verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert attempt.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
