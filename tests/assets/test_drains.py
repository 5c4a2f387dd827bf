"""The drains as Dagster runs them, and the sensors that ask for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.operations.achievements import unlock_achievements_job
from assets.operations.drains import DRAIN_TAGS
from assets.operations.email_delivery import deliver_email_job
from mentora_pipelines.adapters.postgres.operations.achievements import AchievementRows
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.events.payloads import AchievementUnlocked
from mentora_pipelines.providers.achievements import open_achievements
from mentora_pipelines.providers.mail import make_mailer
from mentora_pipelines.services import mail_folder
from sensors.due_email import due_email
from sensors.unlocked_achievements import unlocked_achievements
from tests.fix_mail import MailServer, Outbox
from tests.ports import free_port

INSERT_EVENT = """
insert into events (id, name, schema_version, deduplication_key, payload)
values (gen_random_uuid(), %s, 1, 'drain', '{}')
"""


@pytest.fixture
def ledger(outbox: Outbox) -> Iterator[AchievementRows]:
    """The ledger, while no event waits."""
    outbox.admin.execute(
        "delete from events where name = %s", [AchievementUnlocked.name]
    )
    with open_achievements() as opened:
        yield opened
    outbox.admin.execute(
        "delete from events where name = %s", [AchievementUnlocked.name]
    )


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Callable[[str], dg.ExecuteInProcessResult]:
    """Run a job as it is wired."""

    def execute(name: str) -> dg.ExecuteInProcessResult:
        job = defs.resolve_job_def(name)
        assert job.tags == DRAIN_TAGS
        return job.execute_in_process(instance=instance, raise_on_error=False)

    return execute


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """The numbers that the one op reported."""
    (output,) = [
        event.step_output_data
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.STEP_OUTPUT
    ]
    return {name: value.value for name, value in output.metadata.items()}


def test_a_run_sends_what_is_due_into_the_folder_when_no_server_is_named(
    outbox: Outbox, run: Callable[[str], dg.ExecuteInProcessResult]
) -> None:
    """Else the default set-up fails every notice."""
    outbox.fail_videos(2)
    before = set(mail_folder().glob("*.eml"))
    result = run("deliver_email_job")
    assert result.success
    assert metadata(result)["messages"] == 2
    written: set[Path] = set(mail_folder().glob("*.eml")) - before
    assert len(written) == 2


def test_a_run_sends_to_the_server_that_is_named(
    outbox: Outbox,
    mail_server: MailServer,
    run: Callable[[str], dg.ExecuteInProcessResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else creators of the hosted platform get no mail."""
    monkeypatch.setenv("MENTORA_SMTP_URL", f"smtp://127.0.0.1:{mail_server.port}")
    monkeypatch.setenv("MENTORA_MAIL_FROM", "Mentora <mentora@tests.example>")
    monkeypatch.setenv("MENTORA_APP_URL", "https://app.tests.example/")
    outbox.fail_videos(5)
    result = run("deliver_email_job")
    assert metadata(result)["mails sent"] == 5
    (stored,) = mail_server.stored
    assert "https://app.tests.example/videos/" in stored.as_string()


def test_a_server_that_is_down_fails_no_run_and_wrong_settings_do(
    outbox: Outbox,
    mail_server: MailServer,
    run: Callable[[str], dg.ExecuteInProcessResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a red run means nothing, or a wrong password shows nowhere."""
    monkeypatch.setenv("MENTORA_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MENTORA_MAIL_FROM", "Mentora <mentora@tests.example>")
    outbox.fail_videos(1)
    result = run("deliver_email_job")
    assert result.success
    assert metadata(result)["later"] == 1
    outbox.wait()
    url = f"smtp://ada:hunter2@127.0.0.1:{mail_server.port}?starttls=yes"
    monkeypatch.setenv("MENTORA_SMTP_URL", url)
    result = run("deliver_email_job")
    assert not result.success
    failure = result.failure_data_for_node("deliver_email")
    assert failure is not None
    assert "STARTTLS" in str(failure)
    assert "hunter2" not in str(failure)
    assert outbox.states() == [("pending", 2, "misconfigured")]


def test_a_run_grants_what_is_due(
    outbox: Outbox,
    ledger: AchievementRows,
    run: Callable[[str], dg.ExecuteInProcessResult],
) -> None:
    """Else achievements wait for ever."""
    outbox.admin.execute(INSERT_EVENT, [AchievementUnlocked.name])
    result = run("unlock_achievements_job")
    assert result.success
    assert metadata(result)["given up"] == 1
    assert not ledger.has_due()


@pytest.mark.parametrize("kind", ["mail", "achievements"])
def test_a_sensor_asks_for_one_run_while_something_is_due(
    kind: str,
    outbox: Outbox,
    ledger: AchievementRows,
    instance: dg.DagsterInstance,
) -> None:
    """Else a full queue starts a run every few seconds, or one batch is the last."""
    sensor, job = {
        "mail": (due_email, deliver_email_job),
        "achievements": (unlocked_achievements, unlock_achievements_job),
    }[kind]

    def look() -> object:
        return sensor(
            dg.build_sensor_context(
                instance=instance,
                resources={
                    ("email_outbox" if kind == "mail" else "achievements"): (
                        outbox.rows if kind == "mail" else ledger
                    )
                },
            )
        )

    assert isinstance(look(), dg.SkipReason)
    outbox.fail_videos(1)
    outbox.admin.execute(INSERT_EVENT, [AchievementUnlocked.name])
    request = look()
    assert isinstance(request, dg.RunRequest)
    assert request.run_key is None, "a key would stop every later batch"
    running = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    try:
        skipped = look()
        assert isinstance(skipped, dg.SkipReason)
        assert "on its way" in str(skipped.skip_message)
        instance.report_run_canceled(running)
        assert isinstance(look(), dg.RunRequest)
    finally:
        instance.delete_run(running.run_id)


def test_the_probe_names_the_folder(home: Path) -> None:
    """Else nobody knows where the mail of a machine without a server lies."""
    assert home.is_dir()
    mailer = make_mailer()
    assert mailer.check() == f"files in {mail_folder()}"
