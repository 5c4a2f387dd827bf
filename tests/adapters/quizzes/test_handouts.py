"""Quizzes as files, read back by parsers that are not ours."""

import html
import io
import json
import warnings
import zipfile
from dataclasses import replace
from uuid import uuid4

import pytest
from lxml import etree
from lxml import html as lxml_html

from mentora_pipelines.adapters.quiz_exports.printer import FileHandouts
from mentora_pipelines.domain.quizzes.handouts import Handout, HandoutFormat
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    TRUE,
    Question,
    QuestionKind,
)
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from tests.questions.good import GOOD

with warnings.catch_warnings():
    # It asks for the locale in a way that Python is about to drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pygiftparser import parser as gift
    from pygiftparser.answer import (
        Essay,
        MultipleChoicesSet,
        SelectSet,
        ShortSet,
        TrueFalseSet,
    )
    from pygiftparser.question import Question as GiftQuestion
    from pygiftparser.utils import transformSpecials

HOSTILE = (
    "<script>alert(1)</script> & &amp; \"q\" 'a' }{=~#:\\ ::x:: %50% [html] ]]> -> // "
    "$CATEGORY: x {{ 7*7 }} \x00\x0b\u2028\n\nEnd"
)
LINK = "https://mentora.example/videos/1"
XML = {
    "q": "http://www.imsglobal.org/xsd/imsqti_v2p1",
    "p": "http://www.imsglobal.org/xsd/imscp_v1p1",
}


def handout_of(*questions: Question, title: str = "Plants") -> Handout:
    """A quiz of these questions, with links."""
    quiz = Quiz(uuid4(), uuid4(), QuizStatus.PUBLISHED, "w", questions)
    return Handout(quiz, uuid4(), title, "en", LINK)


ALL = [case.question for case in GOOD]
SUITE = handout_of(*ALL)


def hostile(question: Question) -> Question:
    """The question with a hostile text wherever somebody can write one."""
    if question.kind is QuestionKind.TRUE_FALSE:
        return replace(question, prompt=HOSTILE, quote=HOSTILE)
    if question.kind is QuestionKind.FILL_IN:
        return replace(question, prompt=f"{HOSTILE} {BLANK} {HOSTILE}", answer=HOSTILE)
    if question.kind is QuestionKind.SHORT_ANSWER:
        return replace(question, prompt=HOSTILE, answer=HOSTILE)
    options = tuple(f"{n} {HOSTILE}" for n in range(4))
    further = options[1 : 1 + len(question.further_answers)]
    return replace(
        question,
        prompt=HOSTILE,
        options=options,
        answer=options[0],
        further_answers=further,
        quote=HOSTILE,
    )


ONE_OF_EACH = [
    next(q for q in ALL if q.kind is kind and len(q.answers) <= 2)
    for kind in QuestionKind
]
TRAP = handout_of(*map(hostile, ONE_OF_EACH), title=HOSTILE)


def seen(text: str) -> str:
    """What of a text is seen: on one line, without control characters."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())


def read_gift(handout: Handout) -> list[GiftQuestion]:
    """The questions as pygiftparser understands them."""
    text = FileHandouts().print(handout, HandoutFormat.GIFT).decode()
    return list(gift.parseFile(io.StringIO(text)))


def plain(text: str) -> str:
    """What of an HTML text in GIFT is seen."""
    return seen(html.unescape(transformSpecials(text)))


@pytest.mark.parametrize("handout", [SUITE, TRAP], ids=["good", "hostile"])
def test_gift_is_read_back_as_it_was_meant(handout: Handout) -> None:
    """Else a teacher's Moodle shows other options, or marks the wrong one as right."""
    found = read_gift(handout)
    assert len(found) == len(handout.quiz.questions)
    for number, (got, question) in enumerate(
        zip(found, handout.quiz.questions, strict=True), 1
    ):
        assert got.valid, got.source
        assert got.title == f"Q{number}"
        before, _, after = question.prompt.partition(BLANK)
        if isinstance(got.answers, Essay):
            before, after = question.prompt, ""
        assert plain(got.text) == seen(before)
        assert plain(got.tail) == seen(after)
        assert seen(question.quote) in plain(got.generalFeedback)
        assert_answers(got, question)


def assert_answers(got: GiftQuestion, question: Question) -> None:
    """What is right in GIFT is what is right in the quiz, and nothing else."""
    if question.kind is QuestionKind.TRUE_FALSE:
        assert isinstance(got.answers, TrueFalseSet)
        assert got.answers.answer == (question.answer == TRUE)
        return
    if isinstance(got.answers, Essay):
        assert not question.kind.has_options
        assert seen(question.answer) in plain(got.generalFeedback)
        return
    right = {plain(a.answer) for a in got.answers.answers if a.fraction > 0}
    every = {plain(a.answer) for a in got.answers.answers}
    assert right == {seen(answer) for answer in question.answers}
    if question.kind is QuestionKind.MULTIPLE_CHOICE:
        assert isinstance(got.answers, SelectSet)
    elif question.kind is QuestionKind.MULTIPLE_ANSWER:
        assert isinstance(got.answers, MultipleChoicesSet)
        assert sum(max(0, a.fraction) for a in got.answers.answers) == pytest.approx(
            100, abs=0.01
        )
    else:
        assert isinstance(got.answers, ShortSet)
        return
    assert every == {seen(option) for option in question.options}


def read_qti(handout: Handout) -> dict[str, etree._Element]:
    """The documents of the package by name, each checked to be XML."""
    content = FileHandouts().print(handout, HandoutFormat.QTI)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {
            name: etree.fromstring(package.read(name)) for name in package.namelist()
        }


