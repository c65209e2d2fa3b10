"""YAML with variables in it, and models made of it; every fault is an `InputError` that names file and key."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from include.errors import InputError

T = TypeVar("T", bound=BaseModel)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}\n]*))?\}")
# What stands for a variable while the YAML is parsed: private characters, which are plain text even inside of `{ }`.
_MARK = re.compile("\ue000([0-9]+)\ue001")
_STRING = "tag:yaml.org,2002:str"
_SECRET = "credentials"


def parse(model: type[T], values: Any, source: object, prefix: str | None) -> T:
    """A pydantic model out of parsed YAML or JSON, its faults as one `InputError` that names file and key.

    What stands under `credentials` is not quoted: somebody may have written the secret itself.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        parts = ((prefix,) if prefix else ()) + tuple(str(part) for part in first["loc"])
        value = None if _SECRET in parts else first.get("input")
        # `from None`: pydantic's own error quotes the value.
        raise InputError(first["msg"], source=source, field=".".join(parts) or None, value=value) from None


def read_yaml(payload: bytes, source: object, environ: Mapping[str, str]) -> dict[str, Any]:
    """The mapping in a YAML file; `${VAR}` and `${VAR:default}` are replaced in its values and keys, not in comments.

    A value that is nothing but plain text around variables gets its type afterwards, so `${PORT:7497}` is a number; one in
    quotes stays text. What a variable holds is never read as YAML's structure. An empty file is {}.

    Args:
        payload: UTF-8.
        source: The file's name in errors.
        environ: Variables; an empty one counts as missing.

    Raises:
        InputError: No YAML, no mapping, a key that stands twice, a variable that is missing and has no default.
    """
    try:
        document = _document(payload.decode("utf-8"), source, environ)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"expected YAML: {' '.join(str(error).split())}", source=source) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError("expected a mapping of keys to values", source=source, value=type(document).__name__)
    return document


def _document(text: str, source: object, environ: Mapping[str, str]) -> Any:
    variables: list[tuple[str, str | None]] = []

    def mark(found: re.Match[str]) -> str:
        variables.append((found[1], found[2]))
        return f"\ue000{len(variables) - 1}\ue001"

    loader = yaml.SafeLoader(_VARIABLE.sub(mark, text))
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        for path, node in _scalars(root, "", source, set()):
            marks = list(_MARK.finditer(node.value))
            for found in reversed(marks):
                value = _value(*variables[int(found[1])], path, source, environ)
                node.value = node.value[: found.start()] + value + node.value[found.end() :]
            if marks and node.style is None and node.tag == _STRING:
                node.tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))  # type: ignore[no-untyped-call]
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _value(name: str, default: str | None, path: str, source: object, environ: Mapping[str, str]) -> str:
    value = environ.get(name) or default
    if value is None:
        expected = f"expected the variable {name} to be set, or a default: ${{{name}:...}}"
        raise InputError(expected, source=source, field=path)
    return value


def _scalars(node: yaml.Node, path: str, source: object, seen: set[int]) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Every scalar with the path of its key; a node that aliases share comes once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield path, node
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _scalars(item, _under(path, str(number)), source, seen)
    elif isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            yield from _scalars(key, path, source, seen)
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name in names and isinstance(key, yaml.ScalarNode):
                raise InputError("expected each key once", source=source, field=_under(path, name))
            names.add(name)
            yield from _scalars(value, _under(path, name), source, seen)


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
