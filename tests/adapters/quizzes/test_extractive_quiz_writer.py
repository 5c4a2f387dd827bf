"""The quiz writer that needs no key."""

from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from mentora_pipelines.adapters.extractive_quiz.writer import ExtractiveQuizWriter
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.questions import (
    Question,
    QuestionKind,
    QuizWishes,
    QuizWriter,
)
from mentora_pipelines.domain.quizzes.validation import Validator
from mentora_pipelines.domain.terms.vocabulary import Vocabulary
from tests.lessons import chunks_of, transcript_of

SAMPLES = sorted((Path(__file__).parents[3] / "samples").glob("*.txt"))
MUSIC = [
    "Let's talk about how chords are built.",
    "An interval is the distance between two notes.",
    "This is where it gets interesting for a pianist.",
    "So a scale is a series of notes that go up or down in a fixed pattern.",
    "What do you think happens when three notes sound together?",
    "A chord is a group of three or more notes that sound at the same time.",
    "It can be soft or loud, and many listeners like its sound.",
    "A triad is a chord of exactly three notes that are stacked in thirds.",
    "The root is the note that gives the chord its name.",
    "In a minor triad, the distance between the root and the third is smaller.",
    "The chord on the first step of the scale is called the tonic.",
    "A cadence is a pair of chords that ends a musical phrase.",
]


def quiz_of(lesson: Transcript, question_count: int = 8) -> list[Question]:
    """Return the quiz of a lesson in chunks of four sentences."""
    wishes = QuizWishes(question_count)
    return ExtractiveQuizWriter().write(lesson, chunks_of(lesson), wishes)


@pytest.fixture(params=[MUSIC, *SAMPLES], ids=lambda p: getattr(p, "stem", "music"))
def lesson(request: pytest.FixtureRequest) -> Transcript:
    """Give a lesson of 100 to 230 words."""
    given: list[str] | Path = request.param
    if isinstance(given, Path):
        given = [line for line in given.read_text("utf-8").splitlines() if line]
    return transcript_of(given)


def test_it_is_a_quiz_writer() -> None:
    """The resource could not hand it to the asset."""
    writer: QuizWriter = ExtractiveQuizWriter()
    assert writer.fingerprint == "extractive/v2"


def test_a_short_lesson_gives_at_least_five_sound_questions(
    lesson: Transcript,
) -> None:
    """A creator who sees two questions for a whole lesson writes the quiz by hand."""
    quiz = quiz_of(lesson)
    assert 5 <= len(quiz) <= 8
    assert [Validator(lesson).faults(question) for question in quiz] == [()] * len(quiz)


def test_both_kinds_take_part_in_every_quiz(lesson: Transcript) -> None:
    """Eight times the same exercise tires."""
    kinds = [question.kind for question in quiz_of(lesson)]
    assert kinds.count(QuestionKind.MULTIPLE_CHOICE) >= 2
    assert kinds.count(QuestionKind.FILL_IN) >= 2


def test_two_multiple_choice_questions_never_follow_each_other(
    lesson: Transcript,
) -> None:
    """The kinds are meant to take turns."""
    kinds = [question.kind for question in quiz_of(lesson)]
    choice = QuestionKind.MULTIPLE_CHOICE
    assert all(pair != (choice, choice) for pair in pairwise(kinds))


def test_the_quote_is_a_sentence_of_the_lesson_with_its_times(
    lesson: Transcript,
) -> None:
    """A student who follows the link hears something else."""
    spoken = {(s.text, s.start_s, s.end_s) for s in lesson.segments}
    assert {(q.quote, q.start_s, q.end_s) for q in quiz_of(lesson)} <= spoken


def test_the_chunk_of_a_question_covers_its_beginning(lesson: Transcript) -> None:
    """An edited chunk would make the wrong question stale."""
    chunks = chunks_of(lesson)
    for question in quiz_of(lesson):
        chunk = chunks[question.chunk_index]
        assert chunk.start_s <= question.start_s < chunk.end_s


def test_the_questions_follow_the_lesson_and_reach_its_second_half(
    lesson: Transcript,
) -> None:
    """A quiz on the first minute says nothing about the rest."""
    starts = [question.start_s for question in quiz_of(lesson)]
    assert starts == sorted(starts)
    assert starts[0] < lesson.duration_s / 2 < starts[-1]


def test_no_answer_is_asked_for_twice(lesson: Transcript) -> None:
    """The second question would be answered by the first."""
    vocabulary = Vocabulary("en")
    answers = [
        vocabulary.normal_form(question.answer)
        for question in quiz_of(lesson)
        if question.kind is not QuestionKind.TRUE_FALSE
    ]
    assert len(set(answers)) == len(answers)


