"""Doubts: measures that tell words that were heard from words that were made up.

Here belong the measures, their limits and the choice between two hearings. Not here:
when a stretch is heard again (`recognition`).

A speech model that does not understand says something all the same: it repeats a
phrase, or what people say at the end of videos (Koenecke et al., "Careless Whisper",
2024; Barański et al., "Investigation of Whisper ASR hallucinations", 2025).
"""

import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mentora_pipelines.domain.lessons.sentences import split_sentences
from mentora_pipelines.domain.lessons.speech import Span
from mentora_pipelines.domain.lessons.transcripts import (
    Doubt,
    DoubtKind,
    Segment,
    Word,
)

MAX_COMPRESSION = 2.4
MIN_LOG_PROBABILITY = -1.0
MAX_SILENCE_PROBABILITY = 0.6
"""Whisper's own limits (Radford et al., 2023, section 4.5), beyond which it decodes
a stretch anew or takes it for silence."""

MIN_REPEATS = 3
MIN_REPEATED_WORDS = 6
"""A phrase is a loop when it comes three times or more in a row and six words or more
are repetition: nobody stumbles so ("no, no, no"), and no rhyme has it."""

MAX_PHRASE_WORDS = 15

MAX_WORDS_PER_S = 6.0
"""Lecturers say two or three words a second, the fastest debaters about six."""

MAX_SIGNS_PER_S = 12.0
"""The same for languages written without blanks, in which a word is a sign or two."""

WITHOUT_BLANKS = frozenset({"zh", "ja", "th", "lo", "my", "yue"})

MIN_WORDS_FOR_SPEED = 8

MIN_UNHEARD_S = 3.0
WORD_REACH_S = 0.5
"""Speech this long without a word, not counting what is this near to one: a breath,
a cough or "hmm" is shorter."""

MIN_SPEECH_SHARE = 0.5
MIN_STOCK_PROBABILITY = 0.5
"""A stock phrase is believed when most of it lies in speech and its words are likely:
lecturers do say "thank you"."""

MIN_ECHO_WORDS = 3

STOCK_PHRASES = frozenset(
    (
        *("you", "bye", "bye bye", "so", "oh", "okay", "thank you", "thanks"),
        *("thank you very much", "thank you for watching", "thanks for watching"),
        *("thank you so much for watching", "thank you for listening"),
        *("please subscribe", "please subscribe to my channel"),
        *("please like and subscribe", "dont forget to like and subscribe"),
        *("see you next time", "see you in the next video", "ill see you next time"),
        *("well be right back", "the end", "music", "applause", "silence"),
        *("subtitles by the amaraorg community", "transcription by castingwords"),
        *("transcribed by httpsotterai", "subtitles by"),
        *("untertitel der amaraorgcommunity", "untertitel im auftrag des zdf"),
        *("vielen dank", "vielen dank fürs zuschauen", "tschüss"),
        *("soustitres réalisés par la communauté damaraorg", "merci"),
        *("sottotitoli creati dalla comunità amaraorg", "grazie", "gracias"),
        *("subtítulos realizados por la comunidad de amaraorg",),
        *("ご視聴ありがとうございました", "谢谢观看", "請不吝點贊訂閱"),
    )
)
"""What Whisper makes of noise and silence, without case and signs."""

_STOCK = frozenset(phrase.replace(" ", "") for phrase in STOCK_PHRASES)

WEIGHTS = {
    DoubtKind.REPETITION: 4,
    DoubtKind.COMPRESSION: 4,
    DoubtKind.TOO_FAST: 3,
    DoubtKind.GLOSSARY_ECHO: 3,
    DoubtKind.STOCK_PHRASE: 2,
    DoubtKind.UNHEARD_SPEECH: 2,
    DoubtKind.LOW_PROBABILITY: 1,
}
"""How bad: a loop is surely wrong, no words are better, unlikely words may be right."""


