"""How a function becomes a task: its name, its retries, its errors translated, its documentation out of its step's docstrings."""

import ast
import os
import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import task

from include.hooks.errors import translated

STEPS = Path(__file__).resolve().parent.parent / "steps"
READING = {
    "retries": 3,
    "retry_delay": timedelta(seconds=int(os.environ.get("POLYBROKER_RETRY_SECONDS", "30"))),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}
NO_RETRY = {"retries": 0}


def step(function: Callable[..., Any], **options: Any) -> Any:
    """A task out of a function of this module: named after it, errors translated, documented by its step's docstring."""
    factory = task.branch if options.pop("branch", False) else task
    return factory(doc_md=documentation(function.__name__), **{**READING, **options})(translated(function))


def documentation(name: str) -> str:
    """What the UI shows of a task, out of its step's docstrings: what it is for, what it reads and writes, what red means."""
    tree = ast.parse((STEPS / f"{name}.py").read_text(encoding="utf-8"))
    body = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)
    shown = [ast.get_docstring(tree) or ""]
    for part in (ast.get_docstring(body) or "").split("\n\n") if body else []:
        head, _, rest = part.partition("\n")
        if head == "Raises:":
            shown.append("**Red means**\n\n" + _bullets(rest))
        elif head != "Args:":
            shown.append(f"**{head[:-1]}**\n\n{textwrap.dedent(rest)}" if head == "Returns:" else part)
    return "\n\n".join(shown)


def _bullets(section: str) -> str:
    """`Name: what it means`, one per entry; lines that are indented further belong to the entry before."""
    lines = textwrap.dedent(section).splitlines()
    return "\n".join(line if line.startswith(" ") else f"- {line}" for line in lines)


def label(argument: str) -> str:
    """Names a mapped task after one of its arguments instead of a number."""
    return f"{{{{ task.op_kwargs['{argument}'] }}}}"
