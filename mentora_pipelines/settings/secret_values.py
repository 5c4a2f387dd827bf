"""The secrets among the settings, for whoever must take them out of a text."""

from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from mentora_pipelines.errors import SettingsError
from mentora_pipelines.settings.all_settings import ALL_SETTINGS


def secret_values() -> frozenset[str]:
    """Every secret of the environment, to be taken out of what is told to others.

    Of a URL its password, as it stands there and decoded; of a key the key.
    """
    found: set[str] = set()
    for settings in ALL_SETTINGS:
        try:
            values = settings().model_dump().values()
        except SettingsError:
            continue
        for value in values:
            if isinstance(value, SecretStr):
                found |= _secret_parts(value.get_secret_value())
    return frozenset(found)


MIN_SECRET_CHARACTERS = 4
"""A shorter one stands in too many words to be taken out of them."""


def _secret_parts(secret: str) -> set[str]:
    parts = {secret}
    if "://" in secret:
        url = urlsplit(secret)
        # A DSN of Sentry has its key where others have the user.
        kept = url.password or url.username or ""
        parts = {secret, kept, unquote(kept)}
    return {part for part in parts if len(part) >= MIN_SECRET_CHARACTERS}
