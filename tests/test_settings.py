import subprocess
import sys
from pathlib import Path

import pytest

from mentora_pipelines.errors import SettingsError
from mentora_pipelines.services import database_urls, redis_urls
from mentora_pipelines.settings.all_settings import ALL_SETTINGS, check_settings
from mentora_pipelines.settings.home import HomeSettings
from mentora_pipelines.settings.mail import MailSettings
from mentora_pipelines.settings.media import MediaSettings
from mentora_pipelines.settings.memberships import WhopSettings
from mentora_pipelines.settings.models import TranscriberSettings
from mentora_pipelines.settings.storage import StorageSettings
from tests.fix_services import OURS, PROJECT

WRONG = {
    "DATABASE_URL": "mysql://ada:hunter2@db/mentora",
    "DAGSTER_POSTGRES_URL": "hunter3",
    "REDIS_URL": "http://:hunter4@cache",
    "MENTORA_COORDINATION_REDIS_URL": "memcached://:hunter5@cache",
    "MENTORA_STORAGE_URL": "s3://key:hunter6@bucket",
    "AWS_ENDPOINT_URL": "https://key:hunter11@store",
    "MENTORA_STORAGE_ENCRYPTION": "rot13",
    "MENTORA_UPLOADS_QUEUE_URL": "sqs:hunter12",
    "MENTORA_MAX_UPLOAD_BYTES": "many",
    "MENTORA_MAX_DURATION_S": "-1",
    "MENTORA_TRANSCRIBER": "somebody",
    "MENTORA_WHISPER_DEVICE": "tpu",
    "MENTORA_LANGUAGE": "English",
    "MENTORA_EMBEDDER": "nobody",
    "MENTORA_QUIZ_WRITER": "me",
    "MENTORA_AUTO_GENERATE_QUIZ": "perhaps",
    "MENTORA_SMTP_URL": "http://ada:hunter7@mail",
    "MENTORA_MAIL_FROM": "hunter8",
    "MENTORA_APP_URL": "ftp://ada:hunter9@app",
    "SENTRY_DSN": "https://hunter10@sentry.example",
    "MENTORA_ENVIRONMENT": "pre production",
    "MENTORA_LOG_LEVEL": "loud",
    "MENTORA_OPERATOR_EMAIL": "hunter11",
    "MENTORA_ALERT_CONFIRMATIONS": "0",
    "MENTORA_HEALTH_FAILURES": "0",
    "MENTORA_HEALTH_TRUSTED_HOSTS": '["127.0.0.1"]',
    "WHOP_BASE_URL": "https://ada:hunter10@whop",
    "MENTORA_MEMBERSHIP_GRACE_HOURS": "for ever",
    "MENTORA_HEALTH_CONTROL_URLS": '["file:///etc/passwd"]',
    "OPENAI_BASE_URL": "https://ada:hunter10@api",
    "MENTORA_EMBEDDING_DIMENSIONS": "4096",
    "MENTORA_EMBEDDING_TOKENS_PER_MINUTE": "0",
    "MENTORA_TRANSCRIPTION_URL": "gpu.example",
    "MENTORA_TRANSCRIPTION_TIMEOUT_S": "nan",
    "ANTHROPIC_BASE_URL": "ftp://api",
    "MENTORA_QUIZ_REQUESTS_PER_MINUTE": "-1",
}


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any setting of ours."""
    for settings in ALL_SETTINGS:
        for field in settings.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_empty_environment_is_complete(clean: pytest.MonkeyPatch) -> None:
    """Else a newcomer must write settings before anything runs."""
    clean.delenv("DAGSTER_HOME", raising=False)
    check_settings()


def test_an_empty_value_is_no_value(clean: pytest.MonkeyPatch) -> None:
    """Else `MENTORA_LANGUAGE=` in a compose file stops the platform."""
    for name in WRONG:
        clean.setenv(name, "")
    check_settings()
    assert TranscriberSettings().language is None
    assert StorageSettings().folder is None


def test_every_fault_is_named_at_once_and_no_value_is(
    clean: pytest.MonkeyPatch,
) -> None:
    """Else an operator mends one fault a deployment, or a password is in the log."""
    for name, value in WRONG.items():
        clean.setenv(name, value)
    with pytest.raises(SettingsError) as wrong:
        check_settings()
    told = str(wrong.value)
    assert [name for name in WRONG if f"{name}: " not in told] == []
    assert "hunter" not in told
    assert wrong.value.__cause__ is None
    assert wrong.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_ADMIN_URL", "postgresql://ada:hu%nter2@db/mentora"),
        ("DAGSTER_POSTGRES_URL", "postgresql://ada:hunter/2@db/mentora"),
        ("DAGSTER_POSTGRES_URL", "postgresql://ada:x@hunter2@db/mentora"),
        ("REDIS_URL", "redis://:hunter/2@cache"),
    ],
)
def test_a_password_that_is_not_encoded_is_refused_at_once(
    name: str, url: str, clean: pytest.MonkeyPatch
) -> None:
    """Else whoever connects says half of it, in an error that is kept and shown."""
    clean.setenv(name, url)
    with pytest.raises(SettingsError, match="percent-encoded") as wrong:
        check_settings()
    assert "hunter" not in str(wrong.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_ADMIN_URL"])
def test_one_database_url_without_the_other_is_a_fault(
    clean: pytest.MonkeyPatch, name: str
) -> None:
    """Else lessons are written to one database and looked up in another."""
    clean.setenv(name, "postgresql://ada:hunter2@db/mentora")
    with pytest.raises(SettingsError, match="set both DATABASE_URL") as wrong:
        check_settings()
    assert "hunter" not in str(wrong.value)


def test_a_hosted_service_is_taken_as_it_is_named(clean: pytest.MonkeyPatch) -> None:
    """Else a fleet runs on embedded servers without anybody noticing."""
    clean.setenv("DATABASE_URL", "postgresql://app:hunter2@db/mentora")
    clean.setenv("DATABASE_ADMIN_URL", "postgres://admin:hunter3@db/mentora")
    clean.setenv("REDIS_URL", "rediss://:hunter4@cache")
    hosted, caches = database_urls(), redis_urls()
    assert hosted.app == "postgresql://app:hunter2@db/mentora"
    assert hosted.admin == "postgres://admin:hunter3@db/mentora"
    assert caches.cache == caches.coordination == "rediss://:hunter4@cache"
    assert not hosted.embedded
    assert not caches.embedded
    assert "hunter" not in repr((hosted, caches))


def test_the_key_of_whop_is_not_sent_in_the_clear(clean: pytest.MonkeyPatch) -> None:
    """Else whoever listens on the way may read every member."""
    clean.setenv("WHOP_API_KEY", "hunter2")
    assert WhopSettings().base_url == "https://api.whop.com/api/v1"
    assert "hunter" not in repr(WhopSettings())
    clean.setenv("WHOP_BASE_URL", "http://127.0.0.1:8080/api/")
    assert WhopSettings().base_url == "http://127.0.0.1:8080/api"
    clean.setenv("WHOP_BASE_URL", "http://whop.example/api")
    with pytest.raises(SettingsError, match="WHOP_BASE_URL: must be https"):
        WhopSettings()


def test_a_storage_url_names_a_folder(clean: pytest.MonkeyPatch) -> None:
    """Else uploads are looked for in a folder with `%20` in its name."""
    clean.setenv("MENTORA_STORAGE_URL", "file:///srv/my%20lessons")
    assert StorageSettings().folder == Path("/srv/my lessons")


def test_limits_are_read_from_the_environment(clean: pytest.MonkeyPatch) -> None:
    """Else an operator's limit is ignored, and one upload takes the machine."""
    clean.setenv("MENTORA_MAX_UPLOAD_BYTES", "1000")
    clean.setenv("MENTORA_MAX_DURATION_S", "60.5")
    limits = MediaSettings()
    assert (limits.max_bytes, limits.max_duration_s) == (1000, 60.5)


