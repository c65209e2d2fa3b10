"""Where a run's screens come from: which files count at `as_of`, how old they are, and what they contain byte for byte."""

import hashlib
import re
from collections.abc import Sequence
from datetime import date

from upath import UPath

from include.domain.run import ScreenSource
from include.errors import InputError
from include.screening.backtest import backtest_date
from include.screening.old_universe import read_universe
from include.screening.rows import screen_key
from include.screening.uncle_stock import newest_calculation

SCREEN_SUFFIX, BACKTEST_SUFFIX = "_current_screen.csv", "_backtest_results.csv"
SYNTHETIC_MARKER = "SYNTHETIC"
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")


def find_screens(location: str, as_of: date) -> list[ScreenSource]:
    """The screens that count at `as_of`, sorted by key.

    Args:
        location: A folder of exports; a folder of dated sub-folders `YYYY-MM-DD/`, of which the newest not after `as_of`
            counts; or an old `universe.json`. A path or a URI.

    Undated exports are of the day of their backtest, or of the newest `calculation date` in the screen where that is later
    (prices of that day were not known before it).

    Raises:
        InputError: Nothing there, only exports of the future, or a file without its partner.
    """
    try:
        path = UPath(location).expanduser()
        path.exists()  # s3:// and others load their driver only here
    except (ValueError, ImportError) as error:
        raise InputError(f"expected a path, or a URI that fsspec can open: {error}", source="screens", value=location) from error
    if path.is_file():
        sources = _from_universe(path)
    elif path.is_dir():
        sources = _from_folder(path, as_of)
    else:
        expected = "expected a folder of screen exports, an old universe.json, or the word synthetic"
        raise InputError(expected, source="screens", value=location)
    for source in sources:
        if source.dated > as_of:
            raise _only_future(source.screen_uri, source.dated, as_of)
    return sorted(sources, key=lambda source: source.key)


def digest(contents: Sequence[bytes]) -> str:
    """Hex SHA-256 over the bytes of a screen's files, in the order screen, backtest."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def read_source(source: ScreenSource) -> tuple[bytes, bytes | None]:
    """The bytes of a screen's files, as they were when the run was resolved.

    Raises:
        InputError: A file is gone, or has changed since.
    """
    contents = [_read(UPath(uri)) for uri in (source.screen_uri, source.backtest_uri) if uri is not None]
    if digest(contents) != source.sha256:
        expected = "expected the file as it was when the run was resolved; clear resolve_run to take the new one"
        raise InputError(expected, source=source.screen_uri)
    return contents[0], contents[1] if len(contents) > 1 else None


def _from_universe(path: UPath) -> list[ScreenSource]:
    content = _read(path)
    universe = read_universe(content, str(path))
    return [
        ScreenSource(
            key=key,
            name=name,
            kind="universe_json",
            screen_uri=_uri(path),
            dated=universe.dated,
            sha256=digest([content]),
            synthetic=universe.synthetic,
        )
        for key, name in universe.names.items()
    ]


def _from_folder(folder: UPath, as_of: date) -> list[ScreenSource]:
    dated = {date.fromisoformat(p.name): p for p in folder.iterdir() if p.is_dir() and _is_day(p.name) and _screens_in(p)}
    if not dated:
        return _exports(folder, None)
    if _screens_in(folder):
        raise InputError("expected exports either in the folder or in its dated sub-folders, found both", source=folder)
    known = [day for day in dated if day <= as_of]
    if not known:
        raise _only_future(str(folder), min(dated), as_of)
    return _exports(dated[max(known)], max(known))


def _exports(folder: UPath, dated: date | None) -> list[ScreenSource]:
    screens = {path.name.removesuffix(SCREEN_SUFFIX): path for path in _screens_in(folder)}
    if not screens:
        raise InputError(f"expected files named <screen>{SCREEN_SUFFIX}", source=folder)
    for path in sorted(folder.iterdir(), key=str):
        stem = path.name.removesuffix(BACKTEST_SUFFIX)
        if stem != path.name and stem not in screens:
            raise InputError(f"expected {stem}{SCREEN_SUFFIX} beside it: a screen is never dropped", source=path)
    synthetic = (folder / SYNTHETIC_MARKER).is_file()
    found = [_export(stem, path, dated, synthetic) for stem, path in sorted(screens.items())]
    keys = [source.key for source in found]
    for source in found:
        if keys.count(source.key) > 1:
            raise InputError("expected file names that differ in letters or digits", source=folder, value=source.key)
    return found


def _export(stem: str, screen: UPath, dated: date | None, synthetic: bool) -> ScreenSource:
    backtest = screen.parent / f"{stem}{BACKTEST_SUFFIX}"
    contents = [_read(screen)]
    if backtest.is_file():
        contents.append(_read(backtest))
    elif dated is None:
        expected = f"expected {backtest.name} beside it, which says of what day the export is; or a sub-folder named YYYY-MM-DD"
        raise InputError(expected, source=screen)
    if dated is None:
        dated = backtest_date(contents[1], str(backtest))
        calculated = newest_calculation(contents[0], str(screen))
        dated = max(dated, calculated) if calculated else dated
    return ScreenSource(
        key=screen_key(stem, screen),
        name=stem.replace("_", " ").strip(),
        kind="uncle_stock",
        screen_uri=_uri(screen),
        backtest_uri=_uri(backtest) if len(contents) > 1 else None,
        dated=dated,
        sha256=digest(contents),
        synthetic=synthetic,
    )


def _only_future(source: str, oldest: date, as_of: date) -> InputError:
    expected = f"expected a screen of {as_of} or earlier, the oldest is of {oldest}: choose a later as_of or add an older export"
    return InputError(expected, source=source)


def _screens_in(folder: UPath) -> list[UPath]:
    return sorted((path for path in folder.iterdir() if path.name.endswith(SCREEN_SUFFIX)), key=str)


def _is_day(name: str) -> bool:
    try:
        return bool(_DATED.fullmatch(name) and date.fromisoformat(name))
    except ValueError:
        return False


def _uri(path: UPath) -> str:
    return str(path.resolve()) if path.protocol in ("", "file") else str(path)


def _read(path: UPath) -> bytes:
    try:
        return bytes(path.read_bytes())
    except OSError as error:
        raise InputError(f"expected a readable file: {error.__class__.__name__}", source=path) from error
