"""Mail as files of a folder, for a machine without a mail server.

Every mail program opens them.
"""

import hashlib
import os
from email.headerregistry import Address
from pathlib import Path

from mentora_pipelines.adapters.mime import to_bytes
from mentora_pipelines.domain.operations.mail_delivery import Message
from mentora_pipelines.errors import MailDeferred, SettingsError

NO_PLACE = "folder"


class EmlFolder:
    """Satisfies `Mailer`: a message is a file named by its Message-ID.

    The same message again is the same file.
    """

    def __init__(self, folder: Path, sender: Address) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, message: Message) -> None:
        """Write the file; whoever looks sees all of it or none."""
        content = to_bytes(message, self._sender)
        name = hashlib.sha256(message.message_id.encode()).hexdigest()[:32]
        if not self._write(f"{name}.eml", content):
            raise MailDeferred(NO_PLACE, is_away=True)

    def check(self) -> str:
        """Where it writes; raises `SettingsError` when it cannot."""
        name = f"{os.urandom(8).hex()}.probe"
        if not self._write(name, b""):
            raise SettingsError("the mail folder cannot be written to")
        (self._folder / name).unlink()
        return f"files in {self._folder}"

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, name: str, content: bytes) -> bool:
        """Whether the file is there, for its owner alone: it holds an address."""
        partial = self._folder / f".partial-{os.urandom(8).hex()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(self._folder / name)
            finally:
                partial.unlink(missing_ok=True)
        except OSError:
            return False
        return True
