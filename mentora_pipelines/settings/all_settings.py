"""Every class of settings there is, and one check of them all."""

from mentora_pipelines.errors import SettingsError
from mentora_pipelines.settings.analytics import MetricsSettings, ReportSettings
from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.content_health import HealthSettings
from mentora_pipelines.settings.databases import (
    DagsterStorageSettings,
    DatabaseSettings,
)
from mentora_pipelines.settings.flow import FlowSettings
from mentora_pipelines.settings.home import HomeSettings
from mentora_pipelines.settings.hosted_models import AnthropicSettings, OpenAiSettings
from mentora_pipelines.settings.mail import MailSettings
from mentora_pipelines.settings.media import MediaSettings
from mentora_pipelines.settings.memberships import WhopSettings
from mentora_pipelines.settings.models import EmbedderSettings, TranscriberSettings
from mentora_pipelines.settings.observability import ObservabilitySettings
from mentora_pipelines.settings.platform_health import PlatformHealthSettings
from mentora_pipelines.settings.quizzes import QuizSettings
from mentora_pipelines.settings.redis import RedisSettings
from mentora_pipelines.settings.spending import SpendingSettings
from mentora_pipelines.settings.storage import StorageSettings

ALL_SETTINGS: tuple[type[Settings], ...] = (
    HomeSettings,
    DatabaseSettings,
    DagsterStorageSettings,
    RedisSettings,
    StorageSettings,
    MediaSettings,
    TranscriberSettings,
    EmbedderSettings,
    QuizSettings,
    FlowSettings,
    MailSettings,
    HealthSettings,
    MetricsSettings,
    SpendingSettings,
    OpenAiSettings,
    AnthropicSettings,
    WhopSettings,
    ReportSettings,
    ObservabilitySettings,
    PlatformHealthSettings,
)


def check_settings() -> None:
    """Read every class once; raises one `SettingsError` that names every fault."""
    faults: list[str] = []
    for settings in ALL_SETTINGS:
        try:
            settings()
        except SettingsError as error:
            faults += str(error).splitlines()[1:]
    if faults:
        raise SettingsError("wrong settings:\n" + "\n".join(faults))
