"""Which brokers take part: listed, and not disabled (the truth table is in docs/configuration.md)."""

import re
from collections.abc import Mapping

from include.errors import InputError
from include.settings.broker_file import BrokerFile

_SWITCH = re.compile(r"TRADING__(.+)__ENABLED")
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def disabled_brokers(files: Mapping[str, BrokerFile], environ: Mapping[str, str]) -> dict[str, str]:
    """Broker name to what disables it, in words; brokers that are enabled are absent.

    `TRADING__<NAME>__ENABLED` wins over `enabled:` in the file; an empty variable says nothing.

    Args:
        files: Of all configured brokers.
        environ: Usually `os.environ`.

    Raises:
        InputError: A switch of a broker that is not configured, or one that is neither true nor false.
    """
    names = {name.upper(): name for name in files}
    found = {name: f"disabled in brokers/{name}.yaml" for name, file in files.items() if not file.enabled}
    for variable, text in environ.items():
        switch = _SWITCH.fullmatch(variable)
        if switch is None or not text.strip():
            continue
        if switch[1] not in names:
            raise InputError(f"expected the name of a broker: {', '.join(sorted(names))}", source=variable, value=switch[1])
        if text.strip().lower() not in _WORDS:
            raise InputError("expected true or false", source=variable, value=text)
        name = names[switch[1]]
        if _WORDS[text.strip().lower()]:
            found.pop(name, None)
        else:
            found[name] = f"disabled by {variable}"
    return found
