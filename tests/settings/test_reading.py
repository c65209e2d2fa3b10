"""YAML with variables: their types, their places, and every fault with its file and key."""

from typing import Any

import pytest
from pydantic import BaseModel

from include.errors import InputError
from include.settings.reading import parse, read_yaml

ENVIRON = {"A": "1", "EMPTY": "", "HOST": "10.0.0.1", "WORDS": "a: [b, # c", "YES": "true"}


def value(text: str) -> Any:
    return read_yaml(f"x: {text}".encode(), "f.yaml", ENVIRON)["x"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${A}", 1),
        ("${PORT:7497}", 7497),
        ("${A:2}", 1),
        ("${EMPTY:3}", 3),
        ("'${A}'", "1"),
        ('"${PORT:7497}"', "7497"),
        ("${B:0.5}", 0.5),
        ("${YES}", True),
        ("${B:false}", False),
        ("${B:}", None),
        ("'${B:}'", ""),
        ("${HOST}:${PORT:7497}", "10.0.0.1:7497"),
        ("1${A}", 11),
        ("[1, '${A}', ${A}, ${B:c}]", [1, "1", 1, "c"]),
        ("{ port: ${PORT:7497}, deep: [{ host: ${HOST} }] }", {"port": 7497, "deep": [{"host": "10.0.0.1"}]}),
        ("{ ${B:key}: 1 }", {"key": 1}),
        ("${WORDS}", "a: [b, # c"),  # what a variable holds is no structure
        ("${B:${A}", "${A"),
        ("$A ${1} {A}", "$A ${1} {A}"),
        ("1 # ${NOT_SET}", 1),
    ],
)
def test_variables(text: str, found: Any) -> None:
    assert (value(text), type(value(text))) == (found, type(found))


def test_a_node_that_aliases_share_is_filled_once_and_may_contain_itself() -> None:
    text = b"a: &a { port: ${PORT:1} }\nb: *a\nc: &c [*c]"
    found = read_yaml(text, "f.yaml", {})
    assert (found["a"], found["b"]) == ({"port": 1}, {"port": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: ${B}", "f.yaml, field 'x': expected the variable B to be set, or a default: ${B:...}"),
        ("x: { y: [0, ${EMPTY}] }", "f.yaml, field 'x.y.1': expected the variable EMPTY to be set, or a default: ${EMPTY:...}"),
        ("x: 'a ${A} ${B}'", "f.yaml, field 'x': expected the variable B to be set, or a default: ${B:...}"),
        ("x: { y: 1, z: 2, y: 3 }", "f.yaml, field 'x.y': expected each key once"),
        ("[${A}]", "f.yaml: expected a mapping of keys to values (found 'list')"),
        ("${A}", "f.yaml: expected a mapping of keys to values (found 'int')"),
    ],
)
def test_faults_name_file_and_key(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(text.encode(), "f.yaml", ENVIRON)
    assert str(caught.value) == message


@pytest.mark.parametrize("payload", [b"\xff\xfe\xfa", b"x: {name: [", b"x: 2026-99-99", b"x: !!python/name:os.system ''"])
def test_what_is_no_yaml(payload: bytes) -> None:
    with pytest.raises(InputError, match=r"^f.yaml: expected YAML: "):
        read_yaml(payload, "f.yaml", {})


@pytest.mark.parametrize("payload", [b"", b"# nothing\n", b"---\n"])
def test_an_empty_file_says_nothing(payload: bytes) -> None:
    assert read_yaml(payload, "f.yaml", {}) == {}


class Port(BaseModel):
    port: int
    credentials: dict[str, int] = {}


def test_a_fault_names_the_type_and_quotes_no_credential() -> None:
    with pytest.raises(InputError) as caught:
        parse(Port, {"port": "x"}, "f.yaml", None)
    words = "Input should be a valid integer, unable to parse string as an integer"
    assert str(caught.value) == f"f.yaml, field 'port': {words} (found 'x')"
    with pytest.raises(InputError) as caught:
        parse(Port, {"port": 1, "credentials": {"key": "CANARY"}}, "f.yaml", None)
    assert str(caught.value) == f"f.yaml, field 'credentials.key': {words}"
    assert caught.value.__cause__ is None
