"""Links that let a browser upload or download one object, against real signatures."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from mentora_pipelines.adapters.s3_storage.connection import Bucket
from mentora_pipelines.adapters.s3_storage.links import MAX_AT_ONCE_BYTES, S3Links
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.domain.storage import SignedUpload
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.errors import InvalidInput
from tests.fix_object_stores import S3Server

KEY = "uploads/2026-11-23/ada@x.org/lesson one+%2F.mp4"
OF_BOB = "uploads/2026-11-23/bob@x.org/lesson.mp4"
VIDEO = b"video"
MAX_BYTES = 1000

Store = tuple[S3Storage, S3Links, S3Links]


@pytest.fixture
def store(seaweed: S3Server, new_prefix: Callable[[], str]) -> Store:
    """A storage with what signs its links, as for S3 and as for R2."""
    bucket = seaweed.bucket(new_prefix())
    r2 = Bucket(replace(bucket.place, is_r2=True), bucket.client, bucket.retry_s)
    return S3Storage(bucket), S3Links(bucket, MAX_BYTES), S3Links(r2, MAX_BYTES)


def send(
    form: SignedUpload, content: bytes, changed: Mapping[str, str] | None = None
) -> int:
    """What the store answers to a browser that uploads."""
    fields = {**form.fields, **(changed or {})}
    if form.method == "PUT":
        return httpx.put(form.url, content=content, headers=fields).status_code
    return httpx.post(
        form.url, data=fields, files={"file": ("lesson.mp4", content)}
    ).status_code


def test_a_form_uploads_the_one_file_it_was_made_for(store: Store) -> None:
    """Else a browser cannot upload, or uploads whatever it likes."""
    storage, links, _ = store
    form = links.sign_upload(KEY, size=len(VIDEO))
    for refused in (
        send(form, VIDEO + b"!"),
        send(form, VIDEO[1:]),
        send(form, VIDEO, {"Content-Type": "text/html"}),
        send(form, VIDEO, {"key": form.fields["key"].replace("ada", "bob")}),
        send(form, VIDEO, {"x-amz-signature": "0" * 64}),
        send(form, VIDEO, {"Cache-Control": "public"}),
    ):
        assert 400 <= refused < 500
    assert storage.list("", limit=9) == []
    assert send(form, VIDEO) == 204
    (stored,) = storage.list("", limit=9)
    assert (stored.key, stored.size) == (KEY, len(VIDEO))


def test_where_forms_are_unknown_the_request_itself_is_signed(store: Store) -> None:
    """Else nobody uploads to R2, or uploads any number of bytes."""
    storage, _, links = store
    form = links.sign_upload(KEY, size=len(VIDEO))
    assert form.method == "PUT"
    assert send(form, VIDEO + b"!") == 403
    assert send(form, VIDEO, {"Content-Type": "text/html"}) == 403
    moved = replace(form, url=form.url.replace("ada", "bob"))
    assert send(moved, VIDEO) == 403
    assert storage.list("", limit=9) == []
    assert send(form, VIDEO) == 200
    assert [found.key for found in storage.list("", limit=9)] == [KEY]


def test_a_link_has_an_end_and_can_be_renewed(store: Store) -> None:
    """Else a link that was passed on opens a lesson for ever.

    Or a lesson whose link has ended is reported as broken to its creator.
    """
    storage, links, r2 = store
    assert send(links.sign_upload(KEY, size=len(VIDEO)), VIDEO) == 204
    before = storage.list("", limit=9)
    uploads = [
        signer.sign_upload(OF_BOB, size=len(VIDEO), lifetime_s=1)
        for signer in (links, r2)
    ]
    old = links.sign_download(KEY, lifetime_s=1)
    time.sleep(2.1)
    assert [send(upload, VIDEO) for upload in uploads] == [403, 403]
    assert httpx.get(old).status_code == 403
    assert storage.list("", limit=9) == before
    fresh = links.renewed(old, KEY.__eq__)
    assert fresh is not None
    assert httpx.get(fresh).content == VIDEO


def test_a_link_opens_one_object_and_cannot_be_bent(store: Store) -> None:
    """Else a student reads every lesson with the link to one."""
    storage, links, _ = store
    for key in (KEY, OF_BOB):
        with_content = send(links.sign_upload(key, size=len(VIDEO)), VIDEO)
        assert with_content == 204
    link = links.sign_download(KEY, file_name='lektion "ä".mp4')
    found = httpx.get(link)
    assert (found.status_code, found.content) == (200, VIDEO)
    assert found.headers["content-type"] == "video/mp4"
    assert (
        "filename*=UTF-8''lektion%20%22%C3%A4%22.mp4"
        in (found.headers["content-disposition"])
    )
    assert httpx.get(link, headers={"Range": "bytes=1-2"}).content == VIDEO[1:3]
    assert storage.stat(KEY) is not None
    parts = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    longer = parts._replace(query=urlencode({**query, "X-Amz-Expires": "604800"}))
    own = urlsplit(links.sign_download(OF_BOB))
    other = parts._replace(path=own.path)
    for bent in (longer, other, parts._replace(query="")):
        assert httpx.get(bent.geturl()).status_code == 403
    assert httpx.delete(link).status_code == 403


@pytest.mark.parametrize("size", [0, -1, MAX_BYTES + 1])
def test_a_size_that_is_not_allowed_is_not_signed(store: Store, size: int) -> None:
    """Else the limit of an upload is found out after it was paid for."""
    with pytest.raises(InvalidInput):
        store[1].sign_upload(KEY, size=size)


def test_a_file_too_large_for_one_request_is_refused_with_another_way(
    seaweed: S3Server,
) -> None:
    """Else a creator uploads for hours what the store refuses at its end."""
    links = S3Links(seaweed.bucket("here"), 2 * MAX_AT_ONCE_BYTES)
    assert links.sign_upload(KEY, size=MAX_AT_ONCE_BYTES)
    with pytest.raises(InvalidInput, match="mentora upload"):
        links.sign_upload(KEY, size=MAX_AT_ONCE_BYTES + 1)


@pytest.mark.parametrize(
    "key",
    [
        "audio/a.flac", "uploads/a.mp4", "uploads/2026-11-23/ada@x.org/../bob@x.org/a",
        "uploads/2026-11-23/ada@x.org//a.mp4", "uploads/2026-11-23/ada/a.mp4", "",
    ],
)  # fmt: skip
def test_only_an_uploads_key_is_signed_for_an_upload(store: Store, key: str) -> None:
    """Else a browser overwrites captions, or another creator's lesson."""
    for links in store[1:]:
        with pytest.raises(InvalidInput):
            links.sign_upload(key, size=1)


