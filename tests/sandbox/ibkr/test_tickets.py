"""Orders that the local TWS does not take: what cannot be read, what does not go together."""

import pytest

from include.sandbox.book import VenueBook
from tests.sandbox.ibkr.client import WireClient


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"action": "SSHORT"}, "387"),
        ({"kind": "REL"}, "387"),
        ({"tif": "GTX"}, "201"),
        ({"account": "U9"}, "321"),
        ({"quantity": "0"}, "388"),
        ({"quantity": "1.5"}, "388"),
        ({"limit": "250.001"}, "110"),
        ({"limit": "-1"}, "110"),
        ({"limit": "NaN"}, "320"),
        ({"limit": "1E+999999"}, "320"),
        ({"quantity": "1E+999999"}, "320"),
    ],
)
def test_refused_orders_leave_nothing(book: VenueBook, client: WireClient, changes: dict[str, str], code: str) -> None:
    client.place(1, **changes)
    assert client.error()[:2] == ("1", code)
    client.place(2)
    assert client.receive()[0] == "5"  # type: ignore[index]
    assert len(book.engine.orders) == 1


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"kind": "MOC", "tif": "GTC"}, "113"),
        ({"kind": "STP", "tif": "IOC", "aux": "245"}, "111"),
        ({"kind": "STP", "tif": "OPG", "aux": "245"}, "111"),
        ({"kind": "STP", "aux": ""}, "110"),
        ({"kind": "TRAIL", "aux": ""}, "201"),
        ({"kind": "TRAIL", "aux": "1", "percent": "5"}, "201"),
    ],
)
def test_what_does_not_go_together(client: WireClient, order: dict[str, str], code: str) -> None:
    client.place(1, **order)
    assert client.error()[:2] == ("1", code)


def test_an_order_number_beyond_32_bits_is_none(book: VenueBook, client: WireClient) -> None:
    client.place(2**31, limit="200")
    assert client.error()[:2] == (str(2**31), "320")
    client.place(int("9" * 4300), limit="200")
    assert client.error()[1] == "320"
    client.place(0, limit="200")
    assert client.error()[:2] == ("0", "103")
    assert book.engine.orders == {}
    client.place(2**31 - 1, limit="200")
    assert client.receive()[0] == "5"  # type: ignore[index]


def test_contracts_that_cannot_be_ordered(book: VenueBook, client: WireClient) -> None:
    client.place(1, 1)
    assert client.error()[:2] == ("1", "200")
    client.send(3, 2, 0, "AAPL", "STK", "", 0, "", "", "SMART", "", "", "", "", "", "", "BUY", "1", "MKT", *[""] * 70)
    assert client.error()[2] == "Ambiguous contract"
    assert book.engine.orders == {}
