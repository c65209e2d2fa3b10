"""Pacing: how much of a broker's limits its requests use up, as its YAML declares it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from include.domain.model import Value

ANY = "*"


class PacingLimit(Value):
    """Never more than so much weight in any window, counted from each answer, by all processes together.

    Attributes:
        allowed: Weight in a window.
        seconds: Its length.
        at_once: So much of it may go at once, the rest evenly; None: all of it.
        per: Whose it is: `login` (a key, an account), or `address`: of all logins at this broker together.
    """

    allowed: int = Field(ge=1)
    seconds: float = Field(gt=0)
    at_once: int | None = Field(None, ge=1)
    per: Literal["login", "address"] = "login"

    @property
    def per_second(self) -> float:
        """Weight in a second, in the long run."""
        return self.allowed / self.seconds


class Pacing(Value):
    """`pacing` in a broker's YAML; without limits nothing waits.

    Attributes:
        limits: By a name that is the YAML's own.
        weights: Endpoint, in the adapter's words, to what one request takes of which limit; `*` for those that are not named.
    """

    limits: dict[str, PacingLimit] = Field(default_factory=dict)
    weights: dict[str, dict[str, Annotated[int, Field(ge=1)]]] = Field(default_factory=dict)

    def faults(self) -> Iterator[tuple[str, str]]:
        """(key, what is expected there) of what does not fit together; none where everything does."""
        if self.limits and ANY not in self.weights:
            yield "weights", f"expected {ANY!r} as well: what requests take that are not named"
        for endpoint, weights in self.weights.items():
            for name, weight in weights.items():
                limit = self.limits.get(name)
                if limit is None:
                    yield (
                        f"weights.{endpoint}.{name}",
                        f"expected one of `limits`: {', '.join(self.limits) or '(there are none)'}",
                    )
                elif weight > limit.allowed:
                    words = f"expected a whole number up to {limit.allowed}, what `limits.{name}` allows (found {weight})"
                    yield f"weights.{endpoint}.{name}", words

    def weights_of(self, endpoint: str) -> dict[str, int]:
        """What one request of it takes, by limit; {} where nothing limits it."""
        return self.weights.get(endpoint, self.weights.get(ANY, {}))
