import contextvars
import threading

import pytest

from include.brokers.deadline import Hung, within

WHO = contextvars.ContextVar("WHO", default="nobody")


class Crash(BaseException):
    """Nothing catches it."""


def test_the_answer_comes_through() -> None:
    assert within(5, lambda: 7) == 7
    assert within(5, lambda: None) is None


def test_errors_of_every_kind_come_through() -> None:
    def dies() -> None:
        raise Crash("gone")

    with pytest.raises(Crash, match="gone"):
        within(5, dies)


def test_the_work_sees_the_callers_context() -> None:
    token = WHO.set("the caller")
    try:
        assert within(5, WHO.get) == "the caller"
    finally:
        WHO.reset(token)


def test_what_does_not_end_is_left_behind() -> None:
    free = threading.Event()
    try:
        with pytest.raises(Hung, match=r"no end within 0\.01 s"):
            within(0.01, free.wait)
    finally:
        free.set()
