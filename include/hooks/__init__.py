"""The meeting point with Airflow: connections, timetable, errors, approval."""
