"""The errors of the platform, sorted by what to do about them.

    MentoraError
    ├── PermanentError          do not try again: the input or the request is refused
    │   ├── LessonRefused       a creator's file cannot become a lesson (has a code)
    │   │   └── OverBudget      what it takes does not fit into the creator's budget
    │   ├── NotFound            what was named does not exist
    │   ├── Conflict            somebody else has changed or made the row first
    │   ├── Overtaken           a newer run or a newer upload has taken over
    │   ├── InvalidInput        what a person typed or uploaded is malformed
    │   ├── MailRefused         the mail server refuses one mail for good (has a code)
    │   ├── ProviderRefused     a model's provider refuses for good (has a reason)
    │   ├── SignatureRefused    a message is not from whom it says, or not of now
    │   ├── SettingsError       the environment is incomplete or contradicts itself
    │   └── LocalStackError     the embedded servers cannot run here
    └── TransientError          try again later: timeout, lost connection, overload
        ├── Busy                somebody else works on the same video or vectors
        ├── SetAside            another step holds what is left of the payer's budget
        ├── ProviderAway        a model's provider gave no usable answer (has a reason)
        ├── ObjectChanged       the stored bytes were replaced while they were read
        └── MailDeferred        a mail was not handed over, or nobody knows (has a code)

Adapters translate the errors of their SDK into this tree; `assets/failures.py`
translates this tree into Dagster's. Between the two, only what goes
on with the rest or tries again catches them.
A message never holds a secret, a mail address or a sentence of a transcript.
"""

from enum import StrEnum


class MentoraError(Exception):
    """Base of every error the platform raises on purpose."""


class PermanentError(MentoraError):
    """Trying again cannot help."""


class TransientError(MentoraError):
    """Trying again later can help."""


class ErrorCode(StrEnum):
    """Why a lesson failed: the closed list stored in `videos.error_code`."""

    EMPTY_FILE = "empty_file"
    NOT_MEDIA = "not_media"
    UNSUPPORTED_CONTAINER = "unsupported_container"
    UNSUPPORTED_CODEC = "unsupported_codec"
    NO_AUDIO = "no_audio"
    NO_SPEECH = "no_speech"
    TRUNCATED_MEDIA = "truncated_media"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    DECODER_CRASHED = "decoder_crashed"
    UPLOAD_MISSING = "upload_missing"
    OVER_BUDGET = "over_budget"
    CHECK_FAILED = "check_failed"
    MISCONFIGURED = "misconfigured"
    TEMPORARY_FAULT = "temporary_fault"
    INTERNAL = "internal"


CREATOR_SENTENCES: dict[ErrorCode, str] = {
    ErrorCode.EMPTY_FILE: (
        "The uploaded file is empty. Please upload the video again."
    ),
    ErrorCode.NOT_MEDIA: (
        "The uploaded file is not a video or audio recording. "
        "Please upload the lesson as MP4, MOV, MKV, WebM, MP3, WAV, FLAC or OGG."
    ),
    ErrorCode.UNSUPPORTED_CONTAINER: (
        "This kind of video file is not supported. Please export the lesson as MP4, "
        "MOV, MKV or WebM and upload it again."
    ),
    ErrorCode.UNSUPPORTED_CODEC: (
        "The sound of the video is stored in a form that is not supported. Please "
        "export the lesson with AAC or MP3 sound and upload it again."
    ),
    ErrorCode.NO_AUDIO: (
        "The video has no sound track. Please export it with sound and upload it again."
    ),
    ErrorCode.NO_SPEECH: (
        "No speech was found in the video. Please check its sound and upload it again."
    ),
    ErrorCode.TRUNCATED_MEDIA: (
        "The video breaks off before its end, so the upload or the export was "
        "probably interrupted. Please upload the complete file."
    ),
    ErrorCode.TOO_LONG: (
        "The video is longer than allowed. Please split it into shorter lessons."
    ),
    ErrorCode.TOO_LARGE: (
        "The file is larger than allowed. Please export it at a lower resolution."
    ),
    ErrorCode.DECODER_CRASHED: (
        "The file is damaged in a way that it cannot be played. Please export the "
        "lesson as MP4 again, and upload the new file."
    ),
    ErrorCode.UPLOAD_MISSING: (
        "The uploaded file is no longer there. Please upload the video again."
    ),
    ErrorCode.OVER_BUDGET: (
        "This month's budget for processing videos does not suffice for this one. "
        "Your video is safe: it can be processed when the limit is raised, or next "
        "month."
    ),
    ErrorCode.CHECK_FAILED: (
        "The lesson was processed, but its result did not pass our checks. "
        "We have been told and will look at it."
    ),
    ErrorCode.MISCONFIGURED: (
        "The lesson could not be processed because of a fault in our set-up. "
        "Your video is safe; we have been told and will process it again."
    ),
    ErrorCode.TEMPORARY_FAULT: (
        "A service we depend on did not answer, several times. "
        "Your video is safe; we have been told and will process it again."
    ),
    ErrorCode.INTERNAL: (
        "Something went wrong on our side. "
        "Your video is safe; we have been told and will look at it."
    ),
}
"""What a creator reads: what is wrong and what to do, nothing of our insides."""


