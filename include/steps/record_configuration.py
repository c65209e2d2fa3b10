"""Beside step 0: keep the configuration that a run uses, and notice what brokers can do now that they could not before."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.domain.event import Event
from include.domain.run import Run
from include.settings import Settings
from include.storage.capability_log import CapabilityLog
from include.storage.config_versions import ConfigVersions
from include.storage.database import Database

log = logging.getLogger(__name__)


def record_configuration(
    run: Run, settings: Settings, capabilities: Mapping[str, dict[str, Any]], database: Database, now: datetime
) -> list[Event]:
    """Keep the files of a run under the hash in its `run.json`; doing it again changes nothing but the time of use.

    Args:
        run: Resolved with these settings.
        settings: What it was resolved with.
        capabilities: Broker to what its adapter declares, as plain JSON (`include.brokers.matrix.documents`).
        database: Where both are kept.
        now: Aware UTC.

    Returns:
        An event for every broker whose capabilities are others than when they were looked at last.

    Raises:
        InputError: A file that must not be kept (see `ConfigVersions.record`).
    """
    ConfigVersions(database).record(settings.files, run.run_id, now)
    events = CapabilityLog(database).look(capabilities, now)
    for event in events:
        log.warning("%s: %s", event.topic, event.body)
    return events
