"""Texts that an endpoint chose, as long as a report can have them."""

from __future__ import annotations

#: What is longer is no state, code or message of any service, and a run repeats it thousands of times.
MOST = 2_000
#: For what stands in the midst of a sentence: states, codes.
MOST_OF_A_NAME = 200


def shortened(text: str, most: int = MOST) -> str:
    """The text, or its beginning with the length and a digest of the whole: what differs still does."""
    if len(text) <= most:
        return text
    import hashlib  # noqa: PLC0415 - `--help` imports this module, and shortens nothing

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:most]}… ({len(text)} characters, SHA-256 {digest}…)"