class LessonRefused(PermanentError):
    """A creator's file cannot become a lesson.

    `code` goes to `videos.error_code`, its sentence to `videos.error_message`;
    the message itself is for the engineer and names the measured figure.
    """

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class OverBudget(LessonRefused):
    """A call does not fit into what is left of its payer's budget; it was not made."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.OVER_BUDGET, detail)
        self.detail = detail


class NotFound(PermanentError):
    """What was named does not exist, or is not visible to this creator."""


class Conflict(PermanentError):
    """Somebody else changed the row since it was read, or made it first.

    The same request cannot succeed: read the row again and decide anew. The message
    names the table or the constraint, never a value.
    """


class Overtaken(PermanentError):
    """A newer run or a newer upload has taken over: nothing was written.

    It fails nothing but the run that raised it.
    """


class InvalidInput(PermanentError):
    """What a person typed or uploaded is malformed; the message says how to mend it."""


class MailRefused(PermanentError):
    """One mail cannot be delivered; others can.

    `code` goes to `email_outbox.error_code`, as `smtp_550`: never a server's text.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"the mail is refused: {code}")
        self.code = code


class MailDeferred(TransientError):
    """A mail was not handed over, or nobody knows; `code` as of `MailRefused`.

    `is_away`: the server does not answer, so others will not pass either. `in_doubt`:
    it may have stored the mail before it was lost.
    """

    def __init__(
        self, code: str, *, is_away: bool = False, in_doubt: bool = False
    ) -> None:
        super().__init__(f"the mail waits: {code}")
        self.code = code
        self.is_away = is_away
        self.in_doubt = in_doubt


class SignatureRefused(PermanentError):
    """A message from outside is not from whom it says, or not of now."""


class SettingsError(PermanentError):
    """The environment is incomplete or wrong; the message lists every fault at once."""


class Busy(TransientError):
    """Somebody else works on the same video or vectors; they are theirs to finish."""


class SetAside(TransientError):
    """A call would fit if others took nothing of what they hold; it was not made.

    `wait_s` is when to ask again: a lesson is heard, or a quiz written, in minutes.
    """

    wait_s = 300.0


class ObjectChanged(TransientError):
    """Storage holds other bytes than those that were asked for: look again."""


class LocalStackError(PermanentError):
    """The embedded servers cannot run here; the message says why and what to do."""


class Refusal(StrEnum):
    """Why a provider of models will not do what it is asked, now or later."""

    KEY = "key"
    QUOTA = "quota"
    POLICY = "policy"
    MODEL = "model"
    REQUEST = "request"
    ANSWER = "answer"
    """It answered twice what cannot be used."""


class Absence(StrEnum):
    """Why there is no usable answer yet."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    MALFORMED = "malformed"
    PAUSED = "paused"
    """It failed so often that nobody asks it for a moment."""


class ProviderRefused(PermanentError):
    """A provider of models will not do it; `detail` is ours, never a server's text."""

    def __init__(self, provider: str, reason: Refusal, detail: str = "") -> None:
        super().__init__(
            ": ".join(filter(None, (f"{provider} refuses", reason, detail)))
        )
        self.provider = provider
        self.reason = reason

    @property
    def code(self) -> ErrorCode:
        """What a creator is told: a wrong key or an empty account is our set-up."""
        ours = (Refusal.KEY, Refusal.QUOTA, Refusal.MODEL)
        return ErrorCode.MISCONFIGURED if self.reason in ours else ErrorCode.INTERNAL


class ProviderAway(TransientError):
    """A provider of models gave no usable answer.

    `wait_s` is when to ask again as far as anybody knows, in seconds from now.
    """

    def __init__(
        self, provider: str, reason: Absence, detail: str = "", *, wait_s: float = 0.0
    ) -> None:
        super().__init__(
            ": ".join(filter(None, (f"{provider} does not answer", reason, detail)))
        )
        self.provider = provider
        self.reason = reason
        self.wait_s = wait_s
