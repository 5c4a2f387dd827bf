"""Makes the sample lessons: espeak-ng speaks a text, Pillow draws its slides.

`python samples/make_samples.py` writes `<slug>.mp4` beside each `<slug>.txt`. A text
has one sentence on each line and is the reference transcript of its video, so a lesson
is changed by editing the text and running this again. The same texts and the same
versions of the tools give the same speech.

It needs the program espeak-ng (`apt-get install espeak-ng`) and the package Pillow
(`pip install Pillow`) beside what the project already requires. Nothing of the product
imports it: the videos are committed, and only their author needs these two.
"""

import argparse
import math
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

try:
    from PIL import Image, ImageDraw, ImageFont
except ImportError as missing:
    raise SystemExit("make_samples needs Pillow: pip install Pillow") from missing

HERE = Path(__file__).resolve().parent

# Chosen by the word error rate of Whisper tiny.en: 1.3, 2.3 and 0.9 % for the lessons
# in the order of their slugs. This voice was among the best 3 of 49 on early drafts.
# Without the gap between words the rates are 2.2, 1.8 and 2.7 %.
VOICE = "en-us+m5"
WORDS_PER_MINUTE = 145
WORD_GAP_10MS = 2
# Long enough for a player and a voice activity filter to see where speech begins.
EDGE_SILENCE_S = 1.0
# Added to the pause of about 0.3 s with which espeak-ng ends a sentence.
SENTENCE_PAUSE_S = 0.3

SPEECH_RATE_HZ = 22_050  # what espeak-ng writes
AUDIO_BIT_RATE = 36_000  # plenty for one voice; three lessons stay below 2 MB

FRAMES_PER_S = 2  # slides stand still; also the precision with which they change
KEYFRAME_EVERY_S = 30  # most of the picture's bytes; a new slide brings one anyhow
PICTURE_QUALITY = 30  # x264's crf; text on a still slide stays clean
WIDTH, HEIGHT = 640, 360
MARGIN = 48

PAPER = "#fbfaf6"
INK = "#22303c"
QUIET = "#6a7680"

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Slide:
    """What is shown from one sentence on, until the next slide begins."""

    first_sentence: int
    heading: str
    points: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """A sample: its text lies in `<slug>.txt`, its video in `<slug>.mp4`."""

    slug: str
    title: str
    subject: str
    accent: str
    slides: tuple[Slide, ...]


LESSONS = (
    Lesson(
        slug="photosynthesis",
        title="Photosynthesis: how plants make their food",
        subject="Biology",
        accent="#2f855a",
        slides=(
            Slide(
                1,
                "Light becomes sugar",
                ("water + carbon dioxide + light", "mostly in the leaves"),
            ),
            Slide(
                3,
                "Chlorophyll",
                ("a green pigment", "captures red and blue light", "sends back green"),
            ),
            Slide(
                6,
                "Root, stem and pore",
                (
                    "root: takes in water",
                    "stem: carries it up",
                    "pore: lets gases through",
                ),
            ),
            Slide(
                9,
                "Two stages",
                ("light breaks water: oxygen", "carbon dioxide becomes sugar"),
            ),
            Slide(
                11,
                "What it is good for",
                (
                    "oxygen: the gas we breathe",
                    "starch: a store for the dark",
                    "cell wall: built from sugar",
                ),
            ),
        ),
    ),
    Lesson(
        slug="binary-search",
        title="Binary search: finding an item quickly",
        subject="Computer science",
        accent="#2b6cb0",
        slides=(
            Slide(
                1,
                "Two algorithms",
                ("linear search: item after item", "binary search: half at every step"),
            ),
            Slide(
                5,
                "The words we need",
                ("sorted list", "index: a position", "target: what we look for"),
            ),
            Slide(
                8,
                "One step",
                (
                    "compare with the middle item",
                    "smaller: go left",
                    "larger: go right",
                ),
            ),
            Slide(
                11,
                "Why it is fast",
                ("each comparison removes half", "twice the list, one step more"),
            ),
            Slide(
                13,
                "What to remember",
                ("time complexity: growth of work", "the list must be sorted"),
            ),
        ),
    ),
    Lesson(
        slug="compound-interest",
        title="Compound interest: how savings grow",
        subject="Personal finance",
        accent="#b7592b",
        slides=(
            Slide(
                1,
                "Deposit and interest",
                ("deposit: what you put in", "interest: the price of money"),
            ),
            Slide(
                4,
                "Simple interest",
                ("paid on the first deposit only", "the same amount every year"),
            ),
            Slide(
                6,
                "Compound interest",
                ("interest on earlier interest", "growth becomes larger"),
            ),
            Slide(
                9,
                "Inflation",
                ("prices rise", "savings can lose value"),
            ),
            Slide(
                11,
                "Loans, and time",
                ("unpaid interest joins the loan", "saving early helps"),
            ),
        ),
    ),
)


