"""The time, as a test sets it."""

from datetime import datetime


class SetClock:
    """Stands still until told otherwise (`clock.now = ...`)."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
