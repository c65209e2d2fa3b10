"""225 to 229: a person logs in through the broker's web page."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from include.brokers.base import Broker
from include.brokers.login import LoginAttempt, LoginFlow, finish
from include.errors import AuthenticationFailed
from tests.conformance.base import Cases
from tests.conformance.cases import needs
from tests.fakes.keeper import Keeper

HERE = "http://127.0.0.1:8765/callback"


class Logins(Cases):
    def flow(self, credentials: Mapping[str, str] | None = None) -> LoginFlow:
        """How one logs in with the venue's credentials, or with others."""
        made = self.venue.make(credentials={**self.venue.person_login(), **(credentials or {})})
        return type(made).login_flow(made.account, made.context)

    def person(self, flow: LoginFlow, keeper: Keeper) -> str:
        """A person logs in, and the token is kept: the token."""
        attempt = LoginAttempt(HERE)
        token = finish(flow, attempt, self.venue.visit(flow.url(attempt)))
        keeper.put(flow.token_name, token, datetime.now(UTC))
        return token.value.get_secret_value()

    def with_keeper(self, keeper: Keeper) -> Broker:
        """A broker that has nothing but the kept token."""
        return self.venue.open(credentials=self.venue.person_login(), tokens=keeper)

    @needs(verb="login_flow")
    def test_c225_a_person_logs_in(self) -> None:
        """Nobody trades before a person has logged in; afterwards everybody does who has the kept token."""
        keeper = Keeper()
        with pytest.raises(AuthenticationFailed, match="run `polybroker tokens login "):
            self.with_keeper(keeper)
        self.person(self.flow(), keeper)
        self._broker = self.with_keeper(keeper)
        self.send()
        assert self.found().client_order_id

    @needs(verb="login_flow")
    def test_c226_an_answer_is_good_once(self) -> None:
        """What the redirect brought gives one token, to the log-in that asked for it."""
        flow, attempt = self.flow(), LoginAttempt(HERE)
        answer = self.venue.visit(flow.url(attempt))
        with pytest.raises(AuthenticationFailed, match="another log-in"):
            finish(flow, LoginAttempt(HERE), answer)
        assert finish(flow, attempt, answer).value.get_secret_value()
        with pytest.raises(AuthenticationFailed, match="run `polybroker tokens login "):
            finish(flow, attempt, answer)

    @needs(verb="login_flow")
    def test_c227_a_person_who_says_no(self) -> None:
        """Access that was not allowed gives no token, and is said."""
        flow, attempt = self.flow(), LoginAttempt(HERE)
        answer = self.venue.visit(flow.url(attempt), allow=False)
        with pytest.raises(AuthenticationFailed, match="access was not allowed there"):
            finish(flow, attempt, answer)

    @needs(verb="login_flow")
    def test_c228_a_log_in_that_ended(self) -> None:
        """When the broker takes the token no more, a person is asked for; neither the token nor anything empty is told."""
        keeper = Keeper()
        token = self.person(self.flow(), keeper)
        self._broker = self.with_keeper(keeper)
        self.venue.end_logins()
        with pytest.raises(AuthenticationFailed, match="run `polybroker tokens login ") as error:
            self.broker.list_orders()
        assert token not in repr(error.value)
        self.person(self.flow(), keeper)
        assert self.broker.list_orders() == []
