"""What other DAGs may be scheduled on: the mapped universe and each portfolio's orders, announced only when the content is new.

Tasks declare an alias as inlet and outlet and add the asset to it when there is something new: a plain outlet would announce
every clear, every backfill and every second run of a session. The extra holds `as_of`, `environment`, `uri`, `sha256` (of the
file) and `content_sha256` (without what differs between two runs of the same session; this is what is compared).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, get_current_context

if TYPE_CHECKING:
    from include.domain.run import Run

UNIVERSE = AssetAlias("polybroker_universe_mapped")
ORDERS = AssetAlias("polybroker_orders")
LOOK_BACK = 50


def announce_universe(run: "Run", uri: str) -> bool:
    """Tell that `universe_mapped.json` has new content; gives whether it was told."""
    from include.storage.artifacts import read_json

    document = read_json(uri)
    document["metadata"] = {key: value for key, value in document["metadata"].items() if key != "created_at"}
    environments = ",".join(sorted({portfolio.environment.value for portfolio in run.portfolios}))
    return _announce(run, UNIVERSE, UNIVERSE.name, environments, uri, document)


def announce_orders(run: "Run", uri: str) -> list[str]:
    """Tell, per portfolio, that its part of `orders.json` is new; gives the ids of the portfolios that were told.

    Nothing is told of a run in mode `plan`: its orders are nobody's to send.
    """
    from include.domain.portfolio import ExecutionMode
    from include.storage.artifacts import read_json

    if run.mode is ExecutionMode.PLAN:
        return []
    plans = read_json(uri)["portfolios"]
    return [
        portfolio.portfolio_id
        for portfolio in run.portfolios
        if _announce(
            run,
            ORDERS,
            f"{ORDERS.name}_{portfolio.portfolio_id}",
            portfolio.environment.value,
            uri,
            plans[portfolio.portfolio_id],
        )
    ]


def _announce(run: "Run", alias: AssetAlias, asset: str, environment: str, uri: str, content: Any) -> bool:
    from include.storage.artifacts import read_bytes, sha256, to_json

    if run.is_backfill:
        return False
    context = get_current_context()
    extra: dict[str, Any] = {
        "as_of": run.as_of.isoformat(),
        "environment": environment,
        "uri": uri,
        "sha256": sha256(read_bytes(uri)),
        "content_sha256": sha256(to_json(content)),
    }
    earlier = context["inlet_events"][alias].ascending(False).limit(LOOK_BACK)
    if told_before([event.extra or {} for event in earlier if event.asset.name == asset], extra):
        return False
    context["outlet_events"][alias].add(Asset(asset), extra=extra)
    return True


def told_before(earlier: Iterable[Mapping[str, Any]], extra: Mapping[str, Any]) -> bool:
    """Whether the newest of the earlier extras (newest first) of that session carries the same content. None at all: False."""
    newest = next((event for event in earlier if event.get("as_of") == extra["as_of"]), None)
    return newest is not None and newest.get("content_sha256") == extra["content_sha256"]
