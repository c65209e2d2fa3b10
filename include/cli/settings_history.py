"""`polybroker config history | diff | backup | restore`: versions of the configuration's files.

Every run keeps the files it used in the database, as they are written: `${VAR}` stays `${VAR}`, so no secret is among them.
"""

import difflib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.cli.settings_check import check_everything
from include.cli.wiring import kept_database, project_database
from include.errors import InputError
from include.settings import Environ, Settings
from include.settings.files import Files, packed, unpacked, version_of
from include.settings.folder import read_files, write_files
from include.storage.config_versions import ConfigVersions

NOW = "now"
Version = Annotated[str, typer.Argument(help="`now`, a hash (its beginning is enough), or a file of `config backup`.")]


def history() -> None:
    """Show every version that was used, the last one first; `*` is what the files say now.

    Example: `polybroker config history`
    """
    environ = Environ()
    now = version_of(read_files(environ.config_dir))
    with kept_database(environ) as database:
        versions = ConfigVersions(database).history()
    if not versions:
        typer.echo("no version was used yet: every run keeps its own")
        return
    table = Table("", "version", "first used", "last used", "by")
    for one in versions:
        first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (one.first_used_at, one.last_used_at))
        table.add_row("*" if one.sha256 == now else "", one.sha256[:12], first, last, one.last_used_by)
    Console().print(table)


def diff(before: Version, after: Version = NOW) -> None:
    """Show what differs between two versions, file by file; exit code 1 if anything does.

    Examples: `polybroker config diff 3f2a91`, `polybroker config diff 3f2a91 b07c55`, `polybroker config diff before.zip now`
    """
    environ = Environ()
    old, new = _files(before, environ), _files(after, environ)
    different = False
    for name in sorted({*old, *new}):
        first, second = (files.get(name, b"").decode("utf-8", "replace").splitlines() for files in (old, new))
        for line in difflib.unified_diff(first, second, f"{before}/{name}", f"{after}/{name}", lineterm=""):
            different = True
            typer.echo(line)
    if different:
        raise typer.Exit(1)
    typer.echo("nothing differs")


def backup(file: Annotated[Path, typer.Argument(help="A zip that does not exist yet.")]) -> None:
    """Write all files of the configuration, as they are now, into a zip. Example: `polybroker config backup before.zip`"""
    files = _files(NOW, Environ())
    try:
        with file.open("xb") as target:
            target.write(packed(files))
    except FileExistsError as error:
        raise InputError("expected a file that does not exist yet", source=file) from error
    except OSError as error:
        raise InputError(f"expected a file that can be written: {error.strerror}", source=file) from error
    typer.echo(f"{file}: {len(files)} files, version {version_of(files)[:12]}")


def restore(version: Version) -> None:
    """Make the files those of an earlier version; the next run uses them.

    They are validated before anything is written, and what they replace is kept in the history. All of them are replaced or none:
    what is broken off in the middle, the next `polybroker config` command finishes.

    Examples: `polybroker config restore before.zip`, `polybroker config restore 3f2a91`
    """
    environ = Environ()
    files = _files(version, environ)
    check_everything(Settings(environ, files))
    before = read_files(environ.config_dir)
    now = datetime.now(UTC)
    with project_database(environ) as database:
        kept = ConfigVersions(database).record(before, f"replaced by restore of {version_of(files)[:12]}", now)
        restored = ConfigVersions(database).record(files, "restore", now)
    write_files(environ.config_dir, files)
    typer.echo(f"{environ.config_dir} is version {restored[:12]}; it was {kept[:12]}, which is in the history")


def _files(version: str, environ: Environ) -> Files:
    """The files of `now`, of a zip, or of a version in the database."""
    if version == NOW:
        files = read_files(environ.config_dir)
        if not files:
            raise InputError("expected a folder with the configuration (POLYBROKER_CONFIG_DIR)", source=environ.config_dir)
        return files
    path = Path(version)
    if path.is_file():
        return unpacked(path.read_bytes(), path)
    if path.suffix or len(path.parts) > 1:  # no hash has these
        raise InputError("expected a file of `polybroker config backup`; there is none of this name", source=path)
    with kept_database(environ) as database:
        return ConfigVersions(database).files(version)
