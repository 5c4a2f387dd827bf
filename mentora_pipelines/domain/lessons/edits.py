"""Edits: what a person corrects in a transcript.

Here belong the forms an edit can take, how one is read from plain values, and the
transcript that it makes. Not here: how versions are stored and shown (`versions`), or
when a word was spoken (`word_alignment`).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from mentora_pipelines.errors import InvalidInput

MAX_LINE_CHARACTERS = 5_000
"""Far above any sentence; a longer one is a file that was pasted into a field."""

MAX_LINES = 50_000
"""Six hours hold about 10,000 captions."""


@dataclass(frozen=True, slots=True)
class EditedLine:
    """A line of a corrected caption file; times in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class LineChange:
    """The line spoken at `at_s` says `text`; an empty text removes it."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class PhraseChange:
    """`old` becomes `new`: where it stands, in the line at `at_s`, or everywhere."""

    old: str
    new: str
    at_s: float | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class WholeChange:
    """The lesson says these lines and nothing else: a corrected caption file."""

    lines: tuple[EditedLine, ...]


Change = LineChange | PhraseChange | WholeChange


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a version; None means the newest one, whichever that is."""

    change: Change
    base_version: UUID | None = None

    def as_plain(self) -> dict[str, object]:
        """Values for JSON, which `parse_edit` reads."""
        change = self.change
        plain: dict[str, object]
        if isinstance(change, LineChange):
            plain = {"at": change.at_s, "text": change.text}
        elif isinstance(change, PhraseChange):
            plain = {"replace": change.old, "with": change.new}
            if change.at_s is not None:
                plain["at"] = change.at_s
            if change.everywhere:
                plain["everywhere"] = True
        else:
            plain = {"lines": [[x.start_s, x.end_s, x.text] for x in change.lines]}
        if self.base_version is not None:
            plain["baseVersion"] = str(self.base_version)
        return plain


def parse_edit(plain: Mapping[str, object]) -> Edit:
    """The edit that plain values tell of; raises `InvalidInput`.

    One of `{at, text}`, `{replace, with, at?, everywhere?}` and
    `{lines: [[start, end, text], …]}`, each with `baseVersion?`; times in seconds.
    """
    given = set(plain) - {"baseVersion"}
    if given == {"at", "text"}:
        change: Change = LineChange(_seconds(plain["at"]), _text(plain["text"]))
    elif {"replace", "with"} <= given <= {"replace", "with", "at", "everywhere"}:
        old = _text(plain["replace"]).strip()
        if not old:
            raise InvalidInput("an edit must say which words it replaces")
        at, everywhere = plain.get("at"), plain.get("everywhere", False)
        if not isinstance(everywhere, bool) or (everywhere and at is not None):
            raise InvalidInput("an edit is of one place, or everywhere")
        change = PhraseChange(
            old, _text(plain["with"]), None if at is None else _seconds(at), everywhere
        )
    elif given == {"lines"}:
        change = WholeChange(_lines(plain["lines"]))
    else:
        raise InvalidInput(
            "an edit has a line (at, text), words (replace, with) or all lines (lines)"
        )
    return Edit(change, _version(plain.get("baseVersion")))


def _lines(value: object) -> tuple[EditedLine, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise InvalidInput("the lines of an edit are a list")
    if len(value) > MAX_LINES:
        raise InvalidInput(f"an edit has at most {MAX_LINES} lines")
    lines = []
    for line in value:
        if not isinstance(line, Sequence) or isinstance(line, str) or len(line) != 3:
            raise InvalidInput("a line of an edit is [start, end, text]")
        start_s, end_s = _seconds(line[0]), _seconds(line[1])
        if end_s < start_s:
            raise InvalidInput(f"the line at {start_s:g} s ends before it starts")
        lines.append(EditedLine(start_s, end_s, _text(line[2])))
    return tuple(lines)


def _seconds(value: object) -> float:
    # NaN and infinity are no times: both comparisons are false for the former.
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value < 1e6
    ):
        raise InvalidInput("a time is a number of seconds from the start of the video")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("the words of an edit are text")
    if len(value) > MAX_LINE_CHARACTERS:
        raise InvalidInput(f"a line has at most {MAX_LINE_CHARACTERS} characters")
    if any(
        unicodedata.category(sign) in {"Cc", "Cs"} and not sign.isspace()
        for sign in value
    ):
        raise InvalidInput("the words of an edit hold a control character")
    return value


def _version(value: object) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidInput("baseVersion is the id of a transcript version") from None
