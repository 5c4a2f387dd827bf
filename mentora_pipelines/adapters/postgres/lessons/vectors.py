"""Many vectors as one parameter of a statement: `vector[]` in its binary form.

psycopg asks for the bytes of a list item by item; here they are one copy of a matrix.
Here belongs the encoding alone. Not here: any statement, or the check of a vector,
which the server makes as it reads them.
"""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

from mentora_pipelines.errors import PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VectorArray:
    """Vectors of one length to be sent at once: shape (vectors, dimensions)."""

    matrix: "NDArray[np.float32]"


class VectorArrayDumper(Dumper):
    """Writes a `VectorArray` as PostgreSQL's `array_recv` and `vector_recv` read it.

    An array is its number of dimensions, whether it holds NULLs, the type of its items,
    and count and lower bound of each dimension; an item is preceded by its bytes. A
    vector is its dimensions and an unused number (both int16), then float4s. Everything
    is big-endian. For a connection without pgvector it raises `PermanentError`.
    """

    format = Format.BINARY

    def __init__(self, cls: type, context: AdaptContext | None = None) -> None:
        """Take the types' numbers from those that the connection knows."""
        super().__init__(cls, context)
        info = context.adapters.types.get("vector") if context else None
        if info is None:
            raise PermanentError("the database has no vectors: is it migrated?")
        self.oid = info.array_oid
        self._item_oid = info.oid

    def dump(self, obj: VectorArray) -> bytes:
        """The bytes of the parameter."""
        import numpy as np

        count, dimensions = obj.matrix.shape
        layout = np.dtype(
            [
                ("bytes", ">i4"),
                ("dimensions", ">i2"),
                ("unused", ">i2"),
                ("numbers", ">f4", (dimensions,)),
            ]
        )
        items = np.zeros(count, layout)
        items["bytes"] = layout.itemsize - 4
        items["dimensions"] = dimensions
        items["numbers"] = obj.matrix
        return struct.pack("!iiIii", 1, 0, self._item_oid, count, 1) + items.tobytes()
