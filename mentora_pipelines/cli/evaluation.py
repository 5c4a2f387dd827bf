"""`mentora eval`: how good transcripts and search are, against what is known."""

from dataclasses import asdict
from pathlib import Path

from mentora_pipelines.adapters.golden_set.lessons import golden_lessons
from mentora_pipelines.cli.demo import sample_lessons
from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
)
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.search import Reranker, SearchMode
from mentora_pipelines.domain.search_quality import (
    DEPTHS,
    SearchFigures,
    embed_questions,
    judge_model,
)
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.models import make_cached_embedder, make_reranker
from mentora_pipelines.providers.search import open_golden_index
from mentora_pipelines.providers.spending import open_usage_ledgers

RERANKED = "reranked"

FAILURE_DEPTH = 5
"""As many hits as a search shows unless it is told otherwise."""


def evaluate(json: JsonOption = False) -> None:
    """Word error rate of the sample lessons, and search over the golden set.

    The golden set is loaded in a transaction that is rolled back.
    """
    errors = _word_error_rates()
    figures = _search_figures()
    if json:
        print_json(
            {
                "samples": [{"title": title, "wer": wer} for title, wer in errors],
                "search": {name: _as_json(of) for name, of in figures.items()},
            }
        )
        return
    if errors:
        print_table(
            "Word error rate",
            ["lesson", "WER %"],
            [[title, round(100 * wer, 2)] for title, wer in errors],
        )
    else:
        print_text("Word error rate: the samples are not published (mentora demo)\n")
    _print_figures(figures)
    _print_failures(*next(iter(figures.items())))


def _word_error_rates() -> list[tuple[str, float]]:
    """Title and rate of each sample that is published."""
    rates = []
    with open_catalogue() as catalogue, open_lessons() as lessons:
        for sample in sample_lessons():
            video = catalogue.find_by_storage_key(sample.storage_key)
            if video is None or video.published_transcript_id is None:
                continue
            heard = lessons.transcript(video, video.published_transcript_id)
            rates.append((sample.title, word_error_rate(sample.reference, heard.text)))
    return rates


def _search_figures() -> dict[str, SearchFigures]:
    """By way to search; `reranked` is the hybrid one, where sentences are compared."""
    lessons = golden_lessons()
    with open_cache() as cache, open_usage_ledgers() as ledgers:
        embedder = make_cached_embedder(cache, ledgers)
        questions = embed_questions(lessons, embedder)
        reranker = make_reranker(embedder)
        ways: dict[str, tuple[SearchMode, Reranker | None]] = {
            mode.value: (mode, None) for mode in SearchMode
        }
        if reranker is not None:
            ways = {RERANKED: (SearchMode.HYBRID, reranker), **ways}
        with open_golden_index(lessons, embedder) as index:
            return {
                name: judge_model(
                    lessons,
                    index,
                    questions,
                    creator_id=index.creator_id,
                    mode=mode,
                    reranker=reranker_of_way,
                )
                for name, (mode, reranker_of_way) in ways.items()
            }


def _as_json(figures: SearchFigures) -> dict[str, object]:
    return {
        "questions": len(figures.judged),
        "recall_at": figures.recall_at,
        "mrr": figures.mrr,
        "mrr_by_kind": figures.mrr_by_kind,
        "failures": [asdict(failure) for failure in figures.failures(FAILURE_DEPTH)],
    }


def _print_figures(figures: dict[str, SearchFigures]) -> None:
    kinds = list(figures[SearchMode.HYBRID].mrr_by_kind)
    count = len(figures[SearchMode.HYBRID].judged)
    print_table(
        f"Search, {count} questions of the golden set; MRR over all and by kind",
        ["search", *(f"recall@{depth}" for depth in DEPTHS), "MRR", *kinds],
        [
            [
                name,
                *of.recall_at.values(),
                of.mrr,
                *(of.mrr_by_kind[kind] for kind in kinds),
            ]
            for name, of in figures.items()
        ],
    )


def _print_failures(name: str, figures: SearchFigures) -> None:
    print_table(
        f"Not among the first {FAILURE_DEPTH} of the {name} search",
        ["question", "answered in", "at", "rank", "found instead"],
        [
            [
                failure.question.question,
                failure.lesson,
                clock(failure.question.start_s),
                failure.rank,
                (failure.found_instead or "")[:80],
            ]
            for failure in figures.failures(FAILURE_DEPTH)
        ],
    )


def word_error_rate(reference: Path, heard: str) -> float:
    """Share of wrong words, 0 to 1 and above; case and punctuation do not count."""
    import jiwer

    plain = jiwer.Compose(
        [
            jiwer.ToLowerCase(),
            jiwer.SubstituteRegexes({r"[-–—]": " "}),
            jiwer.RemovePunctuation(),
            jiwer.RemoveMultipleSpaces(),
            jiwer.Strip(),
        ]
    )
    return float(
        jiwer.wer(
            plain(reference.read_text(encoding="utf-8").replace("\n", " ")),
            plain(heard.replace("\n", " ")),
        )
    )
