"""Where the platform keeps what is its own."""

from pathlib import Path

from pydantic import Field

from mentora_pipelines.errors import SettingsError
from mentora_pipelines.settings.base import Settings


class HomeSettings(Settings):
    """The folder that holds `dagster.yaml`, and `.mentora/` beside it."""

    dagster_home: Path | None = Field(None, alias="DAGSTER_HOME")

    @property
    def home(self) -> Path:
        """`DAGSTER_HOME`, else the nearest folder upwards with a `dagster.yaml`.

        Raises `SettingsError` when there is none.
        """
        if self.dagster_home is not None:
            home = self.dagster_home.expanduser().resolve()
            if not (home / "dagster.yaml").is_file():
                raise SettingsError(f"DAGSTER_HOME: there is no dagster.yaml in {home}")
            return home
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "dagster.yaml").is_file():
                return folder
        raise SettingsError(
            f"there is no dagster.yaml in {here} or above it: go to the project's "
            "folder, or set DAGSTER_HOME to it"
        )

    @property
    def state_folder(self) -> Path:
        """Where the embedded servers and the local storage keep their files."""
        return self.home / ".mentora"
