"""How values look in the cache: JSON that the web application can read.

    {"schema_version": 1, "epochs": ["5f0c…"], "value": …}

Not here: vectors, which are bytes (`embeddings`).
"""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Generic, TypeVar

from pydantic import TypeAdapter
from typing_extensions import TypeForm

from mentora_pipelines.domain.caching.cache import Decoded

T = TypeVar("T")


class JsonCodec(Generic[T]):
    """Satisfies `Codec` for a type that pydantic understands.

    Whoever changes the type raises `schema_version`: what older code has stored is
    then a miss, and so is whatever else is found under the name.
    """

    def __init__(self, shape: TypeForm[T], schema_version: int) -> None:
        self._shape = shape
        self._schema_version = schema_version

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        # Made at first use: it costs a millisecond, which an import should not.
        return TypeAdapter(self._shape)

    def encode(self, value: T, epochs: Sequence[str]) -> bytes:
        """The envelope around the value; raises `ValueError`."""
        return b'{"schema_version":%d,"epochs":%s,"value":%s}' % (
            self._schema_version,
            json.dumps(list(epochs)).encode(),
            self._adapter.dump_json(value, warnings="error"),
        )

    def decode(self, stored: bytes) -> Decoded[T]:
        """The value in its envelope; raises `ValueError`."""
        match json.loads(stored):
            case {"schema_version": self._schema_version, "epochs": [*epochs], **rest}:
                if "value" in rest and all(isinstance(mark, str) for mark in epochs):
                    value = self._adapter.validate_python(rest["value"])
                    return Decoded(value, tuple(epochs))
        raise ValueError("not an envelope of this schema version")
