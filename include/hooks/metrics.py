"""Metrics of brokers through Airflow's own statistics: whatever Airflow is configured to send its metrics to gets these too.

Names (docs/brokers.md, "Metrics") carry the source, because plain StatsD drops tags.
"""

from collections.abc import Mapping
from typing import Any

from airflow.sdk.observability import stats

GAUGES = ("health", "answered", "uptime", "speed", "filled", "calls", "clock_skew_seconds")


def send_health(report: Mapping[str, Mapping[str, Any]]) -> None:
    """Gauges of every source of a health report; a part that is not known is not sent."""
    for source, one in report.items():
        name = f"polybroker.broker.{source}"
        for part in GAUGES:
            if one[part] is not None:
                stats.gauge(f"{name}.{part}", one[part])
        stats.gauge(f"{name}.breaker_open", int(one["breaker"] != "closed"))
        for code, count in one["errors"].items():
            stats.gauge(f"{name}.errors.{code.lower()}", count)
