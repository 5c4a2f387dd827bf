"""What is expected of each table: a sentence, a column of its statement, a limit.

Here belong the limits. Not here: the statements that give the columns (`statements`),
or facts that others hold already: constraints of the schema, the blocking checks of a
lesson, and the checks of a day's numbers against its facts.
"""

from dataclasses import dataclass

from mentora_pipelines.domain.analytics.table_quality import QualityTable, Severity

ERROR, WARN = Severity.ERROR, Severity.WARN


@dataclass(frozen=True, slots=True)
class Expectation:
    """A column lies between two limits, or is true; NULL says nothing and passes.

    `mostly` is the share of the rows for which that must hold.
    """

    sentence: str
    column: str
    severity: Severity
    low: float | None = None
    high: float | None = None
    mostly: float = 1.0

    @property
    def is_truth(self) -> bool:
        """Whether the column holds true and false instead of a number."""
        return self.low is None and self.high is None


EXPECTATIONS: dict[QualityTable, tuple[Expectation, ...]] = {
    QualityTable.DAILY_METRICS: (
        Expectation(
            "nobody watches for longer than a day lasts",
            "minutes_a_student", ERROR, 0, 1440,
        ),
        Expectation(
            "the platform has the students of each of its creators",
            "students_beyond_the_largest_creator", ERROR, 0,
        ),
        Expectation(
            "at most one fact in a hundred is malformed",
            "malformed_share", WARN, 0, 0.01,
        ),
        # Of the same weekday in four weeks: a course that ends is no fault, a client
        # that sends nothing, or everything twice, is.
        Expectation(
            "a day has the number of facts that its weekday has",
            "facts_to_usual", WARN, 0.25, 1.9,
        ),
        Expectation("AI costs what it does on other days", "cost_to_usual", WARN, 0, 5),
        # Some are begun in one period and finished in the next.
        Expectation(
            "what was finished in four weeks was begun",
            "completed_to_started", WARN, 0, 1.1,
        ),
    ),
    QualityTable.TRANSCRIPTS: (
        Expectation("words are counted rightly", "words_miscounted", ERROR, 0, 0),
        Expectation("the text is that of its sentences", "text_is_told", ERROR),
        # The last word may end where its window does.
        Expectation("speech ends within the recording", "overrun_s", ERROR, high=2),
        Expectation("no character was lost", "has_all_characters", ERROR),
        Expectation("the language is told by its code", "language_is_code", ERROR),
        # Reading aloud is 150 to 180 words a minute; a screen recording has pauses.
        Expectation(
            "nine lessons in ten have 10 to 300 words a minute",
            "words_a_minute", WARN, 10, 300, mostly=0.9,
        ),
    ),
    QualityTable.VIDEO_CHUNKS: (
        Expectation("no index of a chunk is left out", "index_gap", ERROR, 0, 0),
        Expectation("a chunk begins after the one before", "step_s", ERROR, 0),
        Expectation("no chunk ends after its video", "overrun_s", ERROR, high=2),
        Expectation("a chunk says something", "says_something", ERROR),
        Expectation(
            "chunks last 1 to 300 seconds",
            "seconds", WARN, 1, 300, mostly=0.95,
        ),
        # 180 words a minute are about 18 characters a second.
        Expectation(
            "chunks hold 1 to 60 characters a second",
            "characters_a_second", WARN, 1, 60, mostly=0.95,
        ),
        Expectation("four chunks in five have a topic", "topics", WARN, 1, mostly=0.8),
        Expectation(
            "a lesson does not repeat itself",
            "chunks_of_this_text", WARN, 1, 1, mostly=0.95,
        ),
    ),
    QualityTable.CHUNK_EMBEDDINGS: (
        Expectation(
            "different texts have different vectors",
            "texts_of_this_vector", ERROR, 1, 1, mostly=0.99,
        ),
        # Every embedder of ours makes unit vectors; half precision takes some digits.
        Expectation(
            "vectors have a length of one",
            "length", WARN, 0.98, 1.02, mostly=0.999,
        ),
        Expectation("half of the vectors are in use", "is_used", WARN, mostly=0.5),
    ),
    QualityTable.QUIZZES: (
        Expectation("a quiz has questions", "questions", ERROR, 1),
        Expectation(
            "the right answer is one of the options",
            "answer_is_option", ERROR,
        ),
        Expectation(
            "no evidence lies after its video's end",
            "overrun_s", ERROR, high=2,
        ),
        Expectation(
            "what a quiz quotes stands in the lesson that students see",
            "quote_stands", ERROR,
        ),
        Expectation(
            "seven quizzes in ten have half of the questions that were asked for",
            "share_of_asked", WARN, 0.5, mostly=0.7,
        ),
        Expectation(
            "the right answer is not always in the same place",
            "mean_place_of_answer", WARN, 0.2, 0.8,
        ),
        Expectation(
            "prompts have 10 to 400 characters",
            "prompt_characters", WARN, 10, 400, mostly=0.95,
        ),
        Expectation("half of the quizzes are not stale", "is_fresh", WARN, mostly=0.5),
    ),
    QualityTable.ANALYTICS_EVENTS: (
        Expectation("what a student does names the student", "names_student", ERROR),
        Expectation("properties are an object", "has_properties", ERROR),
        Expectation("no name is nearly one that counts", "is_spelt_rightly", ERROR),
        Expectation(
            "no clock is more than five minutes ahead",
            "ahead_s", WARN, high=300, mostly=0.999,
        ),
        Expectation(
            "facts come before the look-back for them ends",
            "is_in_time", WARN, mostly=0.999,
        ),
        Expectation(
            "facts are about creators who exist",
            "has_creator", WARN, mostly=0.99,
        ),
        Expectation("a fact is sent once", "copies", WARN, 1, 1, mostly=0.99),
        Expectation(
            "a fact lies in the partition of its month",
            "is_in_its_month", WARN,
        ),
    ),
}  # fmt: skip
"""Every table has at least one."""
