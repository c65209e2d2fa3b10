import pytest

from include.brokers.error_table import ErrorRow, ErrorTable, error_table
from include.errors import InputError, InsufficientFunds, OrderRejected, OutcomeUnknown

TABLE = ErrorTable(
    "ibkr",
    (
        ErrorRow(code="201", text="insufficient", means="INSUFFICIENT_FUNDS"),
        ErrorRow(code="201", means="ORDER_REJECTED"),
    ),
)


def test_the_first_row_that_fits_decides() -> None:
    funds = TABLE.error("201", "Insufficient settled cash", "IBKR error 201", OutcomeUnknown, {"order": "7"})
    assert type(funds) is InsufficientFunds
    assert (funds.code, funds.broker, funds.broker_code, funds.context) == ("INSUFFICIENT_FUNDS", "ibkr", "201", {"order": "7"})
    assert type(TABLE.error("201", "no", "no", OutcomeUnknown)) is OrderRejected


def test_an_unknown_code_is_unknown_and_as_bad_as_the_request_allows() -> None:
    error = TABLE.error("999", "what", "IBKR error 999", OutcomeUnknown)
    assert type(error) is OutcomeUnknown
    assert (error.code, error.broker_code) == ("UNKNOWN", "999")


def test_a_table_that_is_missing_or_names_no_standard_code() -> None:
    with pytest.raises(InputError, match="expected a table of error codes"):
        error_table("nobody")
    with pytest.raises(ValueError, match="expected one of ORDER_REJECTED"):
        ErrorRow(code="1", means="SOMETHING")
