"""Handle: a broker's own id, and what somebody says that it is."""

from include.domain.model import Value


class Claim(Value):
    """One row of a list of handles that a person wrote: nothing in it is known to be true.

    Attributes:
        row: 1-based line of the list.
        native_id: The broker's own id.
        ticker: What it is said to be, Yahoo-style or in the broker's notation; "" where nothing is said.
        name: Its company, "" where nothing is said.
        market: Key into `markets.yaml`, MIC, or the broker's word for it; "" where nothing is said.
    """

    row: int
    native_id: str
    ticker: str = ""
    name: str = ""
    market: str = ""
