"""The whole project with its objects in a bucket: the demo, and `mentora storage`."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.local_stack import stop_local_stack
from tests.fix_commands import Answer, Mentora
from tests.fix_lessons import SAMPLES
from tests.fix_object_stores import S3Server
from tests.fix_services import make_home

LESSON = "binary-search"
KEY = f"uploads/2026-01-01/ada@mentora.example/{LESSON}.mp4"


class BucketHome:
    """A home whose objects lie in a bucket, in which the demo has run."""

    def __init__(self, folder: Path, server: S3Server, prefix: str) -> None:
        self.mentora = Mentora(make_home(folder))
        self.storage: S3Storage = server.storage(prefix)
        # A quiz touches no object, and costs another run.
        self._variables = {
            **server.variables(prefix),
            "MENTORA_AUTO_GENERATE_QUIZ": "false",
        }
        (folder / "samples").mkdir()
        for suffix in ("mp4", "txt"):
            shutil.copy(SAMPLES / f"{LESSON}.{suffix}", folder / "samples")
        self.demo = self("demo")

    def __call__(self, *words: object, **variables: str) -> Answer:
        """Run the command to its end."""
        return self.mentora(*words, **{**self._variables, **variables})


@pytest.fixture(scope="module")
def bucket_home(
    home: Path, seaweed: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BucketHome]:
    """One for this module."""
    assert home.is_dir(), "it has cleared the developer's own settings"
    made = BucketHome(tmp_path_factory.mktemp("bucket home"), seaweed, "demo/here")
    yield made
    stop_local_stack(made.mentora.home / ".mentora")


def test_the_demo_runs_with_its_objects_in_a_bucket(bucket_home: BucketHome) -> None:
    """Else a lesson works on this machine's disk, and nowhere else."""
    demo = bucket_home.demo
    assert demo.code == 0, demo.progress
    assert "completed" in demo.output
    assert "Traceback" not in demo.progress
    stored = {at.key.split("/")[0] for at in bucket_home.storage.list("", limit=100)}
    assert stored == {"uploads", "audio", "captions"}
    assert bucket_home.storage.stat(KEY) is not None
    # Nothing has gone to the disk.
    assert not (bucket_home.mentora.home / ".mentora" / "storage").exists()


def test_the_doctor_says_which_bucket(bucket_home: BucketHome) -> None:
    """Else an operator learns of a wrong bucket from a lost lesson."""
    probes = bucket_home("doctor", "--json").json["probes"]
    (found,) = (probe for probe in probes if probe["name"] == "storage")
    assert found["healthy"] is True
    assert found["detail"].startswith(bucket_home.storage.address)
    assert found["detail"].endswith("has uploads")


def test_links_of_the_command_work_in_a_browser(bucket_home: BucketHome) -> None:
    """Else support cannot look at a lesson, or a page cannot offer an upload."""
    link = bucket_home("storage", "link", KEY).output.strip()
    video = (SAMPLES / f"{LESSON}.mp4").read_bytes()
    assert httpx.get(link).content == video
    form = bucket_home(
        "storage", "upload-form", "new.mp4", "--creator", "ada@x.org", "--size", "3"
    ).json
    with_file = {"data": form["fields"], "files": {"file": ("new.mp4", b"abc")}}
    assert httpx.post(form["url"], **with_file).status_code == 204
    stored = bucket_home.storage.stat(form["key"])
    assert stored is not None
    assert stored.size == 3
    bucket_home.storage.delete(form["key"])


def test_orphans_are_counted_and_kept_until_somebody_says_delete(
    bucket_home: BucketHome,
) -> None:
    """Else looking at what could go lets it go."""
    before = bucket_home.storage.list("", limit=100)
    found = bucket_home("storage", "orphans", "--json").json
    assert found["fault"] is None
    assert found["orphans"]["audio_objects"] == 1
    assert found["orphans"]["audio_orphans"] == 0
    assert found["vectors"]["stored"] > 0
    assert found["vectors"]["unused"] == found["vectors"]["deleted"] == 0
    answer = bucket_home("storage", "orphans", "--delete")
    assert answer.code == 0
    assert "0 deleted" in answer.progress
    assert "0 vectors deleted" in answer.progress
    assert bucket_home.storage.list("", limit=100) == before
    assert bucket_home("storage", "orphans", "--past-guard").code == 2


def test_a_folder_signs_no_links_and_says_so(mentora: Mentora) -> None:
    """Else a person waits for a link that never comes."""
    answer = mentora("storage", "link", KEY)
    assert answer.code == 2
    assert "MENTORA_STORAGE_URL" in answer.progress
    assert json.loads(mentora("storage", "orphans", "--json").output)["orphans"]


def test_wrong_bucket_settings_are_named_without_a_secret(
    mentora: Mentora, new_prefix: Callable[[], str]
) -> None:
    """Else a typing error is found by the first lesson, or a log holds a key."""
    assert new_prefix()
    answer = mentora(
        "status",
        MENTORA_STORAGE_URL="s3://bucket/../other",
        AWS_ACCESS_KEY_ID="AKIAHUNTER2",
        MENTORA_UPLOADS_QUEUE_URL="sqs:queue",
        MENTORA_STORAGE_ENCRYPTION="rot13",
    )
    assert answer.code == 2
    for name in (
        "MENTORA_STORAGE_URL",
        "MENTORA_UPLOADS_QUEUE_URL",
        "MENTORA_STORAGE_ENCRYPTION",
    ):
        assert name in answer.progress
    assert "HUNTER2" not in answer.progress