def test_the_home_is_the_nearest_folder_with_a_dagster_yaml(
    clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a command run in a sub-folder starts a second, empty platform."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "dagster.yaml").touch()
    clean.delenv("DAGSTER_HOME", raising=False)
    clean.chdir(tmp_path / "a" / "b")
    assert HomeSettings().home == tmp_path
    assert HomeSettings().state_folder == tmp_path / ".mentora"
    clean.setenv("DAGSTER_HOME", str(tmp_path / "a"))
    with pytest.raises(SettingsError, match=r"no dagster\.yaml"):
        _ = HomeSettings().home
    (tmp_path / "a" / "dagster.yaml").touch()
    assert HomeSettings().home == tmp_path / "a"


def test_without_a_home_the_message_says_where_to_go(
    clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a command in the wrong folder ends in a riddle."""
    clean.delenv("DAGSTER_HOME", raising=False)
    clean.chdir(tmp_path)
    with pytest.raises(SettingsError, match="set DAGSTER_HOME"):
        _ = HomeSettings().home


def test_nothing_is_read_at_import() -> None:
    """Else a wrong variable breaks the code server, and no check can tell which."""
    subprocess.run(
        [sys.executable, "-c", "import mentora_pipelines.definitions"],
        cwd=PROJECT,
        env={**WRONG, "DAGSTER_DISABLE_TELEMETRY": "1"},
        check=True,
    )


@pytest.mark.parametrize(
    ("url", "host", "port", "implicit_tls", "starttls", "user"),
    [
        ("smtp://mail.example", "mail.example", 587, False, True, None),
        ("smtp://mail.example:25?starttls=no", "mail.example", 25, False, False, None),
        (
            "smtp://ada%40x:a%2Fb@mail.example",
            "mail.example",
            587,
            False,
            True,
            "ada@x",
        ),
        ("smtp://localhost:1025", "localhost", 1025, False, False, None),
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, False, False, None),
        ("smtp://localhost?starttls=yes", "localhost", 587, False, True, None),
        ("smtps://[::1]", "::1", 465, True, False, None),
    ],
)
def test_a_mail_server_is_spoken_to_over_tls_unless_it_is_this_machine(
    clean: pytest.MonkeyPatch,
    url: str,
    host: str,
    port: int,
    implicit_tls: bool,
    starttls: bool,
    user: str | None,
) -> None:
    """Else passwords and mail cross the network in the clear."""
    clean.setenv("MENTORA_SMTP_URL", url)
    clean.setenv("MENTORA_MAIL_FROM", "Mentora Ltd. <mentora@tests.example>")
    server = MailSettings().server
    assert server is not None
    assert (server.host, server.port, server.user) == (host, port, user)
    assert (server.implicit_tls, server.starttls) == (implicit_tls, starttls)
    assert "a/b" not in repr(server)
    if user is not None:
        assert server.password is not None
        assert server.password.get_secret_value() == "a/b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MENTORA_SMTP_URL", "smtp://"),
        ("MENTORA_SMTP_URL", "smtp://ada@mail.example"),
        ("MENTORA_SMTP_URL", "smtp://:hunter2@mail.example"),
        ("MENTORA_SMTP_URL", "smtp://ada:hunter2@mail.example:123456"),
        ("MENTORA_SMTP_URL", "smtp://ada:hunter2@mail.example?tls=no"),
        ("MENTORA_SMTP_URL", "smtps://ada:hunter2@mail.example?starttls=no"),
        ("MENTORA_SMTP_URL", "smtp://ada:hunter2%C3%A9@mail.example"),
        ("MENTORA_MAIL_FROM", "Mentora"),
        ("MENTORA_MAIL_FROM", "Mentora <@tests.example>"),
        ("MENTORA_MAIL_FROM", "Mentora\nBcc: <eve@tests.example>"),
        ("MENTORA_MAIL_FROM", ""),
        ("MENTORA_APP_URL", "app.tests.example"),
        ("MENTORA_APP_URL", "https://ada:hunter2@app.tests.example"),
        ("MENTORA_APP_URL", "https://app.tests.example/?a=b"),
    ],
)
def test_wrong_settings_of_mail_are_told_without_their_values(
    clean: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Else the first mail of a deployment fails, or a password is in the log."""
    clean.setenv("MENTORA_SMTP_URL", "smtp://mail.example")
    clean.setenv("MENTORA_MAIL_FROM", "mentora@tests.example")
    MailSettings()
    clean.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as wrong:
        MailSettings()
    assert "hunter2" not in str(wrong.value)
    assert "eve" not in str(wrong.value)


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://mentora", "mentora", ""),
        ("s3://mentora/", "mentora", ""),
        ("s3://mentora.eu-1/staging/lessons/", "mentora.eu-1", "staging/lessons/"),
    ],
)
def test_a_bucket_is_named_by_its_url(
    clean: pytest.MonkeyPatch, url: str, bucket: str, prefix: str
) -> None:
    """Else staging writes over production, or a bucket is taken for a folder."""
    clean.setenv("MENTORA_STORAGE_URL", url)
    settings = StorageSettings()
    assert settings.is_bucket
    assert (settings.bucket, settings.prefix) == (bucket, prefix)
    assert settings.folder is None


