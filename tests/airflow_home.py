"""Import this before Airflow: an embedded Airflow of this test process alone, thrown away at its end."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from include.hooks.local import airflow_environment

HOME = Path(tempfile.mkdtemp(prefix="polybroker-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ.update(airflow_environment(HOME) | {"POLYBROKER_RETRY_SECONDS": "0", "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"})