@dataclass(frozen=True, slots=True)
class HeardStretch:
    """What one stretch of speech was taken for.

    `log_probability` is the mean over its tokens, `silence_probability` the model's own
    belief that nobody speaks. `speech` is where the detector is sure of speech.
    """

    words: tuple[Word, ...]
    speech: tuple[Span, ...]
    log_probability: float
    silence_probability: float

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return " ".join(word.text for word in self.words)


def doubts_of(
    heard: HeardStretch, *, language: str, glossary: Sequence[str] = ()
) -> tuple[Doubt, ...]:
    """Everything that speaks against what was heard, empty when nothing does."""
    return (
        *_repetitions(heard.words),
        *_compression(heard),
        *_speed(heard, language),
        *_unheard_speech(heard),
        *_stock_phrases(heard),
        *_glossary_echo(heard, glossary),
        *_low_probability(heard),
    )


def is_better(
    second: HeardStretch,
    second_doubts: Sequence[Doubt],
    first: HeardStretch,
    first_doubts: Sequence[Doubt],
) -> bool:
    """Whether a second hearing is to be kept instead of the first.

    The lesser doubts win, then having any word, then the likelier words.
    """

    def worth(heard: HeardStretch, doubts: Sequence[Doubt]) -> tuple[float, ...]:
        weight = sum(WEIGHTS[kind] for kind in {doubt.kind for doubt in doubts})
        return (-weight, bool(heard.words), round(heard.log_probability, 3))

    return worth(second, second_doubts) > worth(first, first_doubts)


def mark_segments(
    segments: Sequence[Segment], doubts: Sequence[Doubt]
) -> tuple[Segment, ...]:
    """The segments, each with the doubts that touch it.

    A doubt between two segments (speech without words) goes to the nearer one.
    """
    marks: list[list[Doubt]] = [[] for _ in segments]
    for doubt in doubts:
        distances = [
            max(doubt.start_s - segment.end_s, segment.start_s - doubt.end_s)
            for segment in segments
        ]
        nearest = min(distances, default=0.0)
        for place, distance in enumerate(distances):
            if distance < 0 or (nearest >= 0 and distance == nearest):
                marks[place].append(doubt)
    return tuple(
        replace(segment, doubts=tuple(found))
        for segment, found in zip(segments, marks, strict=True)
    )


def doubtful_s(doubts: Sequence[Doubt]) -> float:
    """Seconds of the lesson in which anything is doubtful; none counts twice."""
    total_s = counted_until = 0.0
    for doubt in sorted(doubts, key=lambda doubt: doubt.start_s):
        start_s = max(doubt.start_s, counted_until)
        total_s += max(0.0, doubt.end_s - start_s)
        counted_until = max(counted_until, doubt.end_s)
    return round(total_s, 3)


def doubts_as_table(doubts: Sequence[Doubt]) -> str:
    """Markdown: from when to when (h:mm:ss) what is doubtful; never a word said."""
    rows = [
        f"| {_clock(doubt.start_s)} | {_clock(doubt.end_s)} | {doubt.kind} | "
        f"{doubt.value:g} |"
        for doubt in doubts
    ]
    return "\n".join(["| from | to | what | measured |", "|---|---|---|---|", *rows])


