"""The settings of a run that has begun: out of the version of the configuration that it was resolved with."""

from collections.abc import Mapping
from pathlib import Path

from include.domain.run import Run
from include.errors import InputError
from include.settings import Environ, Options, Settings, parse
from include.storage.config_versions import ConfigVersions
from include.storage.database import Database
from include.storage.run_folder import RunFolder


def run_settings(run: Run, environ: Environ, database: Database, variables: Mapping[str, str]) -> Settings:
    """What the run was resolved with, whatever the files say by now: however late a task of it is cleared, it has these.

    Frozen are the files, what `${VAR}` in them stood for, and the options. Read fresh are the variables that may be secrets (see
    `include.settings.frozen`), and paths, addresses and switches of the environment: they are the machine's, not the run's.

    Args:
        run: Resolved by step 0, its version kept by `record_configuration`.
        environ: Of this process.
        database: Keeps the versions.
        variables: Usually `os.environ`.

    Raises:
        InputError: The database does not have the run's version.
    """
    try:
        files = ConfigVersions(database).files(run.config_version)
    except InputError as error:
        expected = (
            "expected the database to have the configuration that this run began with: bring the database back, or clear "
            "resolve_run with everything after it, so that the run begins anew with the files as they are now"
        )
        source = RunFolder(run.folder).run
        raise InputError(expected, source=source, field="config_version", value=run.config_version) from error
    # What is wrong in a kept file is not to be looked for in the folder. Profile and screens were worked into the run's options.
    folder = Path(f"the run's configuration {run.config_version[:12]}")
    there = environ.model_copy(update={"config_dir": folder, "profile": None, "screens": None})
    settings = Settings(there, files, {**variables, **run.variables})
    options = {name: value for name, value in run.options.items() if name in Options.model_fields}
    settings.options = parse(Options, options, RunFolder(run.folder).run, "options")
    return settings
