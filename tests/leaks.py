"""Looking for secrets wherever a run leaves something: files, also packed ones, databases, log records, errors."""

import logging
import sqlite3
import traceback
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pyarrow.parquet as pq

SQLITE = b"SQLite format 3\x00"


def leaks(secrets: Iterable[str], folder: Path, words: Iterable[str], allowed: Iterable[Path] = ()) -> list[str]:
    """Where which secret shows, as `place: secret`; [] where none does.

    Args:
        secrets: What must not be there.
        folder: Every file below it is looked at, and every row of the databases among them.
        words: What was printed, logged or raised.
        allowed: Files that hold secrets on purpose.
    """
    places = [("words", text.encode()) for text in words]
    places += [place for path in sorted(folder.rglob("*")) if path.is_file() and path not in allowed for place in _read(path)]
    return [f"{name}: {secret}" for name, content in places for secret in secrets if secret.encode() in content]


class _Collected(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage() + told(record.exc_info[1] if record.exc_info else None))


@contextmanager
def collected_logs() -> Iterator[list[str]]:
    """What any logger says meanwhile, also one that Airflow's configuration has silenced in this process before."""
    handler = _Collected()
    loggers = [logging.root, *(one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    with ExitStack() as stack:
        for logger in loggers:
            stack.callback(vars(logger).update, disabled=logger.disabled, level=logger.level)
            logger.disabled = False
            if logger is logging.root or not logger.propagate:
                logger.addHandler(handler)
                stack.callback(logger.removeHandler, handler)
        logging.root.setLevel(logging.DEBUG)
        yield handler.words


def told(error: BaseException | None) -> str:
    """An error with everything behind it, as a log would show it: without the lines of source, which quote this test."""
    shown = traceback.TracebackException.from_exception(error) if error else None
    lines = []
    while shown is not None:
        lines += list(shown.format_exception_only())
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    return "".join(lines)


def _read(path: Path) -> Iterator[tuple[str, bytes]]:
    content = path.read_bytes()
    yield str(path), content
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield f"{path} (rows)", repr((table.schema.metadata, table.to_pylist())).encode()
    if content.startswith(SQLITE):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
                yield f"{path} ({table})", b"".join(_cell(cell) for row in rows for cell in row)


def _cell(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()
