"""The answer to an order that does not stand. Sources of the texts: include/brokers/alpaca/errors.yaml.

A text that no source tells is this venue's own: "trailing stop orders must be DAY or GTC orders" and its likes.
"""

from typing import Any

from starlette.responses import Response

from include.sandbox.alpaca.venue import refusal

INVALID, UNPROCESSABLE, FORBIDDEN = (422, 40010001), (422, 42210000), (403, 40310000)


class Refused(Exception):
    """Carries the answer to an order that does not stand."""

    def __init__(self, kind: tuple[int, int], message: str, **details: Any) -> None:
        super().__init__(message)
        self.response: Response = refusal(kind[0], kind[1], message, **details)


def permit(answer: tuple[int, int, str] | None) -> None:
    """Raises `Refused` with an answer of `forbidden`; None passes."""
    if answer is not None:
        raise Refused(answer[:2], answer[2])
