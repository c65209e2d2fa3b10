"""Which variables of the environment a run keeps: those that its files ask for, but none that may hold a secret."""

import re
from collections.abc import Collection, Mapping

from include.settings.files import Files
from include.settings.reading import read_yaml

_SECRET_NAME = re.compile(
    r"PASSW|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIAL|BEARER|(?:API|ACCESS|PRIVATE|CLIENT|AUTH)KEY"
    r"|(?<![A-Z0-9])(?:KEYS?|PASS|PW|PIN|AUTH|JWT|OTP|DSN|COOKIE)(?![A-Z0-9])"
)
_SECRET_VALUE = re.compile(
    r"://\S*@"  # a URL with a login
    r"|^[^/\s:@]+:\S+@"  # the same without a scheme
    r"|[?&;][^=&;]*(?:key|token|secret|password|passwd|pwd|auth|credential|sig|signature)="  # one of its parameters
    r"|^(?:bearer|basic)\s|-----BEGIN",
    re.IGNORECASE,
)


class _Asked(dict[str, str]):
    """Variables that remember which of them were asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self.names: set[str] = set()

    def get(self, key: str, default: object = None) -> str:
        self.names.add(key)
        return super().get(key, "")


def frozen_variables(files: Files, variables: Mapping[str, str], credentials: Collection[str]) -> dict[str, str]:
    """The variables that `${...}` names in these files, with what they hold now; one that is not set is "", by which it stays so.

    Left out, to be read fresh whenever the files are read, is what may be a secret: a variable that a broker's `credentials` name
    (also with an account's suffix, `IB_HOST__SECOND`), one with a word such as KEY, TOKEN or PASSWORD in its name, one that holds
    a URL with a login or a secret parameter in it. One too many is only read fresh, so the words are many.

    Args:
        files: Those that are read.
        variables: Usually `os.environ`.
        credentials: Names of variables in the brokers' `credentials`.

    Raises:
        InputError: A file that is no YAML, or a variable that is missing and has no default.
    """
    asked = _Asked(variables)
    for name, content in files.items():
        read_yaml(content, name, asked)
    found = {name: variables.get(name, "") for name in sorted(asked.names)}
    return {name: value for name, value in found.items() if not _may_be_secret(name, value, credentials)}


def _may_be_secret(name: str, value: str, credentials: Collection[str]) -> bool:
    if any(name == one or name.startswith(f"{one}__") for one in credentials):
        return True
    return _SECRET_NAME.search(name.upper()) is not None or _SECRET_VALUE.search(value) is not None
