"""Tells Airflow about the session timetable. Imported in every Airflow process: nothing heavy may be imported here."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from include.hooks.timetable import SessionTimetable


class PolybrokerPlugin(AirflowPlugin):
    """Registers what the project adds to Airflow."""

    name = "polybroker"
    timetables: ClassVar[list[Any]] = [SessionTimetable]
