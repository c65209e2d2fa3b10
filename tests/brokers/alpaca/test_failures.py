"""What Alpaca's refusals mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include import errors
from include.brokers.alpaca.failures import Refusal, error_of, read_refusal


@pytest.mark.parametrize(
    ("status", "code", "text", "reading", "sending"),
    [
        (401, None, "unauthorized.", "AuthenticationFailed", "AuthenticationFailed"),
        (403, None, "forbidden.", "AuthenticationFailed", "AuthenticationFailed"),
        (403, 40310000, "insufficient buying power", "BrokerUnavailable", "InsufficientFunds"),
        (403, 40310000, "insufficient qty available for order", "BrokerUnavailable", "InsufficientFunds"),
        (403, 40310000, "cost basis must be >= minimal amount of order 1", "BrokerUnavailable", "InvalidQuantity"),
        (403, 40310000, "requested asset is not fractionable", "BrokerUnavailable", "InvalidQuantity"),
        (403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am", "BrokerUnavailable", "MarketClosed"),
        (403, 40310000, "account is not allowed to short", "NotPermitted", "NotPermitted"),
        (403, 40310000, "potential wash trade detected. use complex orders", "BrokerUnavailable", "OrderRejected"),
        (403, 40310100, "trade denied due to pattern day trading protection", "NotPermitted", "NotPermitted"),
        (403, None, "subscription does not permit querying recent SIP data", "NotPermitted", "NotPermitted"),
        (404, 40410000, "order not found", "InvalidSymbol", "InvalidSymbol"),
        (400, 40010000, "request body format is invalid", "BrokerUnavailable", "OrderRejected"),
        (422, 40010001, "client_order_id must be unique", "BrokerUnavailable", "DuplicateOrder"),
        (422, 40010001, "qty must be > 0", "BrokerUnavailable", "InvalidQuantity"),
        (422, 40010001, "invalid side", "BrokerUnavailable", "OrderRejected"),
        (422, 42210000, "invalid limit_price 1.005. sub-penny increment", "BrokerUnavailable", "InvalidQuantity"),
        (422, 42210000, 'asset "NOBODY" not found', "InvalidSymbol", "InvalidSymbol"),
        (422, 42210000, "fractional orders must be DAY orders", "BrokerUnavailable", "OrderRejected"),
        (429, None, "too many requests.", "RateLimited", "RateLimited"),
        (429, 42910000, "rate limit exceeded", "RateLimited", "RateLimited"),
    ],
)
def test_the_table(status: int, code: int | None, text: str, reading: str, sending: str) -> None:
    refusal = Refusal(status, code, text)
    for changes, name in ((False, reading), (True, sending)):
        error = error_of(refusal, changes=changes)
        assert (type(error).__name__, error.code) == (name, getattr(errors, name).code)
        assert error.broker_code == (f"{status}/{code}" if code else str(status))


@pytest.mark.parametrize(("status", "code"), [(408, None), (500, 50010000), (502, None), (504, 50410000)])
def test_trouble_at_alpaca_may_have_done_it(status: int, code: int | None) -> None:
    refusal = Refusal(status, code, "request timed out")
    assert [type(error_of(refusal, changes=c)) for c in (False, True)] == [errors.BrokerUnavailable, errors.OutcomeUnknown]
    assert error_of(refusal, changes=True).code == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(("status", "code"), [(404, None), (403, 40399999), (403, None), (418, None), (422, 42299999)])
def test_a_code_nobody_has_thought_of_is_no_refusal_of_an_order(status: int, code: int | None) -> None:
    error = error_of(Refusal(status, code, "a text of tomorrow"), changes=True)
    assert (type(error), error.code) == (errors.OutcomeUnknown, "UNKNOWN")
    read = error_of(Refusal(status, code, "a text of tomorrow"), changes=False)
    assert (type(read), read.code) == (errors.BrokerUnavailable, "UNKNOWN")


def test_what_support_asks_for_is_kept() -> None:
    headers = {"X-Request-ID": "3f2a", "Retry-After": "7", "Date": "today"}
    error = error_of(read_refusal(429, "{}", headers), changes=True)
    assert (error.broker, error.broker_code, error.context) == ("alpaca", "429", {"request_id": "3f2a", "retry_after": "7"})


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
