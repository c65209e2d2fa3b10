from datetime import UTC, datetime
from decimal import Decimal

import pytest

from include.domain.quote import Quote


@pytest.mark.parametrize(
    ("bid", "ask", "last", "mid"),
    [
        ("10", "10.1", "9", "10.05"),
        ("10", None, "9", "9"),
        (None, "10", "9", "9"),
        (None, None, "9", "9"),
        ("10", None, None, None),
        (None, None, None, None),
    ],
)
def test_the_middle_needs_both_sides_else_the_last_price_stands_in(bid: str, ask: str, last: str, mid: str) -> None:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    time = datetime(2026, 3, 4, tzinfo=UTC)
    assert Quote(native_id="1", currency="USD", bid=number(bid), ask=number(ask), last=number(last), time=time).mid == number(mid)
