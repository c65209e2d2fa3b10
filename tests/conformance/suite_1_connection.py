"""1xx: connection and environment."""

import pytest

from include.brokers.base import ConnectionState
from include.domain.account import Environment
from include.errors import AuthenticationFailed, BrokerUnavailable, Terminal, Transient
from tests.conformance.base import ID, Cases
from tests.conformance.cases import needs
from tests.conformance.harness import Ability


class Connection(Cases):
    def test_c101_connects_and_proves_its_environment(self) -> None:
        """Connects, says so, and proves the sandbox it claims."""
        broker = self.venue.make(for_orders=True)
        with broker:
            assert broker.state is ConnectionState.CONNECTED
            broker.prove_environment()

    def test_c102_closing_is_harmless(self) -> None:
        """Closing twice is harmless, and nothing is connected any more."""
        broker = self.venue.open()
        broker.close()
        broker.close()
        assert broker.state in (ConnectionState.CLOSED, ConnectionState.DISCONNECTED)

    @needs(ability=Ability.ADDRESS)
    def test_c103_nobody_there(self) -> None:
        """An address where nobody answers is `BrokerUnavailable`, and closing afterwards is harmless."""
        broker = self.venue.make(credentials=self.venue.nowhere())
        with pytest.raises(BrokerUnavailable) as caught:
            broker.connect()
        assert caught.value.code == "CONNECTION_ERROR"
        broker.close()

    @needs(ability=Ability.CREDENTIALS)
    def test_c104_wrong_credentials(self) -> None:
        """Refused credentials are `AuthenticationFailed`, and no message shows the secret."""
        wrong = self.venue.wrong_credentials()
        broker = self.venue.make(credentials=wrong)
        with pytest.raises(AuthenticationFailed) as caught:
            broker.connect()
        words = f"{caught.value} {caught.value.context}"
        assert not any(secret in words for secret in wrong.values())
        broker.close()

    def test_c105_live_needs_proof(self) -> None:
        """A venue that is claimed to be live proves nothing: nothing is sent."""
        broker = self.venue.open(environment=Environment.LIVE)
        with pytest.raises(AuthenticationFailed):
            broker.prove_environment()
        with pytest.raises(AuthenticationFailed):
            broker.submit(self.order())
        assert self.venue.standing(ID) == []

    @needs(ability=Ability.PROOF)
    def test_c106_a_foreign_sandbox(self) -> None:
        """A sandbox that was started with another token is not ours: nothing is sent."""
        broker = self.venue.open(token="token-of-somebody-else")
        with pytest.raises(AuthenticationFailed):
            broker.submit(self.order())
        assert self.venue.standing(ID) == []

    @needs(ability=Ability.PROOF)
    def test_c107_reading_needs_no_proof(self) -> None:
        """Quotes are read on a claim without proof."""
        broker = self.venue.open(token="token-of-somebody-else")
        assert self.stock.native_id in broker.quotes([self.stock])

    @needs(ability=Ability.REQUEST_LOG)
    def test_c108_connects_when_asked(self) -> None:
        """Where caches may answer, entering asks nothing; the first request connects."""
        before = len(self.venue.requests())
        with self.venue.make(connects_when_asked=True) as broker:
            assert len(self.venue.requests()) == before
            assert self.stock.native_id in broker.quotes([self.stock])

    def test_c109_sources_are_kept_apart(self) -> None:
        """Ids of one sandbox are filed apart from those of another and of the live account."""
        made = [
            self.venue.make(),
            self.venue.make(token="token-of-somebody-else"),
            self.venue.make(environment=Environment.LIVE),
        ]
        assert len({broker.source for broker in made}) == 3

    def test_c110_refreshing_keeps_the_connection(self) -> None:
        """Renewing what it is authenticated with leaves it usable."""
        self.broker.refresh()
        assert self.broker.state is ConnectionState.CONNECTED
        assert self.broker.quotes([self.stock])

    def test_c111_a_closed_broker_answers_nothing(self) -> None:
        """After closing a request is an error, never an empty answer; an order is not sent."""
        broker = self.venue.open()
        broker.prove_environment()
        broker.close()
        with pytest.raises((Terminal, Transient)):
            broker.submit(self.order())
        assert self.venue.standing(ID) == []
