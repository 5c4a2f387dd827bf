"""Arguments that several commands take."""

from typing import Annotated
from uuid import UUID

import typer

VideoArgument = Annotated[
    UUID, typer.Argument(metavar="VIDEO", help="Id of a video, as `status` shows it.")
]

QuizArgument = Annotated[
    UUID,
    typer.Argument(
        metavar="QUIZ", help="Id of a quiz, as `quiz list` shows it, or of its request."
    ),
]
