"""One universal, hashed lock without any index's address, and what is known to break is not in it."""

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from include.settings import PROJECT

LOCK = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
PINS = {
    canonicalize_name(name): version for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", LOCK, re.M)
}


def wanted() -> list[Requirement]:
    lines = Path(PROJECT / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(text) for line in lines if (text := line.partition("#")[0].strip())]


def test_everything_that_is_asked_for_is_pinned_to_a_version_that_fits() -> None:
    for requirement in wanted():
        assert PINS[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_every_pin_has_a_hash() -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())
    assert len(entries) > 150
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_address_of_an_index_is_in_the_lock() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*--(index|extra-index|find-links|trusted)", LOCK, re.M)


def test_the_lock_for_ib_async_is_one_of_the_same_kind_without_the_other_library() -> None:
    lock = (PROJECT / "requirements-ib-async.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    names = {entry.split("==")[0] for entry in entries}
    assert {"ib-async", "aeventkit"} <= names
    assert not {"ib-insync", "eventkit"} & names
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock


def test_what_breaks_the_others_is_not_there() -> None:
    assert not {"ib-async", "aeventkit", "airflow-provider-great-expectations"} & set(PINS)
    assert int(PINS["celery"].split(".")[1]) < 7
