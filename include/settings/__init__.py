"""Typed settings: `include/config/*.yaml`, overridden by `POLYBROKER_*` variables of the environment.

`load_settings()` reads and checks it; a fault is an `InputError` that names the file, the key and what was expected.
"""

from include.settings.broker_file import BrokerFile, Eligibility
from include.settings.environ import PROJECT, Environ
from include.settings.options import IdentityOptions, Options, ProjectFile
from include.settings.project import Settings, load_settings, no_adapter
from include.settings.reading import parse

__all__ = [
    "PROJECT",
    "BrokerFile",
    "Eligibility",
    "Environ",
    "IdentityOptions",
    "Options",
    "ProjectFile",
    "Settings",
    "load_settings",
    "no_adapter",
    "parse",
]
