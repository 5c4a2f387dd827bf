"""Signed links: who has one may upload or download one object for a while.

Here belong forms, links and their conditions. Not here: who may have one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, unquote, urlsplit

from mentora_pipelines.adapters.s3_storage.connection import Bucket, translated
from mentora_pipelines.domain.storage import (
    LINK_LIFETIME_S,
    SignedUpload,
    cache_control_of,
    checked_key,
    content_type_of,
)
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.errors import InvalidInput

MAX_AT_ONCE_BYTES = 5 << 30
"""S3 and R2 take no more in one request."""

MAX_LIFETIME_S = 7 * 24 * 3600
"""S3's limit on the life of a signature."""


class S3Links:
    """Satisfies `LinkSigner` and `LinkRenewer`; signing asks the bucket nothing.

    R2 knows no forms: there an upload is a PUT whose length and type are signed.
    """

    def __init__(self, bucket: Bucket, max_upload_bytes: int) -> None:
        self._client = bucket.client
        self._place = bucket.place
        self._max_bytes = max_upload_bytes

    def sign_upload(
        self, key: str, *, size: int, lifetime_s: int = LINK_LIFETIME_S
    ) -> SignedUpload:
        """Lets a browser upload `size` bytes under an upload's key, and nothing else.

        Raises `InvalidInput` for another kind of key, size or lifetime.
        """
        parse_upload_key(key)
        if not 0 < size <= self._max_bytes:
            raise InvalidInput(f"an upload has 1 to {self._max_bytes} bytes")
        if size > MAX_AT_ONCE_BYTES:
            raise InvalidInput(
                f"a browser sends a file at once, at most {MAX_AT_ONCE_BYTES} bytes "
                "(5 GiB): `mentora upload` sends a larger one in parts"
            )
        fields = {
            "Content-Type": content_type_of(key),
            "Cache-Control": cache_control_of(key),
        }
        place = {"Bucket": self._place.bucket, "Key": self._place.prefix + key}
        until = _until(lifetime_s)
        if self._place.is_r2:
            with translated("signing"):
                url = self._client.generate_presigned_url(
                    "put_object",
                    {
                        **place,
                        "ContentType": fields["Content-Type"],
                        "CacheControl": fields["Cache-Control"],
                        "ContentLength": size,
                    },
                    ExpiresIn=lifetime_s,
                )
            return SignedUpload("PUT", url, fields, until)
        encryption = self._place.encryption
        if encryption:
            name = "x-amz-server-side-encryption"
            fields[name] = encryption["ServerSideEncryption"]
            if "SSEKMSKeyId" in encryption:
                fields[f"{name}-aws-kms-key-id"] = encryption["SSEKMSKeyId"]
        with translated("signing"):
            form = self._client.generate_presigned_post(
                **place,
                Fields=fields,
                Conditions=[
                    *({name: value} for name, value in fields.items()),
                    ["content-length-range", size, size],
                ],
                ExpiresIn=lifetime_s,
            )
        return SignedUpload("POST", form["url"], form["fields"], until)

    def sign_download(
        self,
        key: str,
        *,
        lifetime_s: int = LINK_LIFETIME_S,
        file_name: str | None = None,
    ) -> str:
        """A link to the object; with a `file_name` a browser saves it under that."""
        asked = {
            "Bucket": self._place.bucket,
            "Key": self._place.prefix + checked_key(key),
        }
        if file_name is not None:
            name = quote(file_name, safe="")
            asked["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{name}"
        _until(lifetime_s)
        with translated("signing"):
            return str(
                self._client.generate_presigned_url(
                    "get_object", asked, ExpiresIn=lifetime_s
                )
            )

    def renewed(self, url: str, owns: Callable[[str], bool]) -> str | None:
        """A fresh link to what a signed link of this bucket leads to, else None.

        None unless who asks `owns` the key: the signature of a link that has ended
        proves nothing.
        """
        parts = urlsplit(url)
        ours = urlsplit(self.sign_download("x"))
        folder = ours.path.removesuffix("x")
        if (
            (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc)
            or not parts.path.startswith(folder)
            or "X-Amz-Signature" not in parse_qs(parts.query)
        ):
            return None
        key = unquote(parts.path.removeprefix(folder))
        try:
            return self.sign_download(key) if owns(key) else None
        except InvalidInput:
            return None


def _until(lifetime_s: int) -> datetime:
    if not 0 < lifetime_s <= MAX_LIFETIME_S:
        raise InvalidInput(f"a link lives 1 to {MAX_LIFETIME_S} seconds")
    return datetime.now(UTC) + timedelta(seconds=lifetime_s)