@pytest.mark.parametrize("handout", [SUITE, TRAP], ids=["good", "hostile"])
def test_a_qti_package_names_all_it_holds(handout: Handout) -> None:
    """Else a platform imports an empty test, or refuses the package."""
    files = read_qti(handout)
    manifest = files["imsmanifest.xml"]
    named = manifest.xpath("//p:resource/@href", namespaces=XML)
    assert sorted(named) == sorted(set(files) - {"imsmanifest.xml"})
    resources = set(manifest.xpath("//p:resource/@identifier", namespaces=XML))
    assert set(manifest.xpath("//p:dependency/@identifierref", namespaces=XML)) <= (
        resources
    )
    referred = files["test.xml"].xpath("//q:assessmentItemRef/@href", namespaces=XML)
    assert referred == [
        f"items/q{n + 1}.xml" for n in range(len(handout.quiz.questions))
    ]


@pytest.mark.parametrize("handout", [SUITE, TRAP], ids=["good", "hostile"])
def test_a_qti_item_says_what_the_question_says(handout: Handout) -> None:
    """Else the platform of a school marks what is right as wrong."""
    files = read_qti(handout)
    for number, question in enumerate(handout.quiz.questions, 1):
        item = files[f"items/q{number}.xml"]
        assert item.tag == f"{{{XML['q']}}}assessmentItem"
        (declared,) = item.findall("q:responseDeclaration", XML)
        (body,) = item.findall("q:itemBody", XML)
        (interaction,) = body.xpath(".//*[@responseIdentifier]")
        assert interaction.get("responseIdentifier") == declared.get("identifier")
        correct = [v.text for v in declared.findall("q:correctResponse/q:value", XML)]
        shown = seen("".join(body.itertext()))
        assert seen(question.prompt.partition(BLANK)[0]) in shown
        several = question.kind is QuestionKind.MULTIPLE_ANSWER
        assert declared.get("cardinality") == ("multiple" if several else "single")
        if question.kind.has_options:
            options = {
                c.get("identifier"): seen(c.text)
                for c in interaction.findall("q:simpleChoice", XML)
            }
            assert list(options.values()) == [seen(o) for o in question.options]
            assert {options[c] for c in correct} == {seen(a) for a in question.answers}
            assert interaction.get("maxChoices") == ("0" if several else "1")
        else:
            assert [seen(value) for value in correct] == [seen(question.answer)]


ORDER = (
    "responseDeclaration", "outcomeDeclaration", "templateDeclaration", "itemBody",
    "responseProcessing", "modalFeedback",
)  # fmt: skip


def test_the_parts_of_a_qti_item_stand_in_the_order_of_the_schema() -> None:
    """Else a platform that validates refuses the item."""
    for name, root in read_qti(SUITE).items():
        if name.startswith("items/"):
            places = [ORDER.index(etree.QName(child).localname) for child in root]
            assert places == sorted(places)
            assert root.get("adaptive") == root.get("timeDependent") == "false"


def test_the_evidence_of_a_qti_item_is_shown_whatever_is_answered() -> None:
    """Else no student ever sees the quotation, or where it is said."""
    for name, item in read_qti(SUITE).items():
        if name.startswith("items/"):
            (feedback,) = item.findall("q:modalFeedback", XML)
            (value,) = item.xpath(
                "q:outcomeDeclaration[@identifier=$outcome]/q:defaultValue/q:value",
                outcome=feedback.get("outcomeIdentifier"),
                namespaces=XML,
            )
            assert value.text == feedback.get("identifier")


def test_a_package_of_the_same_quiz_has_the_same_bytes() -> None:
    """Else every export looks like a change."""
    first, again = (FileHandouts().print(SUITE, HandoutFormat.QTI) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("handout", [SUITE, TRAP], ids=["good", "hostile"])
def test_json_holds_every_question_and_ends_no_script(handout: Handout) -> None:
    """Else a program loses a question, or a page that embeds it runs its texts."""
    text = FileHandouts().print(handout, HandoutFormat.JSON).decode()
    assert "<" not in text
    found = json.loads(text)
    assert [q["prompt"] for q in found["questions"]] == [
        q.prompt for q in handout.quiz.questions
    ]
    assert [tuple(q["answers"]) for q in found["questions"]] == [
        q.answers for q in handout.quiz.questions
    ]
    assert {q["url"] for q in found["questions"]} == {
        f"{LINK}?t={int(q.start_s)}" for q in handout.quiz.questions
    }
    assert found["title"] == handout.title


@pytest.mark.parametrize("handout", [SUITE, TRAP], ids=["good", "hostile"])
def test_a_page_shows_every_text_and_runs_none(handout: Handout) -> None:
    """Else a question that was written by a model runs in a teacher's browser."""
    text = FileHandouts().print(handout, HandoutFormat.HTML).decode()
    page = lxml_html.fromstring(text.replace("\x00", ""))
    assert page.xpath("//script | //img | //iframe | //*[@onclick]") == []
    assert "49" not in page.text_content().partition("Answers")[0].split()
    asked = page.xpath("//body/ol/li/p")
    assert [seen(p.text_content()) for p in asked] == [
        seen(q.prompt) for q in handout.quiz.questions
    ]
    links = page.xpath("//a/@href")
    assert links == [f"{LINK}?t={int(q.start_s)}" for q in handout.quiz.questions]
    key = page.xpath("//section//strong")
    assert [seen(answer.text_content()) for answer in key] == [
        seen(", ".join(q.answers)) for q in handout.quiz.questions
    ]


def test_without_an_address_there_are_times_and_no_links() -> None:
    """Else a printed page leads nowhere."""
    handout = replace(SUITE, lesson_url=None)
    page = lxml_html.fromstring(FileHandouts().print(handout, HandoutFormat.HTML))
    assert page.xpath("//a") == []
    assert "0:" in page.text_content()
