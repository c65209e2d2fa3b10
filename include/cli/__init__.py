"""The command line: the same steps without Airflow. `polybroker --help`."""

from include.cli.app import main

__all__ = ["main"]
