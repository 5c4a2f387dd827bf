"""How the writer that needs no key words what a sentence says."""

from mentora_pipelines.adapters.extractive_quiz.rephrasing import (
    outcome_question,
    why_question,
)
from mentora_pipelines.adapters.extractive_quiz.restating import restatements
from mentora_pipelines.adapters.extractive_quiz.writer import ExtractiveQuizWriter
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    Question,
    QuestionKind,
    QuizWishes,
)
from tests.lessons import chunks_of, transcript_of


def quiz_of(sentences: list[str], language: str) -> list[Question]:
    """The quiz of a short lesson."""
    lesson = transcript_of(sentences, language)
    return ExtractiveQuizWriter().write(lesson, chunks_of(lesson), QuizWishes(8))


CAUSES = [
    "Video calls often use UDP, because a late packet is worse than a lost one.",
    "With compound interest, the growth becomes larger, because interest earns more.",
    "Compound interest can make a loan larger, because what is missing is added.",
    "When the length of the list doubles, binary search needs one more comparison.",
    "The pores close when the soil is too dry.",
    "Time complexity is a measure of how work grows when the input grows.",
    "An offer becomes a contract when the other side accepts it.",
    "It fails, because it is slow.",
    "The king was executed because he was guilty of treason.",
]


def test_causes_and_outcomes_become_questions() -> None:
    """A quiz of nothing but terms asks for memory alone."""
    asked = [why_question(text) or outcome_question(text) for text in CAUSES]
    assert [question and question.prompt for question in asked] == [
        "Why do video calls often use UDP?",
        "Why does the growth become larger with compound interest?",
        "Why can compound interest make a loan larger?",
        "What happens when the length of the list doubles?",
        "What happens when the soil is too dry?",
        None,
        None,
        None,
        "Why was the king executed?",
    ]


TOLD_ANEW = [
    "When the length of the list doubles, binary search needs one more comparison.",
    "The pores close when the soil is too dry.",
    "Saving early is wise, because every year gives interest more time to work.",
    "The plant stores extra sugar as starch, which gives it energy when it is dark.",
    "It fails, because it is slow.",
]


def test_a_sentence_is_told_anew_without_another_meaning() -> None:
    """A true statement that was turned wrongly marks who has listened as wrong."""
    assert [next(restatements(text, ()), None) for text in TOLD_ANEW] == [
        "Binary search needs one more comparison when the length of the list doubles.",
        "When the soil is too dry, the pores close.",
        "Because every year gives interest more time to work, saving early is wise.",
        "The plant stores extra sugar as starch.",
        None,
    ]


HOJAS = [
    "La fotosíntesis transforma la luz del sol en energía química.",
    "Los estomas son pequeños poros que dejan entrar el aire en la hoja.",
    "Cuando falta el agua, los estomas se cierran y la planta espera.",
    "Sin luz, la fotosíntesis se detiene en las hojas de la planta.",
]
REVOLUCION = [
    "La revolución francesa comenzó en París en el año 1789.",
    "Robespierre dirigió el comité que gobernó durante el terror.",
    "El comité de salvación fue dirigido por Robespierre hasta su muerte.",
    "En 1799 el poder pasó a Napoleón, que ganó muchas batallas.",
    "Más tarde Napoleón se coronó emperador en la catedral de la ciudad.",
    "Según los historiadores Lafayette quería una monarquía con leyes.",
    "La reina fue llevada a la ciudad cuando Danton pidió justicia.",
]


def test_a_spanish_lesson_gets_gaps_and_names_but_no_english_wording() -> None:
    """English words like "Which of these" above a Spanish sentence looks broken."""
    leaves = quiz_of(HOJAS, "es")
    assert {question.kind for question in leaves} == {QuestionKind.FILL_IN}
    history = quiz_of(REVOLUCION, "es")
    chosen = [q for q in history if q.kind is QuestionKind.MULTIPLE_CHOICE]
    assert chosen
    # A city is no ruler.
    assert not any("París" in question.options for question in chosen)
    for question in (*leaves, *history):
        assert question.prompt.replace(BLANK, question.answer) in question.quote
