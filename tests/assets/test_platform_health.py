"""A look at the whole platform: kept, told once, shown."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import dagster as dg
import psycopg
import pytest

from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.operations.platform_health import (
    HealthRule,
    Reading,
    judge,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.probes import PROBES, probe
from mentora_pipelines.providers.mail import make_mail_renderer, open_email_outbox
from mentora_pipelines.providers.platform_health import open_platform_ledger
from mentora_pipelines.services import DatabaseUrls
from tests.fix_commands import Mentora
from tests.fix_runs import Connection

COUNTED = {
    "waiting uploads", "oldest waiting upload", "dead letters", "budget", "queued runs",
}  # fmt: skip


AGE = """
with aged as (
    update events set created_at = now() - interval '3 hours'
    where payload ->> 'videoId' = %(id)s::text
)
update videos set created_at = now() - interval '4 hours' where id = %(id)s
"""

SPEND = """
with budget as (insert into budgets (creator_id, limit_usd) values (%(id)s, 10))
insert into ai_usage (
    id, creator_id, provider, model, operation, unit, cost_usd, price_version, status,
    settled_at)
values (gen_random_uuid(), %(id)s, 'p', 'm', 'o', 'tokens', 9.5, '1', 'settled', now())
"""

HEAR = """
with budget as (insert into budgets (creator_id, limit_minutes) values (%(id)s, 10))
insert into ai_usage (
    id, creator_id, provider, model, operation, unit, input_units, cost_usd,
    price_version, status, settled_at)
values (
    gen_random_uuid(), %(id)s, 'p', 'm', 'transcription', 'seconds', 570, 0, '1',
    'settled', now())
"""


class OnePart:
    """Satisfies `PlatformProbes`: the cache, as well as it is told to be."""

    def __init__(self, *, healthy: bool) -> None:
        self._healthy = healthy

    def readings(self) -> list[Reading]:
        """One answer."""
        return [Reading("cache", "says PONG", healthy=self._healthy, latency_ms=1.0)]


@pytest.fixture(autouse=True)
def _what_others_left_counts_for_nothing(
    admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other tests spend what they may, and leave uploads and dead events."""
    admin.execute("delete from budgets")
    for limit in ("WAITING_UPLOADS", "OLDEST_UPLOAD_MINUTES", "DEAD_LETTERS"):
        monkeypatch.setenv(f"MENTORA_ALERT_{limit}", "1000000")


@pytest.fixture
def look(
    instance: dg.DagsterInstance, admin: Connection
) -> Iterator[Callable[..., dg.ExecuteInProcessResult]]:
    """The job, with other probes if so; its history goes at the end."""
    admin.execute("delete from platform_health_checks")

    def run(**resources: object) -> dg.ExecuteInProcessResult:
        wired = dg.Definitions(
            assets=defs.assets,
            asset_checks=defs.asset_checks,
            jobs=defs.jobs,
            executor=defs.executor,
            resources={**(defs.resources or {}), **resources},
        )
        return wired.resolve_job_def("platform_health_job").execute_in_process(
            instance=instance
        )

    yield run
    admin.execute("delete from platform_health_checks")
    admin.execute("delete from email_outbox where template = 'platform-health'")


