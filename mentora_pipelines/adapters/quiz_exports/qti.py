"""QTI 2.1: a package of one test and an item for each question.

Here belong the XML documents and their package. What XML cannot hold (most control
characters) is left out; everything else is escaped by the serialiser.
"""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

from mentora_pipelines.domain.quizzes.handouts import Handout
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    Question,
    QuestionKind,
)

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
SCHEMA = f"{QTI} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
MATCH = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"
EVIDENCE = "evidence"
"""Names the feedback of a question: its quotation and where that is said."""

MAP = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"

# A package of the same quiz has the same bytes.
_MADE = (1980, 1, 1, 0, 0, 0)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_qti(handout: Handout) -> bytes:
    """The package as a ZIP file."""
    files = {
        f"items/q{number}.xml": _item(number, question, handout)
        for number, question in enumerate(handout.quiz.questions, 1)
    }
    files = {
        "imsmanifest.xml": _manifest(handout, list(files)),
        "test.xml": _test(handout, list(files)),
        **files,
    }
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, root in files.items():
            ET.indent(root)
            text = ET.tostring(root, encoding="utf-8", xml_declaration=True)
            archive.writestr(zipfile.ZipInfo(name, _MADE), text)
    return package.getvalue()


def _root(tag: str, namespace: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, {"xmlns": namespace, **attributes})


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, {k: _xml(v) for k, v in attributes.items()})
    child.text = _xml(text) or None
    return child


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)


def _item(number: int, question: Question, handout: Handout) -> ET.Element:
    item = _root(
        "assessmentItem",
        QTI,
        identifier=f"q{number}",
        title=f"Question {number}",
        adaptive="false",
        timeDependent="false",
    )
    item.set("xmlns:xsi", XSI)
    item.set("xsi:schemaLocation", SCHEMA)
    item.set("xml:lang", _xml(handout.language))
    _declare_response(item, question)
    outcome = _add(
        item, "outcomeDeclaration", identifier="SCORE", cardinality="single",
        baseType="float",
    )  # fmt: skip
    _add(_add(outcome, "defaultValue"), "value", "0")
    feedback = _add(
        item, "outcomeDeclaration", identifier="FEEDBACK", cardinality="single",
        baseType="identifier",
    )  # fmt: skip
    # Whatever was answered: no template of responses sets another outcome than SCORE.
    _add(_add(feedback, "defaultValue"), "value", EVIDENCE)
    body = _add(item, "itemBody")
    if question.kind.has_options:
        _choices(body, question)
    elif question.kind is QuestionKind.FILL_IN:
        before, _, after = question.prompt.partition(BLANK)
        line = _add(body, "p", before)
        gap = _add(line, "textEntryInteraction", responseIdentifier="RESPONSE")
        gap.tail = _xml(after)
    else:
        lines = _add(
            body, "extendedTextInteraction", responseIdentifier="RESPONSE",
            expectedLines="3",
        )  # fmt: skip
        _add(lines, "prompt", question.prompt)
    if question.kind is QuestionKind.FILL_IN:
        _add(item, "responseProcessing", template=MAP)
    elif question.kind.has_options:
        _add(item, "responseProcessing", template=MATCH)
    _feedback(item, question, handout)
    return item


def _declare_response(item: ET.Element, question: Question) -> None:
    several = question.kind is QuestionKind.MULTIPLE_ANSWER
    declared = _add(
        item,
        "responseDeclaration",
        identifier="RESPONSE",
        cardinality="multiple" if several else "single",
        baseType="identifier" if question.kind.has_options else "string",
    )
    correct = _add(declared, "correctResponse")
    if question.kind.has_options:
        for place, option in enumerate(question.options):
            if option in question.answers:
                _add(correct, "value", _choice_id(place))
        return
    _add(correct, "value", question.answer)
    if question.kind is QuestionKind.FILL_IN:
        mapping = _add(declared, "mapping", defaultValue="0")
        for answer in question.answers:
            _add(
                mapping, "mapEntry", mapKey=answer, mappedValue="1",
                caseSensitive="false",
            )  # fmt: skip


def _choice_id(place: int) -> str:
    return f"choice_{place + 1}"


def _choices(body: ET.Element, question: Question) -> None:
    several = question.kind is QuestionKind.MULTIPLE_ANSWER
    choices = _add(
        body,
        "choiceInteraction",
        responseIdentifier="RESPONSE",
        shuffle="false",
        # 0: as many as one likes.
        maxChoices="0" if several else "1",
    )
    _add(choices, "prompt", question.prompt)
    for place, option in enumerate(question.options):
        _add(choices, "simpleChoice", option, identifier=_choice_id(place))


def _feedback(item: ET.Element, question: Question, handout: Handout) -> None:
    feedback = _add(
        item, "modalFeedback", outcomeIdentifier="FEEDBACK", identifier=EVIDENCE,
        showHide="show",
    )  # fmt: skip
    line = _add(feedback, "p", f"{', '.join(question.answers)}: “{question.quote}” ")
    moment = handout.moment(question)
    if moment is not None:
        _add(line, "a", moment, href=moment)


def _test(handout: Handout, items: list[str]) -> ET.Element:
    test = _root("assessmentTest", QTI, identifier="test", title=_xml(handout.title))
    part = _add(
        test, "testPart", identifier="part", navigationMode="nonlinear",
        submissionMode="individual",
    )  # fmt: skip
    section = _add(
        part, "assessmentSection", identifier="section", title=handout.title,
        visible="true",
    )  # fmt: skip
    for number, name in enumerate(items, 1):
        _add(section, "assessmentItemRef", identifier=f"ref_q{number}", href=name)
    return test


def _manifest(handout: Handout, items: list[str]) -> ET.Element:
    manifest = _root("manifest", PACKAGE, identifier=f"quiz-{handout.quiz.id}")
    metadata = _add(manifest, "metadata")
    _add(metadata, "schema", "QTIv2.1 Package")
    _add(metadata, "schemaversion", "1.0.0")
    _add(manifest, "organizations")
    resources = _add(manifest, "resources")
    test = _add(
        resources, "resource", identifier="test", type="imsqti_test_xmlv2p1",
        href="test.xml",
    )  # fmt: skip
    _add(test, "file", href="test.xml")
    for number, name in enumerate(items, 1):
        _add(test, "dependency", identifierref=f"q{number}")
        item = _add(
            resources, "resource", identifier=f"q{number}",
            type="imsqti_item_xmlv2p1", href=name,
        )  # fmt: skip
        _add(item, "file", href=name)
    return manifest