def test_no_option_holds_another_or_stands_in_the_quote(lesson: Transcript) -> None:
    """Two options would be right, or one would fall away at a glance."""
    for question in quiz_of(lesson):
        for one, other in combinations(map(str.lower, question.options), 2):
            assert one not in other
            assert other not in one
        for option in set(question.options) - {question.answer}:
            assert option.lower() not in question.quote.lower()


def test_options_begin_with_a_capital_and_prompts_too(lesson: Transcript) -> None:
    """A lone small letter shows which option was cut from a sentence."""
    for question in quiz_of(lesson):
        assert all(option[0].isupper() for option in question.options)
        assert question.prompt[0].isupper() or question.prompt.startswith("_")


def test_the_answer_does_not_always_stand_in_the_same_place() -> None:
    """Always "A" is a quiz nobody needs to read."""
    places = {
        question.options.index(question.answer)
        for path in SAMPLES
        for question in quiz_of(transcript_of(path.read_text("utf-8").splitlines()))
        if question.options
    }
    assert len(places) > 1


def test_the_same_lesson_gives_the_same_quiz(lesson: Transcript) -> None:
    """A retry would replace questions a creator has approved."""
    assert quiz_of(lesson) == quiz_of(lesson)


def test_sentences_that_lean_on_others_and_questions_are_left_alone() -> None:
    """A line like "It can be soft or _____" cannot be answered on a quiz sheet."""
    quotes = {question.quote for question in quiz_of(transcript_of(MUSIC), 20)}
    assert quotes
    assert not quotes & {MUSIC[0], MUSIC[2], MUSIC[4], MUSIC[6]}


def test_the_speakers_opening_words_stay_out_of_the_prompt_only() -> None:
    """The quote must stay exact, and "So, ..." is no way to begin a question."""
    quiz = quiz_of(transcript_of(MUSIC), 20)
    (scale,) = [question for question in quiz if question.quote == MUSIC[3]]
    assert not scale.prompt.startswith("So")


def test_an_article_does_not_tell_the_first_letter_of_the_answer() -> None:
    """Before the blank, "an" leaves few candidates."""
    for question in quiz_of(transcript_of(MUSIC), 20):
        assert " an _____" not in f" {question.prompt.lower()}"


def test_a_kind_of_the_answer_is_no_distractor() -> None:
    """A triad is a chord: offered beside "Chord", both would be right."""
    for question in quiz_of(transcript_of(MUSIC), 20):
        if question.answer == "Chord":
            assert "Triad" not in question.options


@pytest.mark.parametrize(
    "sentences",
    [
        ["Welcome back, everybody!", "So, um, that's it for today.", "See you soon!"],
        ["This is it.", "It works like that, you know, and then it does this."],
        ["the recogniser heard no full stop anywhere in this long long piece"] * 4,
    ],
)
def test_a_lesson_without_content_gets_no_quiz(sentences: list[str]) -> None:
    """Junk questions cost more trust than a missing quiz."""
    assert quiz_of(transcript_of(sentences)) == []


def test_no_chunks_or_no_questions_wanted_gives_none() -> None:
    """A question without a chunk cannot be stored."""
    lesson = transcript_of(MUSIC)
    assert ExtractiveQuizWriter().write(lesson, [], QuizWishes(5)) == []
    assert quiz_of(lesson, 0) == []


def test_a_single_question_is_possible() -> None:
    """Asking for one is allowed by the command line."""
    assert len(quiz_of(transcript_of(MUSIC), 1)) == 1


def test_segments_without_duration_do_not_stop_the_writer() -> None:
    """An imported transcript may carry one time for all."""
    lesson = transcript_of(MUSIC)
    flat = tuple(replace(s, start_s=1.0, end_s=1.0) for s in lesson.segments)
    assert quiz_of(replace(lesson, segments=flat)) == []


def test_a_spanish_lesson_gets_blanks_but_no_english_wording() -> None:
    """English words like "Which of these" above a Spanish sentence looks broken."""
    quiz = quiz_of(
        transcript_of(
            [
                "La fotosíntesis transforma la luz del sol en energía química.",
                "Los estomas son pequeños poros que dejan entrar el aire en la hoja.",
                "Cuando falta el agua, los estomas se cierran y la planta espera.",
                "Sin luz, la fotosíntesis se detiene en las hojas de la planta.",
            ],
            "es",
        )
    )
    assert quiz
    assert {question.kind for question in quiz} == {QuestionKind.FILL_IN}
    assert not any("(" in question.prompt for question in quiz)
