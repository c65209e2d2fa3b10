"""Tells Airflow about the session timetable and the pages. Every Airflow process imports this: nothing heavy here."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from include.hooks.pages import BROKERS, PREFIX, pages
from include.hooks.timetable import SessionTimetable


class PolybrokerPlugin(AirflowPlugin):
    """Registers what the project adds to Airflow."""

    name = "polybroker"
    timetables: ClassVar[list[Any]] = [SessionTimetable]
    fastapi_apps: ClassVar[list[Any]] = [{"name": "polybroker", "app": pages, "url_prefix": PREFIX}]
    external_views: ClassVar[list[Any]] = [
        {
            "name": "Brokers",
            "href": BROKERS.removeprefix("/"),
            "url_route": "brokers",
            "destination": "nav",
            "nav_top_level": True,
        }
    ]