@pytest.mark.parametrize(
    "url",
    [
        "s3://", "s3://a", "s3://UPPER", "s3://key:secret@bucket", "s3://bucket//a",
        "s3://bucket/../a", "s3://bucket/.a", "s3://bucket/a?b", "s3://bucket/a%2Fb",
        "https://bucket", "file://folder",
    ],
)  # fmt: skip
def test_a_url_that_names_no_bucket_is_refused(
    clean: pytest.MonkeyPatch, url: str
) -> None:
    """Else the first lesson finds the typing error."""
    clean.setenv("MENTORA_STORAGE_URL", url)
    with pytest.raises(SettingsError, match="MENTORA_STORAGE_URL"):
        StorageSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("MENTORA_STORAGE_KMS_KEY_ID", "key"),
    ],
)
def test_settings_of_a_bucket_that_lack_a_part_are_refused(
    clean: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Else lessons lie unencrypted, or nobody knows why access is refused."""
    clean.setenv("MENTORA_STORAGE_URL", "s3://bucket")
    clean.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        StorageSettings()


def test_a_queue_needs_a_bucket_and_a_folder_needs_no_keys(
    clean: pytest.MonkeyPatch,
) -> None:
    """Else a queue is never read, or another tool's setting stops ours."""
    clean.setenv("AWS_ACCESS_KEY_ID", "of another tool")
    assert not StorageSettings().is_bucket
    clean.setenv("MENTORA_UPLOADS_QUEUE_URL", "https://sqs.example/queue")
    with pytest.raises(SettingsError, match="MENTORA_UPLOADS_QUEUE_URL"):
        StorageSettings()


def test_the_address_of_one_service_goes_before_that_of_all(
    clean: pytest.MonkeyPatch,
) -> None:
    """Else a bucket at R2 is asked for a queue that Amazon has."""
    clean.setenv("AWS_ENDPOINT_URL", "https://all.example")
    clean.setenv("AWS_ENDPOINT_URL_S3", "https://id.r2.cloudflarestorage.com")
    settings = StorageSettings()
    assert settings.endpoint_host == "id.r2.cloudflarestorage.com"
    assert settings.endpoint_of("sqs") == "https://all.example"
