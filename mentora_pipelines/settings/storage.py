"""Object storage: a folder or a bucket, its keys, and its queue of notices."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.urls import web_url


def _storage_url(url: str) -> str:
    if re.fullmatch("file:///.*", url) or re.fullmatch(
        # Names of buckets as Amazon has them; a prefix of plain parts.
        "s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?",
        url,
    ):
        return url
    raise ValueError("must be file:///ABSOLUTE/FOLDER or s3://BUCKET/PREFIX")


class StorageSettings(Settings):
    """Object storage; `.mentora/storage` when unset.

    The names that begin with `AWS_` are those of Amazon's own tools.
    """

    url: Annotated[str, AfterValidator(_storage_url)] | None = Field(
        None, alias="MENTORA_STORAGE_URL"
    )
    endpoint_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="AWS_ENDPOINT_URL"
    )
    s3_endpoint_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="AWS_ENDPOINT_URL_S3"
    )
    sqs_endpoint_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="AWS_ENDPOINT_URL_SQS"
    )
    region: str | None = Field(None, alias="AWS_REGION")
    default_region: str | None = Field(None, alias="AWS_DEFAULT_REGION")
    access_key_id: str | None = Field(None, alias="AWS_ACCESS_KEY_ID")
    secret_access_key: SecretStr | None = Field(None, alias="AWS_SECRET_ACCESS_KEY")
    session_token: SecretStr | None = Field(None, alias="AWS_SESSION_TOKEN")
    encrypt_with: Literal["AES256", "aws:kms"] | None = Field(
        None, alias="MENTORA_STORAGE_ENCRYPTION"
    )
    kms_key_id: str | None = Field(None, alias="MENTORA_STORAGE_KMS_KEY_ID")
    # Of one answer, and of all attempts to get it: less than Dagster gives a sensor.
    timeout_s: float = Field(
        10.0, gt=0, le=60, allow_inf_nan=False, alias="MENTORA_STORAGE_TIMEOUT_S"
    )
    retry_s: float = Field(
        40.0, ge=0, le=600, allow_inf_nan=False, alias="MENTORA_STORAGE_RETRY_S"
    )
    queue_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="MENTORA_UPLOADS_QUEUE_URL"
    )
    orphan_grace_days: int = Field(7, ge=1, alias="MENTORA_ORPHAN_GRACE_DAYS")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        lacks_a_key = (self.access_key_id is None) != (self.secret_access_key is None)
        if self.is_bucket and lacks_a_key:
            raise ValueError(
                "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither"
            )
        if self.kms_key_id is not None and self.encrypt_with != "aws:kms":
            raise ValueError(
                "MENTORA_STORAGE_KMS_KEY_ID needs MENTORA_STORAGE_ENCRYPTION=aws:kms"
            )
        if self.queue_url is not None and not self.is_bucket:
            raise ValueError(
                "MENTORA_UPLOADS_QUEUE_URL needs MENTORA_STORAGE_URL=s3://BUCKET"
            )
        return self

    @property
    def is_bucket(self) -> bool:
        """Whether the URL names a bucket."""
        return self.url is not None and self.url.startswith("s3://")

    @property
    def folder(self) -> Path | None:
        """The folder that the URL names."""
        if self.url is None or self.is_bucket:
            return None
        return Path(unquote(urlsplit(self.url).path))

    @property
    def bucket(self) -> str:
        """The bucket that the URL names; empty without one."""
        return urlsplit(self.url or "").netloc if self.is_bucket else ""

    @property
    def prefix(self) -> str:
        """What stands before every key: empty, or ending in a slash."""
        path = urlsplit(self.url or "").path.strip("/") if self.is_bucket else ""
        return f"{path}/" if path else ""

    @property
    def endpoint_host(self) -> str | None:
        """The host of a store that is not Amazon's."""
        return urlsplit(self.endpoint_of("s3") or "").hostname

    def endpoint_of(self, service: Literal["s3", "sqs"]) -> str | None:
        """The address of a service that is not Amazon's."""
        own = self.s3_endpoint_url if service == "s3" else self.sqs_endpoint_url
        return own or self.endpoint_url

    @property
    def encryption(self) -> dict[str, str]:
        """How a new object is to be encrypted, in the words of the protocol."""
        asked: dict[str, str] = {}
        if self.encrypt_with is not None:
            asked["ServerSideEncryption"] = self.encrypt_with
        if self.kms_key_id is not None:
            asked["SSEKMSKeyId"] = self.kms_key_id
        return asked
