"""What every class of settings is made of: read when made, all faults in one error."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mentora_pipelines.errors import SettingsError


class Settings(BaseSettings):
    """Reads its variables when made; raises `SettingsError` that names every fault."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except ValidationError as error:
            faults = "\n".join(f"  {_sentence(fault)}" for fault in error.errors())
            raise SettingsError(f"wrong settings:\n{faults}") from None

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        # A refused value may be a secret.
        hide_input_in_errors=True,
    )


def _sentence(fault: Mapping[str, object]) -> str:
    """One fault without its value, which may be a secret."""
    place = fault["loc"]
    name = ".".join(map(str, place)) if isinstance(place, tuple) else ""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
