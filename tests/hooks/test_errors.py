import io
import logging
import sys
from collections.abc import Callable

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from structlog.tracebacks import ExceptionDictTransformer

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.errors import (
    AuthenticationFailed,
    BrokerUnavailable,
    InputError,
    NotPermitted,
    OutcomeUnknown,
    PolybrokerError,
    RateLimited,
)
from include.hooks.errors import translated


def raising(error: Exception) -> Callable[[], None]:
    def deeper() -> None:
        raise error

    def body() -> None:
        deeper()

    return body


@pytest.mark.parametrize(
    ("error", "what_next"),
    [
        (InputError("expected a number", source="a.csv", row=3), "put it right, then clear this task"),
        (NotPermitted("no"), "put right what it names, then clear this task"),
        (AuthenticationFailed("no"), "put the account's keys or its environment right"),
        (OutcomeUnknown("?"), "send nothing by hand; the next run looks up what became of it"),
    ],
)
def test_what_cannot_change_by_itself_fails_for_good(error: PolybrokerError, what_next: str) -> None:
    with pytest.raises(AirflowFailException) as caught:
        translated(raising(error))()
    said, following = str(caught.value).splitlines()
    assert said == f"{type(error).__name__}: {error}"
    assert following.startswith("Next: ")
    assert what_next in following


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), RateLimited("slow down")])
def test_what_may_pass_is_left_to_airflows_retries(error: PolybrokerError) -> None:
    with pytest.raises(AirflowException, match=f"^{type(error).__name__}: {error}\nNext: it may pass: wait") as caught:
        translated(raising(error))()
    assert not isinstance(caught.value, AirflowFailException)


def test_an_error_that_nobody_knows_leaves_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        translated(raising(ZeroDivisionError()))()


def test_the_log_ends_with_the_message_and_the_frames_stand_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow keeps what this class makes of an error, and its page shows the entries one below the other."""
    printed = io.StringIO()
    own = logging.Logger("own", logging.INFO)  # Airflow's configuration silences others in this process
    own.addHandler(logging.StreamHandler(printed))
    monkeypatch.setattr("include.hooks.errors.log", own)
    words = ""
    shown = []
    try:
        translated(raising(BrokerUnavailable("connection refused")))()
    except AirflowException as error:
        words = str(error)
        shown = ExceptionDictTransformer(use_rich=False, show_locals=False)(sys.exc_info())
    assert [one["exc_type"] for one in shown] == ["AirflowException", "Reason"]
    assert [one["exc_value"] for one in shown] == [words, words]
    assert [frame["name"] for frame in shown[-1]["frames"]] == ["deeper"]
    first, *frames = printed.getvalue().splitlines()
    assert first == "where the error below comes from:"
    assert [frame.split(" in ")[1] for frame in frames if frame.startswith("  File")] == ["body", "body", "deeper"]


def test_a_body_keeps_its_name_arguments_and_result() -> None:
    def body(screen: str) -> str:
        return screen.upper()

    assert translated(body).__name__ == "body"
    assert translated(body)("bloom") == "BLOOM"
