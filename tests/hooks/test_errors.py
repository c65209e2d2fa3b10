import pytest
from airflow.sdk.exceptions import AirflowFailException

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.errors import AuthenticationFailed, BrokerUnavailable, InputError, NotPermitted, OutcomeUnknown, RateLimited
from include.hooks.errors import translated


@pytest.mark.parametrize(
    "error",
    [InputError("expected a number", source="a.csv", row=3), NotPermitted("no"), AuthenticationFailed("no"), OutcomeUnknown("?")],
)
def test_what_cannot_change_by_itself_fails_for_good(error: Exception) -> None:
    def body() -> None:
        raise error

    with pytest.raises(AirflowFailException) as caught:
        translated(body)()
    assert str(caught.value) == f"{type(error).__name__}: {error}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), RateLimited("slow down"), ZeroDivisionError()])
def test_what_may_pass_is_left_to_airflows_retries(error: Exception) -> None:
    def body() -> None:
        raise error

    with pytest.raises(type(error)):
        translated(body)()


def test_a_body_keeps_its_name_arguments_and_result() -> None:
    def body(screen: str) -> str:
        return screen.upper()

    assert translated(body).__name__ == "body"
    assert translated(body)("bloom") == "BLOOM"
