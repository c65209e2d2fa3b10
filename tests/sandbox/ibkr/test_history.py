"""Historical bars of the local TWS."""

from decimal import Decimal

from tests.sandbox.ibkr.client import WireClient
from tests.sandbox.ibkr.conftest import STOCK


def test_history_is_the_same_every_time_and_ends_at_the_asked_moment(client: WireClient) -> None:
    contract = [STOCK, "", "STK", "", 0, "", "", "SMART", "", "USD", "", "", 0]
    for request_id in (1, 2):
        client.send(20, request_id, *contract, "20250918 00:00:00 UTC", "1 day", "7 D", 1, "TRADES", 1, 0, "")
    first, second = client.until("17")[0], client.until("17")[0]
    assert first[5:] == second[5:]
    assert (first[4], first[5::8]) == ("5", ["20250911", "20250912", "20250915", "20250916", "20250917"])
    low, high = Decimal(first[8]), Decimal(first[7])
    assert low <= Decimal(first[6]) <= high
    client.send(20, 3, *contract, "20250914 00:00:00 UTC", "1 day", "1 D", 1, "TRADES", 1, 0, "")  # a Saturday
    assert client.error()[:2] == ("3", "162")
