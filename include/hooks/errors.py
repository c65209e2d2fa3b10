"""The one translation of this project's errors into Airflow's, and what a failed task's log ends with."""

import logging
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.errors import AuthenticationFailed, InputError, OutcomeUnknown, PolybrokerError, Terminal, Transient

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)
# The first class that fits.
NEXT: dict[type[PolybrokerError], str] = {
    InputError: "put it right, then clear this task",
    AuthenticationFailed: "put the account's keys or its environment right (docs/accounts.md), then clear this task",
    Terminal: "it is not tried again, because the answer would be the same: put right what it names, then clear this task",
    OutcomeUnknown: "send nothing by hand; the next run looks up what became of it",
    Transient: "it may pass: wait for this task's next try, or clear it; `polybroker brokers status` shows who is left alone",
}


class Reason(Exception):
    """What a person needs to know, with the one frame that raised it: Airflow's page shows it last."""


def translated(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a task body so that what cannot change by itself fails for good and what can is retried.

    `InputError`, `Terminal` and `OutcomeUnknown` (only a look-up may follow it, which the next run does) become
    `AirflowFailException`: no retry. `Transient` becomes `AirflowException`: Airflow retries as often as the task's `retries`
    say, which for steps that send orders is never. An error that this project does not know leaves as it is.

    Where in the code one of ours comes from is logged first, so that the log ends with what it says and what to do next.
    """

    @wraps(function)
    def body(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PolybrokerError as error:
            log.info("where the error below comes from:", exc_info=error)
            words = f"{type(error).__name__}: {error}\nNext: {_next(error)}."
            kind = AirflowException if isinstance(error, Transient) else AirflowFailException
            raise kind(words) from Reason(words).with_traceback(_last(error.__traceback__))

    return body


def _next(error: PolybrokerError) -> str:
    return next((words for kind, words in NEXT.items() if isinstance(error, kind)), NEXT[Terminal])


def _last(trace: TracebackType | None) -> TracebackType | None:
    """The frame that raised, alone."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace
