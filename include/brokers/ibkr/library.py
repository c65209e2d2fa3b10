"""The one place where the client library is imported: ib_insync, or ib_async, its maintained successor with nearly the same API.

Both must be imported under a running event loop, and never be installed beside each other: they own a package of one name.
"""

import importlib
import importlib.util
import logging
from typing import Any

from include.errors import InputError

AUTO = "auto"
LIBRARIES = ("ib_insync", "ib_async")


def chosen(wanted: str) -> str:
    """The name of the library to use.

    Args:
        wanted: `ib_insync`, `ib_async`, or `auto` for the one that is installed.

    Raises:
        InputError: It is none of these, or not installed.
    """
    if wanted not in (AUTO, *LIBRARIES):
        raise InputError(f"expected {AUTO}, {' or '.join(LIBRARIES)}", source="ibkr.yaml", field="library", value=wanted)
    names = LIBRARIES if wanted == AUTO else (wanted,)
    found = next((name for name in names if importlib.util.find_spec(name) is not None), None)
    if found is None:
        raise InputError(f"{' or '.join(names)} is not installed: make setup", source="ibkr.yaml", field="library", value=wanted)
    return found


def load(wanted: str) -> Any:
    """The library's module, quiet: whatever it would log is either raised by the session or of no interest."""
    name = chosen(wanted)
    library = importlib.import_module(name)
    importlib.import_module(f"{name}.wrapper")
    logging.getLogger(name).setLevel(logging.CRITICAL)
    return library
