"""Contract look-ups of the local TWS: by every key, by name, and what is not found."""

import pytest

from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import COIN, PAIR


def test_contract_details_by_each_key(client: WireClient) -> None:
    client.contract_details(1, 319091809)
    details, end = client.until("52")
    assert details[:14] == ["10", "1", "TM17", "STK", "", "0", "", "SMART", "GBP", "TM17", "TM17", "TM17", "319091809", "1.00"]
    assert details[17] == "100"
    assert end == ["52", "1", "1"]
    client.contract_details(2, isin="US0378331005")
    assert [message[12] for message in client.until("52")[:-1]] == ["265598", "38708077"]
    client.contract_details(3, isin="US0378331005", currency="EUR")
    assert [message[12] for message in client.until("52")[:-1]] == ["38708077"]
    client.contract_details(4, symbol="AAPL", exchange="SMART", currency="USD", primary="NASDAQ")
    assert [message[12] for message in client.until("52")[:-1]] == ["265598"]
    client.contract_details(5, symbol="EUR", sec_type="CASH", currency="USD", exchange="IDEALPRO")
    assert [message[9] for message in client.until("52")[:-1]] == ["EUR.USD"]
    client.contract_details(7, symbol="AAPL", sec_type="CFD", exchange="SMART")
    (cfd,) = client.until("52")[:-1]
    assert (cfd[3], cfd[7], cfd[12], cfd[20]) == ("CFD", "SMART", "700000003", "")
    client.contract_details(6, symbol="WXYZ", sec_type="WAR")
    assert [message[12] for message in client.until("52")[:-1]] == ["9"]


@pytest.mark.parametrize(
    "query",
    [
        {"symbol": "NONE"},
        {"symbol": "AAPL", "currency": "JPY"},
        {"symbol": "AAPL", "primary": "LSE"},
        {"symbol": "AAPL", "exchange": "IBIS", "currency": "USD"},
        {"symbol": "WXYZ"},
        {"isin": "US0000000000"},
    ],
)
def test_no_such_contract_is_error_200(client: WireClient, query: dict[str, str]) -> None:
    client.contract_details(1, **query)
    assert client.error() == ("1", "200", "No security definition has been found for the request")


def test_names_are_unicode_escaped(client: WireClient) -> None:
    client.contract_details(1, 5)
    assert client.until("52")[0][19] == "Se\\xf1or's Old-World Bakery"


@pytest.mark.parametrize(
    ("pattern", "con_ids"),
    [
        ("apple", ["265598", "38708077", "700000003"]),
        ("world bak", ["5"]),
        ("TM", ["319091809"]),
        ("pple", []),
        ("", []),
        ("..", []),
    ],
)
def test_name_search(client: WireClient, pattern: str, con_ids: list[str]) -> None:
    client.send(81, 3, pattern)
    message = client.receive()
    assert message is not None
    assert message[:3] == ["79", "3", str(len(con_ids))]
    assert message[3::8] == con_ids


def test_a_second_name_search_at_once_is_an_error(client: WireClient) -> None:
    client.send(81, 1, "apple")
    client.send(81, 2, "apple")
    client.until("79")
    assert client.error()[:2] == ("2", "322")


def test_a_market_rule_for_each_price_step(client: WireClient) -> None:
    rules = {}
    for number, (con_id, sec_type, exchange) in enumerate([(319091809, "STK", ""), (PAIR, "CASH", ""), (COIN, "CRYPTO", "")]):
        client.contract_details(number, con_id, sec_type=sec_type, exchange=exchange)
        rule = client.until("52")[0][-6].split(",")[0]
        client.send(91, rule)
        message = client.receive()
        assert message is not None
        rules[con_id] = message[1:]
    assert rules == {
        319091809: ["29", "1", "0", "1.00"],
        PAIR: ["27", "1", "0", "0.00005"],
        COIN: ["28", "1", "0", "0.25"],
    }
    client.send(91, 99)
    assert client.error()[:2] == ("-1", "124")
