"""What IBKR told of contracts: kept in this process, and in the look-up cache of all of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from include.brokers.base import LookupCache
from include.brokers.ibkr.details import Row
from include.brokers.ibkr.rules import Rules

FOUND_TTL_HOURS = 168.0
NOT_FOUND_TTL_HOURS = 24.0


class Knowledge:
    """Answers of look-ups, and what follows of them for orders.

    Args:
        lookups: Cache of look-ups; None: none.
        source: Where the contracts' ids are valid.
        config: The broker's YAML: `lookup_ttl_hours`, `not_found_ttl_hours`.
    """

    def __init__(self, lookups: LookupCache | None, source: str, config: Mapping[str, Any]) -> None:
        self._lookups, self._source = lookups, source
        self._hours = (
            float(config.get("lookup_ttl_hours", FOUND_TTL_HOURS)),
            float(config.get("not_found_ttl_hours", NOT_FOUND_TTL_HOURS)),
        )
        self._magnifiers: dict[str, Decimal] = {}
        self._rules: dict[str, Rules] = {}

    def cached(self, keys: Sequence[str], now: datetime) -> dict[str, list[Row]]:
        """Answers by key that need no asking."""
        return self._lookups.get(self._source, keys, now) if self._lookups is not None and keys else {}

    def keep(self, answers: Mapping[str, list[Row]], now: datetime) -> None:
        """Put answers into the cache, and the rules of every contract in them beside them."""
        if self._lookups is None:
            return
        told = (row for rows in answers.values() for row in rows if "rules" in row)
        found = {key: rows for key, rows in answers.items() if rows} | {_key(row["native_id"]): [row["rules"]] for row in told}
        missing = {key: rows for key, rows in answers.items() if not rows}
        for chosen, hours in zip((found, missing), self._hours, strict=True):
            if chosen:
                self._lookups.put(self._source, chosen, now, now + timedelta(hours=hours))

    def learn(self, rows: Iterable[Row]) -> None:
        """Remember what rows say of their contracts."""
        for row in rows:
            self._magnifiers[row["native_id"]] = Decimal(row["price_magnifier"])
            if "rules" in row:
                self._rules[row["native_id"]] = Rules.model_validate(row["rules"])

    def learn_magnifier(self, con_id: str, magnifier: Decimal) -> None:
        """Remember in what units a contract's prices are."""
        self._magnifiers[con_id] = magnifier

    def magnifier(self, con_id: str) -> Decimal | None:
        """Units of a contract's prices per currency unit; None where nothing was told of it in this process."""
        return self._magnifiers.get(con_id)

    def rules(self, con_id: str) -> Rules | None:
        """What a contract takes; None where nobody looked it up lately: an order does not wait for a look-up."""
        if con_id not in self._rules:
            for row in self.cached([_key(con_id)], datetime.now(UTC)).get(_key(con_id), []):
                self._rules[con_id] = Rules.model_validate(row)
        return self._rules.get(con_id)


def _key(con_id: str) -> str:
    return f"rules={con_id}"
