"""Polybroker: everything below is importable without Airflow but for include.hooks."""
