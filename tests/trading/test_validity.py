from datetime import UTC, datetime

from include.settings import load_settings
from include.trading.validity import valid_until, valid_until_by_market

MARKETS = load_settings().markets


def test_each_market_has_its_own_next_close() -> None:
    friday_evening = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
    found = valid_until_by_market(MARKETS, {"US", "XTKS", "XLON"}, friday_evening)
    assert found == {
        "US": datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
        "XLON": datetime(2026, 11, 23, 16, 30, tzinfo=UTC),
        # Monday 23 November 2026 is Labour Thanksgiving Day in Japan
        "XTKS": datetime(2026, 11, 24, 6, 30, tzinfo=UTC),
    }


def test_a_session_that_is_open_is_the_one_that_counts() -> None:
    during = datetime(2026, 11, 20, 15, 0, 30, tzinfo=UTC)
    assert valid_until(MARKETS["US"], during) == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


def test_the_turn_of_the_year_is_inside_the_calendar() -> None:
    assert valid_until(MARKETS["US"], datetime(2026, 12, 31, 22, 0, tzinfo=UTC)) == datetime(2027, 1, 4, 21, 0, tzinfo=UTC)


def test_a_market_whose_next_session_is_not_known_is_left_out() -> None:
    # Singapore's holidays are announced year by year; New York's follow from rules, and the 1st is one.
    found = valid_until_by_market(MARKETS, {"US", "XSES"}, datetime(2150, 1, 1, 12, 0, tzinfo=UTC))
    assert found == {"US": datetime(2150, 1, 2, 21, 0, tzinfo=UTC)}


def test_every_configured_market_has_a_calendar_that_works() -> None:
    moment = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)
    for name, market in MARKETS.items():
        assert moment < valid_until(market, moment) < datetime(2026, 11, 26, tzinfo=UTC), name
