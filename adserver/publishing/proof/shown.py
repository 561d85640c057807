"""Creatives as a proof shows them: pictures inside the document, texts as words.

An HTML creative runs and may load more, which a document that needs nothing else cannot: it is
named by its content instead.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adserver.core.catalog import Creative, Html, Image, Text
from adserver.core.fit import sharp_picture_for
from adserver.publishing.images import FORMATS
from adserver.publishing.proof.language import Language

# Of all pictures of one proof: what goes by mail, once it has grown by a third as text.
MAX_PICTURE_BYTES = 12 * 1024 * 1024
# Any other would not be drawn, or would run.
MEDIA_TYPES = frozenset(media_type for media_type, _ in FORMATS.values())


@dataclass(frozen=True, slots=True)
class Picture:
    """source: a data: address. width, height: CSS pixels."""

    source: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class Shown:
    """notes: of what cannot be shown, and why; without a picture or a text, that is all."""

    id: str
    link: str
    pictures: tuple[Picture, ...] = ()
    text: Text | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Showing:
    """read: bytes by digest; what is kept no more is left out. left: bytes that may still be
    put into this document."""

    read: Callable[[Sequence[str]], Mapping[str, bytes]]
    language: Language
    left: int = MAX_PICTURE_BYTES

    def shown(self, creative: Creative) -> Shown:
        if creative.text:
            note = self.language.say("text_creative")
            return Shown(creative.id, creative.link, text=creative.text, notes=(note,))
        if creative.html:
            return Shown(creative.id, creative.link, notes=tuple(self._told(creative.html)))
        pictures, notes = list[Picture](), list[str]()
        for image in chosen(creative):
            found = self._picture(image, creative.alt)
            if isinstance(found, Picture):
                pictures.append(found)
            else:
                notes.append(found)
        return Shown(creative.id, creative.link, tuple(pictures), notes=tuple(notes))

    def _picture(self, image: Image, alt: str) -> Picture | str:
        """The picture, or why it is not there."""
        data = self.read([image.digest]).get(image.digest)
        if data is None or image.media_type not in MEDIA_TYPES:
            return self._named("picture_lost", image)
        if len(data) > self.left:
            return self._named("picture_heavy", image, self.language.size(len(data)))
        self.left -= len(data)
        source = f"data:{image.media_type};base64,{b64encode(data).decode()}"
        return Picture(source, image.size.width, image.size.height, alt)

    def _told(self, html: Html) -> Iterator[str]:
        data = self.read([html.digest]).get(html.digest)
        if data is None:
            yield self._named("html_lost", html)
            return
        yield self._named("html_creative", html, self.language.size(len(data)))
        if html.loads_from:
            yield self.language.say("html_loads", hosts=self.language.listed(html.loads_from))

    def _named(self, key: str, file: Image | Html, weight: str = "") -> str:
        return self.language.say(
            key,
            name=file.name,
            digest=file.digest,
            width=file.size.width,
            height=file.size.height,
            weight=weight,
        )


def chosen(creative: Creative) -> list[Image]:
    """One of each size, the sharp one if there is one: paper shows it."""
    sizes = {image.size: image for image in creative.images if image.density == 1}
    return [sharp_picture_for(creative, image) or image for image in sizes.values()]
