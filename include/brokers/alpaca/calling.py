"""One call of alpaca-py: its exceptions turned into ours."""

import warnings
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from include.brokers.alpaca.failures import NO_ADVICE, Advice, error_of, read_refusal
from include.errors import AuthenticationFailed, BrokerUnavailable, OutcomeUnknown, PolybrokerError

with warnings.catch_warnings():
    # Its streaming half, which is imported along and not used, still wants websockets' old API.
    warnings.filterwarnings("ignore", message="websockets", category=DeprecationWarning)
    from alpaca.common.exceptions import APIError


def call(
    function: Callable[..., Any],
    *args: Any,
    changes: bool = False,
    expected: Collection[int | tuple[int, int]] = (),
    advice: Advice = NO_ADVICE,
) -> Any:
    """The result of an alpaca-py call, its exceptions as ours.

    Args:
        function: A method of alpaca-py.
        args: Its arguments.
        changes: True when the request may change something at the broker.
        expected: HTTP statuses, or (status, code), that are returned as a `Refusal` instead of raised.
        advice: What messages end with.

    Raises:
        PolybrokerError: See `include/brokers/alpaca/failures.py`.
    """
    try:
        return function(*args)
    except PolybrokerError:
        raise  # of the token: the request was not sent
    except APIError as error:
        headers = None if error.response is None else error.response.headers
        refusal = read_refusal(int(error.status_code or 0), str(error), headers)
        if refusal.status in expected or refusal.key in expected:
            return refusal
        raise _advised(error_of(refusal, changes=changes), advice) from error
    except requests.exceptions.RequestException as error:
        raise _of_transport(error, advice, changes=changes) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise nonsense(type(error).__name__, changes=changes) from error


def nonsense(what: str, *, changes: bool = False) -> PolybrokerError:
    """The error for an answer that is no answer: unreadable, or of another shape than documented."""
    text = f"alpaca's answer made no sense: {what}"
    return OutcomeUnknown(text) if changes else BrokerUnavailable(text)


def _advised(error: PolybrokerError, advice: Advice) -> PolybrokerError:
    if isinstance(error, AuthenticationFailed):
        error.args = (f"{error.args[0]}{advice.login}",)
    return error


def _of_transport(error: requests.exceptions.RequestException, advice: Advice, *, changes: bool) -> PolybrokerError:
    """What a failure without an HTTP status means: only a connection that never stood is proven not to have carried anything."""
    text = f"alpaca: {type(error).__name__}"
    if isinstance(error, requests.exceptions.InvalidHeader):
        return AuthenticationFailed(f"alpaca: the keys hold characters that no HTTP header takes{advice.login}", broker="alpaca")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return BrokerUnavailable(f"{text}: no connection to {_host(error)} in time{advice.address}")
    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError):
        return BrokerUnavailable(f"{text}: could not connect to {_host(error)}{advice.address}")
    return OutcomeUnknown(f"{text} after sending") if changes else BrokerUnavailable(text)


def _host(error: requests.exceptions.RequestException) -> str:
    """Where a request went, without path and user."""
    url = urlsplit(getattr(error.request, "url", None) or "")
    return f"{url.hostname or 'alpaca'}{f':{url.port}' if url.port else ''}"