def _clock(second: float) -> str:
    minutes, seconds = divmod(int(second), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def bare(text: str) -> str:
    """The letters and digits of a text in lower case, single blanks between words."""
    kept = (
        sign
        for sign in unicodedata.normalize("NFC", text).lower()
        if sign.isspace() or unicodedata.category(sign)[0] in "LNM"
    )
    return " ".join("".join(kept).split())


def _repetitions(words: Sequence[Word]) -> Iterator[Doubt]:
    said = [bare(word.text) for word in words]
    start = 0
    while start < len(said):
        end, repeats = _loop_at(said, start)
        if end == start:
            start += 1
            continue
        yield Doubt(
            DoubtKind.REPETITION, words[start].start_s, words[end - 1].end_s, repeats
        )
        start = end


def _loop_at(said: Sequence[str], start: int) -> tuple[int, int]:
    """Where the longest loop that begins at `start` ends, and how often it turns."""
    longest = (start, 0)
    for length in range(1, MAX_PHRASE_WORDS + 1):
        phrase = said[start : start + length]
        repeats = 1
        end = start + length
        while said[end : end + length] == phrase and len(phrase) == length:
            repeats += 1
            end += length
        is_loop = (
            repeats >= MIN_REPEATS and (repeats - 1) * length >= MIN_REPEATED_WORDS
        )
        if is_loop and end > longest[0]:
            longest = (end, repeats)
    return longest


def _compression(heard: HeardStretch) -> Iterator[Doubt]:
    text = heard.text.encode()
    ratio = len(text) / len(zlib.compress(text))
    if ratio > MAX_COMPRESSION:
        yield _of_all(heard, DoubtKind.COMPRESSION, ratio)


def _speed(heard: HeardStretch, language: str) -> Iterator[Doubt]:
    speech_s = sum(span.duration_s for span in heard.speech)
    limit = MAX_SIGNS_PER_S if language in WITHOUT_BLANKS else MAX_WORDS_PER_S
    count = len(heard.words)
    if count >= MIN_WORDS_FOR_SPEED and count > limit * speech_s:
        speed = count / speech_s if speech_s else float(count)
        yield _of_all(heard, DoubtKind.TOO_FAST, speed)


def _unheard_speech(heard: HeardStretch) -> Iterator[Doubt]:
    for span in heard.speech:
        start_s = span.start_s
        for word in (*heard.words, None):
            if word is not None and word.end_s + WORD_REACH_S <= start_s:
                continue
            end_s = span.end_s
            if word is not None:
                end_s = min(end_s, word.start_s - WORD_REACH_S)
            if end_s - start_s >= MIN_UNHEARD_S:
                yield Doubt(
                    DoubtKind.UNHEARD_SPEECH,
                    round(start_s, 3),
                    round(end_s, 3),
                    round(end_s - start_s, 3),
                )
            if word is None or word.start_s >= span.end_s:
                break
            start_s = max(start_s, word.end_s + WORD_REACH_S)


def _stock_phrases(heard: HeardStretch) -> Iterator[Doubt]:
    for sentence in split_sentences(heard.words):
        if bare(sentence.text).replace(" ", "") not in _STOCK:
            continue
        duration_s = sentence.end_s - sentence.start_s
        spoken_s = sum(
            max(
                0.0,
                min(span.end_s, sentence.end_s) - max(span.start_s, sentence.start_s),
            )
            for span in heard.speech
        )
        probability = sum(word.probability for word in sentence.words) / len(
            sentence.words
        )
        if (
            spoken_s < MIN_SPEECH_SHARE * duration_s
            or probability < MIN_STOCK_PROBABILITY
            or heard.silence_probability > MAX_SILENCE_PROBABILITY
        ):
            yield Doubt(
                DoubtKind.STOCK_PHRASE,
                sentence.start_s,
                sentence.end_s,
                round(probability, 3),
            )


def _glossary_echo(heard: HeardStretch, glossary: Sequence[str]) -> Iterator[Doubt]:
    """The model reads its hints aloud when it hears nothing it knows."""
    said = bare(heard.text).split()
    hints = bare(" ".join(glossary)).split()
    for start in range(len(hints) - len(said) + 1):
        if len(said) >= MIN_ECHO_WORDS and hints[start : start + len(said)] == said:
            yield _of_all(heard, DoubtKind.GLOSSARY_ECHO, len(said))
            return


def _low_probability(heard: HeardStretch) -> Iterator[Doubt]:
    if heard.words and heard.log_probability < MIN_LOG_PROBABILITY:
        yield _of_all(heard, DoubtKind.LOW_PROBABILITY, heard.log_probability)


def _of_all(heard: HeardStretch, kind: DoubtKind, value: float) -> Doubt:
    return Doubt(kind, heard.words[0].start_s, heard.words[-1].end_s, round(value, 3))
