"""What starts work when something happens, one trigger per file.

Here belong thin pipes: read, ask the domain for the difference, return it. Not
here: the difference itself, or any work on a video.
"""
