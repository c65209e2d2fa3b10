import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
from include.hooks.assets import told_before

MONDAY = {"as_of": "2026-01-05", "content_sha256": "a"}
TUESDAY = {"as_of": "2026-01-06", "content_sha256": "b"}


def test_nothing_told_yet_is_news() -> None:
    assert told_before([], MONDAY) is False


def test_the_same_content_of_the_session_is_no_news() -> None:
    assert told_before([TUESDAY, MONDAY], MONDAY) is True


def test_other_content_of_the_session_is_news() -> None:
    assert told_before([{**MONDAY, "content_sha256": "c"}, MONDAY], MONDAY) is False


def test_the_same_content_of_another_session_is_news() -> None:
    assert told_before([{**TUESDAY, "content_sha256": "a"}], MONDAY) is False
