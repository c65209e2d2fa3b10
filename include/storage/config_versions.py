"""Every version of the configuration that was used, whole, by the hash of its files."""

from datetime import datetime

from sqlalchemy import select

from include.domain.model import Value
from include.errors import InputError
from include.settings.files import Files, check_no_secrets, version_of
from include.storage.database import Database
from include.storage.tables import config_versions


class ConfigVersion(Value):
    """One version.

    Attributes:
        first_used_at / last_used_at: Aware UTC.
        last_used_by: A run's id, or what a person did.
    """

    sha256: str
    first_used_at: datetime
    last_used_at: datetime
    last_used_by: str


class ConfigVersions:
    """The versions in the database; none is ever removed or changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, files: Files, by: str, at: datetime) -> str:
        """Keep these files, if they are not kept already, and who used them when. Returns their version.

        Raises:
            InputError: A file that is not UTF-8, or holds a secret where the name of a variable belongs.
        """
        check_no_secrets(files)
        version = version_of(files)
        texts = {name: content.decode("utf-8") for name, content in sorted(files.items())}
        row = {"sha256": version, "files": texts, "first_used_at": at, "last_used_at": at, "last_used_by": by}
        insert = self._database.insert(config_versions)
        used = {name: insert.excluded[name] for name in ("last_used_at", "last_used_by")}
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=used), row)
        return version

    def history(self) -> list[ConfigVersion]:
        """All versions, the one used last first."""
        columns = [config_versions.c[name] for name in ConfigVersion.model_fields]
        query = select(*columns).order_by(config_versions.c.last_used_at.desc(), config_versions.c.sha256)
        with self._database.read() as connection:
            return [ConfigVersion.model_validate(dict(row._mapping)) for row in connection.execute(query)]

    def files(self, version: str) -> dict[str, bytes]:
        """The files of a version.

        Args:
            version: Its hash, or as much of its beginning as no other version has.

        Raises:
            InputError: No version begins so, or several do.
        """
        with self._database.read() as connection:
            query = select(config_versions.c.sha256).where(config_versions.c.sha256.startswith(version, autoescape=True))
            found = sorted(connection.execute(query).scalars())
            if len(found) != 1 or not version:
                several = (
                    f"one of {', '.join(one[:12] for one in found)}" if found else "a version of `polybroker config history`"
                )
                raise InputError(f"expected {several}", source="config_versions", field="sha256", value=version)
            texts = connection.execute(select(config_versions.c.files).where(config_versions.c.sha256 == found[0])).scalar_one()
        return {name: text.encode("utf-8") for name, text in texts.items()}
