"""`<root>/runs/latest`: the newest run that is no backfill."""

import os
import tempfile
from pathlib import Path

from include.errors import InputError
from include.storage.artifacts import exists, local_path, read_json, write_json


def set_latest(root: str, folder_uri: str) -> str:
    """Point `latest` to a run's folder, so that a reader sees the old or the new one, never neither.

    Local roots get a relative symbolic link (the whole root can be moved), others the file `runs/latest.json`.

    Args:
        root: URI of the artifact root.
        folder_uri: URI of a folder under `<root>/runs/`.

    Returns:
        URI of the link or file.

    Raises:
        InputError: The folder is not under the root, or something that is no link stands in the way.
    """
    runs = f"{root.rstrip('/')}/runs"
    folder = folder_uri.rstrip("/")
    if not folder.startswith(f"{runs}/"):
        raise InputError(f"expected a folder under {runs}", source=folder_uri)
    local = local_path(runs)
    if local is None:
        return write_json(f"{runs}/latest.json", {"folder": folder})
    link = local / "latest"
    if link.exists() and not link.is_symlink():
        raise InputError("expected a symbolic link here: move this file or folder away", source=link)
    local.mkdir(parents=True, exist_ok=True)
    # A link cannot be replaced in place: it is made under another name and renamed over the old one.
    with tempfile.TemporaryDirectory(dir=local, prefix=".latest.") as directory:
        fresh = Path(directory) / "latest"
        fresh.symlink_to(folder.removeprefix(f"{runs}/"), target_is_directory=True)
        os.replace(fresh, link)
    return f"{runs}/latest"


def latest(root: str) -> str | None:
    """URI of the newest run's folder, in the form in which the run names it; None while there is none or it is gone."""
    runs = f"{root.rstrip('/')}/runs"
    local = local_path(runs)
    if local is None:
        return str(read_json(f"{runs}/latest.json")["folder"]) if exists(f"{runs}/latest.json") else None
    link = local / "latest"
    if not link.is_symlink() or not link.exists():
        return None
    return f"{runs}/{os.readlink(link)}"
