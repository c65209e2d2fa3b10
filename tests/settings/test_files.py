"""The files of a configuration: their version, their zip, and no secret in them."""

import io
import zipfile

import pytest

from include.errors import InputError
from include.settings.files import check_no_secrets, packed, unpacked, version_of

FILES = {"polybroker.yaml": b"options: {}\n", "brokers/a.yaml": b"credentials: { key: A_KEY }\n"}


def test_the_same_files_are_the_same_version() -> None:
    again = dict(reversed(FILES.items()))
    assert version_of(again) == version_of(FILES)
    assert len(version_of({})) == 64
    moved = {"polybroker.yaml": FILES["polybroker.yaml"], "brokers/b.yaml": FILES["brokers/a.yaml"]}
    changed = {**FILES, "polybroker.yaml": b"options: {}"}
    assert len({version_of(FILES), version_of(moved), version_of(changed), version_of({})}) == 4


def test_a_zip_there_and_back() -> None:
    assert unpacked(packed(FILES), "b.zip") == FILES
    assert packed(dict(reversed(FILES.items()))) == packed(FILES)


@pytest.mark.parametrize("name", ["../evil.yaml", "/etc/evil.yaml", "a/b/c.yaml", "script.py", "brokers/.hidden.yaml"])
def test_a_zip_with_anything_else_is_refused(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x: 1")
    with pytest.raises(InputError, match=r"^b.zip: expected YAML files of a configuration"):
        unpacked(buffer.getvalue(), "b.zip")


def test_what_is_no_zip_or_one_that_unpacks_to_too_much() -> None:
    with pytest.raises(InputError, match=r"^b.zip: expected a zip of `polybroker config backup`"):
        unpacked(b"PK no zip", "b.zip")
    with pytest.raises(InputError, match="expected YAML files of a configuration"):
        unpacked(packed({"big.yaml": b" " * 1_000_001}), "b.zip")


def test_a_secret_in_place_of_a_variables_name_is_found_and_not_quoted() -> None:
    check_no_secrets(FILES)
    check_no_secrets({"brokers/a.yaml": b"credentials: { key: ${MY_KEY} }\nport: ${NOT_SET}"})  # its text holds no secret
    with pytest.raises(InputError, match=r"^brokers/a.yaml, field 'credentials.key': ") as caught:
        check_no_secrets({"brokers/a.yaml": b"credentials: { key: CANARY/4711 }"})
    assert "CANARY" not in str(caught.value)
    with pytest.raises(InputError, match=r"^polybroker.yaml: expected UTF-8"):
        check_no_secrets({"polybroker.yaml": b"\xff"})


def test_a_login_in_a_url_is_refused_without_being_quoted() -> None:
    check_no_secrets({"polybroker.yaml": b"list: https://example.org:8080/a@b?x=1\nother: https://${LOGIN}@example.org/"})
    for name in ("polybroker.yaml", "brokers/a.yaml"):
        with pytest.raises(InputError) as refused:
            check_no_secrets({name: b"list: https://me:CANARY@example.org/list.csv"})
        words = f"{name}: expected no login in a URL: these files are kept; put it into a variable, ${{NAME}}"
        assert str(refused.value) == words
