"""The truth table of docs/configuration.md, row by row."""

import re

import pytest

from include.errors import InputError
from include.settings import PROJECT
from include.settings.active import disabled_brokers
from include.settings.broker_file import BrokerFile

TABLE = [  # listed, enabled in the file, the variable, active
    ("yes", "true", "not set", "yes"),
    ("yes", "true", "true", "yes"),
    ("yes", "true", "false", "no"),
    ("yes", "false", "not set", "no"),
    ("yes", "false", "true", "yes"),
    ("yes", "false", "false", "no"),
    ("no", "any", "any", "no"),
]


def found(enabled: bool, variable: str | None) -> dict[str, str]:
    environ = {} if variable is None else {"TRADING__CRYPTO_COM__ENABLED": variable}
    return disabled_brokers({"crypto_com": BrokerFile(enabled=enabled), "paper": BrokerFile()}, environ)


@pytest.mark.parametrize(("listed", "enabled", "variable", "active"), TABLE[:-1])
def test_each_row(listed: str, enabled: str, variable: str, active: str) -> None:
    disabled = found(enabled == "true", None if variable == "not set" else variable)
    assert ("crypto_com" not in disabled) == (active == "yes")
    assert "paper" not in disabled


def test_the_documentation_has_the_same_rows() -> None:
    text = (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (yes|no) \| (\w+) \| ([\w ]+) \| (yes|no) \|", text, re.MULTILINE)
    assert rows == TABLE


def test_what_disables_it_is_told() -> None:
    assert found(False, None) == {"crypto_com": "disabled in brokers/crypto_com.yaml"}
    assert found(True, " Off ") == {"crypto_com": "disabled by TRADING__CRYPTO_COM__ENABLED"}
    assert found(False, "") == {"crypto_com": "disabled in brokers/crypto_com.yaml"}


def test_a_switch_that_nobody_would_notice_is_refused() -> None:
    with pytest.raises(InputError, match=r"^TRADING__CRYPTO_COM__ENABLED: expected true or false \(found 'perhaps'\)$"):
        found(True, "perhaps")
    with pytest.raises(InputError, match=r"^TRADING__IBRK__ENABLED: expected the name of a broker: PAPER \(found 'IBRK'\)$"):
        disabled_brokers({"paper": BrokerFile()}, {"TRADING__IBRK__ENABLED": "false"})
