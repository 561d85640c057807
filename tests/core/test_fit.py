"""Which creative fits which slot, on which device, with which picture."""

from __future__ import annotations

from adserver.core.catalog import Device, Html, Size
from adserver.core.fit import (
    fits,
    fits_anywhere,
    fitting,
    picture_for,
    room_for,
    sharp_picture_for,
)
from tests.factories import campaign, image, image_creative, slot, text_creative

ROOM = Size(728, 90)
DESKTOP_ONLY = {Device.DESKTOP: ROOM}


def html(width: int, height: int):
    return text_creative(text=None, html=Html("d" * 32, "b.html", Size(width, height)))


def test_the_largest_picture_that_fits_is_shown() -> None:
    small, large, too_large = image(300, 50), image(700, 90), image(970, 250)
    assert picture_for(image_creative("x", small, too_large, large), ROOM) == large


def test_of_two_pictures_of_one_size_the_first_is_shown() -> None:
    first, second = image(728, 90, name="a.png"), image(728, 90, name="b.png")
    assert picture_for(image_creative("x", first, second), ROOM) == first


def test_a_picture_of_double_density_is_never_shown_alone() -> None:
    assert picture_for(image_creative("x", image(728, 90, density=2)), ROOM) is None


def test_only_the_exact_double_makes_a_picture_sharp() -> None:
    plain, sharp = image(728, 90), image(728, 90, density=2, name="b@2x.png")
    other = image(300, 50, density=2)
    assert sharp_picture_for(image_creative("x", plain, other, sharp), plain) == sharp
    assert sharp_picture_for(image_creative("x", plain, other), plain) is None


def test_a_slot_with_one_size_has_it_on_every_device() -> None:
    assert room_for(slot(sizes=DESKTOP_ONLY), Device.MOBILE) == ROOM


def test_a_slot_with_two_sizes_has_each_on_its_device() -> None:
    assert room_for(slot(), Device.DESKTOP) == ROOM
    assert room_for(slot(), Device.MOBILE) == Size(320, 100)


def test_a_slot_without_sizes_has_room_for_nothing() -> None:
    nowhere = slot(sizes={})
    assert room_for(nowhere, Device.DESKTOP) is None
    assert not fits_anywhere(text_creative(), nowhere)


def test_words_fit_every_room() -> None:
    assert fits(text_creative(), slot(), Device.MOBILE)


def test_a_document_fits_where_its_size_does() -> None:
    assert fits(html(728, 90), slot(), Device.DESKTOP)
    assert not fits(html(728, 90), slot(), Device.MOBILE)
    assert fits_anywhere(html(728, 90), slot())
    assert not fits_anywhere(html(970, 250), slot())


def test_a_campaign_shows_those_of_its_creatives_that_fit() -> None:
    wide, words = image_creative("wide", image(728, 90)), text_creative("words")
    booked = campaign(creatives=(wide, words))
    assert fitting(booked, slot(), Device.DESKTOP) == (wide, words)
    assert fitting(booked, slot(), Device.MOBILE) == (words,)
