"""Great Expectations, imported in one place: it takes seconds, and has to be told beforehand to be quiet."""

import importlib
import logging
import os
import warnings
from typing import Any


def great_expectations() -> Any:
    """The package with its `expectations`, told before its import to log warnings only and to report nothing to anybody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own use of deprecated modules
        importlib.import_module("great_expectations.expectations")
        package = importlib.import_module("great_expectations")
    logger.setLevel(logging.WARNING)  # its import sets the level anew
    return package
