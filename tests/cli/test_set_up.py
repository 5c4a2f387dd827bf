"""Settings, `doctor` and `migrate`: what a person meets before the first lesson."""

import pytest

from tests.fix_commands import Mentora

PASSWORD = "hunter2"  # noqa: S105  (it must not be printed)

FAULTS = {
    "DATABASE_URL": f"postgresql://ada:{PASSWORD}@db/mentora",
    "MENTORA_EMBEDDER": f"foo-{PASSWORD}",
    "MENTORA_MAX_UPLOAD_BYTES": "0",
    "MENTORA_STORAGE_URL": f"s3://key:{PASSWORD}@bucket",
    "REDIS_URL": f"http://:{PASSWORD}@cache",
}


def test_every_wrong_setting_is_named_at_once_and_no_secret_is_printed(
    mentora: Mentora,
) -> None:
    """Else setting up takes a try per fault, or a log holds a password."""
    answer = mentora("status", "--json", **FAULTS)
    assert (answer.code, answer.output) == (2, "")
    for name in FAULTS:
        assert name in answer.progress
    assert "DATABASE_ADMIN_URL" in answer.progress
    assert PASSWORD not in answer.progress
    assert "Traceback" not in answer.progress


def test_a_folder_without_a_project_is_said_to_be_none(mentora: Mentora) -> None:
    """Else the command makes a new, empty database wherever it is called."""
    answer = mentora("status", DAGSTER_HOME="")
    assert answer.code == 0, "the folder above holds a dagster.yaml"
    lost = Mentora(mentora.home, folder=mentora.home.parent)("status", DAGSTER_HOME="")
    assert lost.code == 2
    assert "there is no dagster.yaml" in lost.progress


def test_doctor_names_each_part_and_its_health(mentora: Mentora) -> None:
    """Else an operator learns of a missing part from a failed lesson."""
    answer = mentora("doctor", "--json")
    assert answer.code == 0, answer.progress
    assert answer.json["healthy"] is True
    probes = {probe["name"]: probe for probe in answer.json["probes"]}
    assert set(probes) >= {
        "database, app role", "database, admin role", "database schema",
        "dagster storage", "cache", "storage", "transcriber", "embedder",
    }  # fmt: skip
    for probe in probes.values():
        assert list(probe) == ["name", "healthy", "latency_ms", "detail"]
        assert probe["healthy"] is True
    assert "pgvector" in probes["database, app role"]["detail"]
    # Nothing is wrong without them, and nobody would know that there are some to name.
    assert "no MENTORA_HEALTH_CONTROL_URLS" in probes["health controls"]["detail"]


def test_doctor_fails_when_a_part_is_away_and_tells_no_password(
    mentora: Mentora,
) -> None:
    """Else a deployment goes on with a dead service, or logs its password."""
    answer = mentora("doctor", REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:1/0")
    assert answer.code == 1
    assert "FAILED" in answer.output
    assert PASSWORD not in answer.output + answer.progress


def test_a_migration_that_is_done_says_so(mentora: Mentora) -> None:
    """Else a deployment cannot tell whether the schema fits its code."""
    answer = mentora("migrate", "--json")
    assert answer.code == 0, answer.progress
    assert answer.json["before"] == answer.json["after"]
    assert answer.json["after"].startswith("0")
    assert "nothing to do" in mentora("migrate").output


@pytest.mark.parametrize("words", [[], ["--help"], ["quiz"], ["nonsense"]])
def test_help_comes_without_a_stack_trace(mentora: Mentora, words: list[str]) -> None:
    """Else a newcomer's first call looks like a crash."""
    answer = mentora(*words)
    assert answer.code == (0 if words == ["--help"] else 2)
    assert "Usage: mentora" in answer.output + answer.progress
    assert "Traceback" not in answer.progress
