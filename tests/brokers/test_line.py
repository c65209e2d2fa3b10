import pytest

from include.brokers.line import Line


def test_who_comes_first_is_first() -> None:
    line = Line()
    first, second, third = line.join(), line.join(), line.join()
    assert [each.done() for each in (first, second, third)] == [True, False, False]
    line.leave(first)
    assert [each.done() for each in (second, third)] == [True, False]
    line.leave(second)
    line.leave(third)
    assert line.join().done()


def test_who_waits_no_more_is_passed_over() -> None:
    line = Line()
    first, second, third = line.join(), line.join(), line.join()
    line.leave(second)
    assert not third.done()
    line.leave(first)
    assert third.done()


def test_the_end_of_a_line_that_nobody_stands_in() -> None:
    line = Line()
    line.leave(line.join())
    waiting = line.join(), line.join()
    line.leave(waiting[1])
    with pytest.raises(ValueError, match="not in deque"):
        line.leave(waiting[1])
