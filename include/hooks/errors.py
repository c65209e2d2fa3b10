"""The one translation of this project's errors into Airflow's."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowFailException

from include.errors import InputError, OutcomeUnknown, Terminal

P = ParamSpec("P")
R = TypeVar("R")


def translated(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a task body so that what cannot change by itself fails for good and what can is retried.

    `InputError`, `Terminal` and `OutcomeUnknown` (only a look-up may follow it, which the next run does) become
    `AirflowFailException`: no retry. `Transient`, and any error this project does not know, leaves as it is: Airflow retries as
    often as the task's `retries` say, which for steps that send orders is never.
    """

    @wraps(function)
    def body(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (InputError, Terminal, OutcomeUnknown) as error:
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error

    return body
