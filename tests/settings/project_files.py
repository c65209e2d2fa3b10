"""Settings out of a copy of the shipped files."""

from pathlib import Path
from typing import Any

import pytest

from include.errors import InputError
from include.settings import PROJECT, Environ, Settings

CONFIG = PROJECT / "include" / "config"


def settings(config: Path = CONFIG, **environ: Any) -> Settings:
    return Settings(Environ(**{"config_dir": config, "profile": None, "screens": None, "ACTIVE_BROKERS": None, **environ}))


def error(config: Path, attribute: str | None = None, **environ: Any) -> str:
    def use() -> None:
        made = settings(config, **environ)
        if attribute:
            getattr(made, attribute)

    with pytest.raises(InputError) as caught:
        use()
    return str(caught.value)