def main() -> None:
    """Make the lessons named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description="Make the sample lessons.")
    slugs = [lesson.slug for lesson in LESSONS]
    parser.add_argument("slug", nargs="*", help=f"of {', '.join(slugs)}; default: all")
    parser.add_argument("--into", type=Path, default=HERE, help="folder of the videos")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.slug) - set(slugs)):
        parser.error(f"no such lesson: {', '.join(unknown)}")
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        sys.exit("make_samples needs espeak-ng: apt-get install espeak-ng")
    for lesson in LESSONS:
        if not arguments.slug or lesson.slug in arguments.slug:
            video = make_lesson(lesson, espeak, arguments.into)
            print(f"{video.name}: {video.stat().st_size / 1000:.0f} kB")


def make_lesson(lesson: Lesson, espeak: str, folder: Path) -> Path:
    """Speak and draw one lesson; return the video's path."""
    text = (HERE / f"{lesson.slug}.txt").read_text(encoding="utf-8")
    sentences = text.splitlines()
    speech, starts_s = join_sentences([speak(line, espeak) for line in sentences])
    pictures = [draw_title(lesson)]
    changes_s = [0.0]
    for slide in lesson.slides:
        pictures.append(draw_slide(lesson, slide))
        changes_s.append(starts_s[slide.first_sentence])
    video = folder / f"{lesson.slug}.mp4"
    write_video(video, lesson.title, speech, pictures, changes_s)
    return video


def speak(sentence: str, espeak: str) -> Samples:
    """Return the sentence as mono samples at SPEECH_RATE_HZ."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder, "sentence.wav")
        command = [espeak, "-v", VOICE, "-s", str(WORDS_PER_MINUTE)]
        command += ["-g", str(WORD_GAP_10MS), "-w", str(spoken), sentence]
        subprocess.run(command, check=True)
        with wave.open(str(spoken)) as file:
            if file.getframerate() != SPEECH_RATE_HZ:
                sys.exit(f"espeak-ng wrote {file.getframerate()} Hz, not a known rate")
            return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def join_sentences(spoken: Sequence[Samples]) -> tuple[Samples, list[float]]:
    """Return the whole speech with its pauses, and where each sentence starts in s."""
    parts = [silence(EDGE_SILENCE_S)]
    starts_s = []
    length = parts[0].size
    for sentence in spoken:
        starts_s.append(length / SPEECH_RATE_HZ)
        parts += [sentence, silence(SENTENCE_PAUSE_S)]
        length += sentence.size + parts[-1].size
    parts.append(silence(EDGE_SILENCE_S))
    return np.concatenate(parts), starts_s


def silence(duration_s: float) -> Samples:
    """Return that many seconds of zeros."""
    return np.zeros(round(duration_s * SPEECH_RATE_HZ), dtype=np.int16)


def draw_title(lesson: Lesson) -> Image.Image:
    """Return the first slide: subject and title on the lesson's colour."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), lesson.accent)
    pen = ImageDraw.Draw(picture)
    name, _, promise = lesson.title.partition(": ")
    pen.text((MARGIN, 96), lesson.subject.upper(), PAPER, font=typeface(18))
    pen.text((MARGIN, 132), name, PAPER, font=typeface(52))
    pen.text((MARGIN, 208), promise[0].upper() + promise[1:], PAPER, font=typeface(26))
    return picture


def draw_slide(lesson: Lesson, slide: Slide) -> Image.Image:
    """Return a slide: heading, up to three points, the lesson's name at the foot."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 12, HEIGHT), lesson.accent)
    pen.text((MARGIN, 44), slide.heading, lesson.accent, font=typeface(40))
    for line, point in enumerate(slide.points):
        top = 128 + 56 * line
        pen.ellipse((MARGIN, top + 12, MARGIN + 10, top + 22), lesson.accent)
        pen.text((MARGIN + 28, top), point, INK, font=typeface(28))
    name = lesson.title.partition(": ")[0]
    pen.text((MARGIN, HEIGHT - 40), name, QUIET, font=typeface(16))
    return picture


def typeface(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own face, so that every machine draws the same slide."""
    return ImageFont.load_default(size)


def write_video(
    path: Path,
    title: str,
    speech: Samples,
    pictures: Sequence[Image.Image],
    changes_s: Sequence[float],
) -> None:
    """Write an mp4 that begins with its index, so that it plays while it loads.

    Picture i is shown from changes_s[i] on. Speech and pictures are muxed in turns:
    a muxer that is given one of them alone has to hold it back.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", container_options=options) as container:
        container.metadata["title"] = title
        video = container.add_stream("libx264", rate=FRAMES_PER_S)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.gop_size = KEYFRAME_EVERY_S * FRAMES_PER_S
        video.options = {"preset": "veryslow", "crf": str(PICTURE_QUALITY)}
        audio = container.add_stream("aac", rate=SPEECH_RATE_HZ, layout="mono")
        audio.bit_rate = AUDIO_BIT_RATE
        audio.metadata["language"] = "eng"
        images = [
            av.VideoFrame.from_ndarray(np.asarray(picture), "rgb24")
            for picture in pictures
        ]
        for number, sound in enumerate(split_by_frame(speech)):
            now_s = number / FRAMES_PER_S
            # Half a frame ahead: a slide is never later than its sentence.
            due = sum(change <= now_s + 0.5 / FRAMES_PER_S for change in changes_s)
            image = images[due - 1].reformat(format="yuv420p")
            image.pts, image.time_base = number, Fraction(1, FRAMES_PER_S)
            container.mux(video.encode(image))
            container.mux(audio.encode(sound))
        container.mux(video.encode())
        container.mux(audio.encode())


def split_by_frame(speech: Samples) -> Iterator[av.AudioFrame]:
    """Yield the speech in pieces that last as long as one picture."""
    step = SPEECH_RATE_HZ // FRAMES_PER_S
    for number in range(math.ceil(speech.size / step)):
        piece = speech[number * step : (number + 1) * step]
        sound = av.AudioFrame.from_ndarray(piece[np.newaxis], "s16", "mono")
        sound.sample_rate = SPEECH_RATE_HZ
        sound.pts, sound.time_base = number * step, Fraction(1, SPEECH_RATE_HZ)
        yield sound


if __name__ == "__main__":
    main()