def shown(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """What the UI shows of a look."""
    (told,) = result.asset_materializations_for_node("platform_health")
    return {name: value.value for name, value in told.metadata.items()}


def test_a_look_asks_what_the_doctor_asks_and_counts_what_waits(
    look: Callable[..., dg.ExecuteInProcessResult], mentora: Mentora
) -> None:
    """Else something fails that nobody watches."""
    result = look()
    assert result.success
    assert "duration_s" in shown(result)
    assert shown(result)["parts"] == len(PROBES) + len(COUNTED)
    with open_platform_ledger() as ledger:
        states = {state.part: state for state in ledger.states()}
    assert set(states) == set(PROBES) | COUNTED
    assert all(states[part].is_well for part in PROBES)
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert (
        'mentora_part_is_well{part="cache"} 1'
        in mentora("status", "--prometheus").output
    )


def test_a_part_that_fails_twice_is_one_mail_to_the_operator(
    look: Callable[..., dg.ExecuteInProcessResult],
    admin: Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else an outage is noticed by creators first, or its mails are not read."""
    monkeypatch.setenv("MENTORA_OPERATOR_EMAIL", "ops@tests.example")
    for healthy in (True, False, False, False):
        result = look(platform_probes=OnePart(healthy=healthy))
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    mails = admin.execute(
        "select recipient, variables, creator_id from email_outbox"
        " where template = 'platform-health'"
    ).fetchall()
    assert mails == [
        (
            "ops@tests.example",
            {"parts": [{"part": "cache", "isWell": False, "detail": "says PONG"}]},
            None,
        )
    ]
    assert capsys.readouterr().err.count('"event": "part is not well"') == 1


def test_the_notice_can_be_read(
    look: Callable[..., dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the mail about an outage is itself a failure."""
    monkeypatch.setenv("MENTORA_OPERATOR_EMAIL", "ops@tests.example")
    monkeypatch.setenv("MENTORA_ALERT_CONFIRMATIONS", "1")
    look(platform_probes=OnePart(healthy=False))
    with open_email_outbox() as outbox:
        envelopes = [
            envelope
            for envelope in outbox.claim(100)
            if envelope.template == "platform-health"
        ]
    (envelope,) = envelopes
    message = make_mail_renderer().render(envelope)
    assert message.subject == "Mentora: cache not well"
    assert "  - cache: says PONG" in message.text
    assert "<strong>cache</strong>: says PONG" in message.html


def test_an_upload_that_waits_too_long_is_seen(
    upload: Callable[[Path], Video], media: Path, admin: Connection
) -> None:
    """Else a stopped daemon is noticed by the creator whose lesson never comes."""
    video = upload(media / "tone.mp4")
    admin.execute(AGE, {"id": video.id})
    rule = HealthRule(10**6, 60.0, 10**6, 1.0, 1, None)
    with open_platform_ledger() as ledger:
        found = {reading.part: reading for reading in ledger.counted(rule)}
    waits = found["oldest waiting upload"]
    assert waits.value == pytest.approx(3 * 60, abs=5)
    assert not judge(waits, None, rule).is_well
    admin.execute("delete from videos where id = %(id)s", {"id": video.id})


@pytest.mark.parametrize("spend", [SPEND, HEAR], ids=["dollars", "minutes"])
def test_a_budget_that_is_nearly_used_up_is_seen(
    spend: str, upload: Callable[[Path], Video], media: Path, admin: Connection
) -> None:
    """Else a creator's lessons stop within the month, and nobody has warned."""
    video = upload(media / "tone.mp4")
    admin.execute(spend.encode(), {"id": video.creator_id})
    rule = HealthRule(10**6, 1e6, 10**6, 0.9, 1, None)
    with open_platform_ledger() as ledger:
        found = {reading.part: reading for reading in ledger.counted(rule)}
    assert found["budget"].value == 1
    assert "95%" in found["budget"].detail
    assert not judge(found["budget"], None, rule).is_well
    admin.execute("delete from creators where id = %(id)s", {"id": video.creator_id})


@pytest.mark.usefixtures("look")  # takes away what it leaves
@pytest.mark.parametrize("part", ["budget", "dead letters"])
def test_each_one_more_is_told(part: str) -> None:
    """Else the first creator of a month, or the first dead letter, hides all others."""
    rule = HealthRule(10**6, 1e6, 0, 0.9, 2, None)
    told = []
    with open_platform_ledger() as ledger:
        found = {reading.part: reading for reading in ledger.counted(rule)}
        for number in (1, 1, 1, 2, 2, 2, 1, 2, 2, 0, 0):
            reading = replace(found[part], value=number)
            (state,) = ledger.record(uuid4(), [reading], rule)
            if state.told:
                told.append((number, state.is_alarmed))
    assert told == [(1, True), (2, True), (2, True), (0, False)]


@pytest.mark.usefixtures("look")
def test_a_part_that_is_no_longer_asked_is_not_away() -> None:
    """Else a service that was given up is an alarm for a month."""
    rule = HealthRule(1, 1.0, 0, 1.0, 1, None)
    away, well = Reading("old", "", healthy=False), Reading("new", "", healthy=True)
    with open_platform_ledger() as ledger:
        ledger.record(uuid4(), [away, well], rule)
        ledger.record(uuid4(), [well], rule)
        assert [state.part for state in ledger.states()] == ["new"]


@pytest.mark.usefixtures("look")
def test_what_was_told_is_remembered_longer_than_the_looks(admin: Connection) -> None:
    """Else a budget that grows after a month of alarm is never told again."""
    rule = HealthRule(1, 1.0, 0, 1.0, 1, None)
    one = Reading("budget", "", value=1, threshold=0, grows=True)
    with open_platform_ledger() as ledger:
        ledger.record(uuid4(), [one], rule)
        admin.execute(
            "update platform_health_checks set checked_at = now() - interval '31 days'"
        )
        ledger.record(uuid4(), [one], rule)
        ledger.forget()
        (more,) = ledger.record(uuid4(), [replace(one, value=2)], rule)
    assert more.told


def test_what_a_part_says_is_told_without_its_secrets() -> None:
    """Else a password is in the operator's mail, and in the UI."""

    def refuse() -> str:
        raise PermanentError("postgresql://ada:hunter2@db refuses")

    for ask in (refuse, lambda: "redis://:hunter2@cache"):
        assert "hunter2" not in probe("a part", ask).detail


def test_no_creator_reads_how_the_platform_is(urls: DatabaseUrls) -> None:
    """Else a creator sees what is away, and how many others wait."""
    with (
        psycopg.connect(urls.app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select from platform_health_checks")