@pytest.mark.parametrize("lifetime_s", [0, -5, 8 * 24 * 3600])
def test_a_lifetime_that_cannot_be_is_refused(store: Store, lifetime_s: int) -> None:
    """Else the store refuses the link when somebody uses it."""
    with pytest.raises(InvalidInput):
        store[1].sign_download(KEY, lifetime_s=lifetime_s)
    with pytest.raises(InvalidInput):
        store[1].sign_upload(KEY, size=1, lifetime_s=lifetime_s)


def test_no_link_of_others_is_renewed(store: Store) -> None:
    """Else we sign whatever a stranger writes into a lesson's address."""
    _, links, _ = store

    def owns(key: str) -> bool:
        return parse_upload_key(key).creator == "ada@x.org"

    ours = urlsplit(links.sign_download(KEY))
    assert links.renewed(ours.geturl(), owns) is not None
    up = ours.path.replace("ada%40x.org", "..")
    assert links.renewed(ours._replace(path=up).geturl(), lambda _: True) is None
    for foreign in (
        "https://example.com/lesson.mp4",
        ours._replace(netloc="127.0.0.1:1").geturl(),
        ours._replace(query="").geturl(),
        ours._replace(path="/another-bucket/lesson.mp4").geturl(),
        ours._replace(path=urlsplit(links.sign_download(OF_BOB)).path).geturl(),
    ):
        assert links.renewed(foreign, owns) is None
