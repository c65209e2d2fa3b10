"""What Alpaca's refusals mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include import errors
from include.brokers.alpaca.failures import Refusal, error_of, read_refusal


@pytest.mark.parametrize(
    ("status", "code", "reading", "sending"),
    [
        (401, None, "AuthenticationFailed", "AuthenticationFailed"),
        (403, None, "AuthenticationFailed", "AuthenticationFailed"),
        (403, 40310000, "InsufficientFunds", "InsufficientFunds"),
        (403, 40310100, "NotPermitted", "NotPermitted"),
        (403, 40399999, "NotPermitted", "NotPermitted"),
        (404, 40410000, "InvalidSymbol", "InvalidSymbol"),
        (404, None, "BrokerUnavailable", "OrderRejected"),
        (400, 40010000, "BrokerUnavailable", "OrderRejected"),
        (408, None, "BrokerUnavailable", "OutcomeUnknown"),
        (422, 40010001, "BrokerUnavailable", "OrderRejected"),
        (422, 42210000, "BrokerUnavailable", "OrderRejected"),
        (429, None, "RateLimited", "RateLimited"),
        (429, 42910000, "RateLimited", "RateLimited"),
        (500, 50010000, "BrokerUnavailable", "OutcomeUnknown"),
        (502, None, "BrokerUnavailable", "OutcomeUnknown"),
        (504, 50410000, "BrokerUnavailable", "OutcomeUnknown"),
    ],
)
def test_the_table(status: int, code: int | None, reading: str, sending: str) -> None:
    refusal = Refusal(status, code, "text")
    assert type(error_of(refusal, changes=False)) is getattr(errors, reading)
    assert type(error_of(refusal, changes=True)) is getattr(errors, sending)


def test_an_error_says_what_alpaca_said() -> None:
    error = error_of(read_refusal(403, '{"code": 40310000, "message": "insufficient buying power"}'), changes=True)
    assert str(error) == "alpaca answered 403 / 40310000: insufficient buying power"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ('{"message": "forbidden."}', None, "forbidden."),
        ('{"code": 40410000, "message": "order not found"}', 40410000, "order not found"),
        ('{"code": "40410000"}', None, ""),
        ('{"code": true, "message": "x"}', None, "x"),
        ("<html>\n <body>502 Bad Gateway</body></html>", None, "<html> <body>502 Bad Gateway</body></html>"),
        ("[1, 2]", None, "[1, 2]"),
        ("", None, ""),
    ],
)
def test_bodies_of_all_kinds(body: str, code: int | None, message: str) -> None:
    assert read_refusal(502, body) == Refusal(502, code, message)


@given(status=st.integers(400, 599), body=st.text(max_size=200), changes=st.booleans())
def test_no_body_breaks_the_reader(status: int, body: str, changes: bool) -> None:
    error = error_of(read_refusal(status, body), changes=changes)
    assert isinstance(error, errors.PolybrokerError)
    if changes and status >= 500:
        assert isinstance(error, errors.OutcomeUnknown)
    if not changes:
        assert not isinstance(error, errors.OutcomeUnknown)
