"""`mentora eval`: how close the transcripts are to what was said."""

from pathlib import Path

from mentora_pipelines.cli.demo import sample_lessons
from mentora_pipelines.cli.output import JsonOption, print_json, print_table
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers import open_catalogue, open_lessons


def evaluate(json: JsonOption = False) -> None:
    """Print the word error rate of each sample lesson against its spoken text."""
    rows = []
    with open_catalogue() as catalogue, open_lessons() as lessons:
        for sample in sample_lessons():
            video = catalogue.find_by_storage_key(sample.storage_key)
            if video is None or video.published_transcript_id is None:
                raise NotFound(f"{sample.title} is not published: run `mentora demo`")
            heard = lessons.transcript(video, video.published_transcript_id)
            rows.append((sample.title, word_error_rate(sample.reference, heard.text)))
    if json:
        print_json({"samples": [{"title": title, "wer": wer} for title, wer in rows]})
    else:
        print_table(
            "Word error rate",
            ["lesson", "WER %"],
            [[title, round(100 * wer, 2)] for title, wer in rows],
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
