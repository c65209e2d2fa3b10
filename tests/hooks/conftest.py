"""Airflow of this test process alone."""

import tests.airflow_home  # noqa: F401 - sets the environment before Airflow is imported
