"""The permanent numbers of names, kept without a text for each name of very many campaigns.

`creative/<campaign>/<id>` is a hundred bytes, three times a campaign, and all that is ever asked
for is how the creatives that are there are numbered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adserver.core.catalog import Campaign, Generation

Own = tuple[int, ...]
"""The number of a campaign, then those of its creatives, in their order."""
NOTHING: Mapping[str, int] = {}


class Numbers(Mapping[str, int]):
    """As `Generation.numbers` documents. own: by the campaign's name."""

    def __init__(self, others: Mapping[str, int]) -> None:
        """others: those of sites and slots."""
        self.own: dict[str, Own] = {}
        self._others = others
        # By the campaign's name; mostly equal, and each kept once.
        self._ids: dict[str, tuple[str, ...]] = {}
        self._known_ids: dict[tuple[str, ...], tuple[str, ...]] = {}
        # Of the few that have some: creatives that they had, by id.
        self._past: dict[str, dict[str, int]] = {}

    def add(self, campaign: Campaign, numbers: Mapping[str, int]) -> None:
        """numbers: of its own names at least. KeyError for one of its names that has none."""
        name, before = campaign.name, f"creative/{campaign.name}/"
        ids = tuple(creative.id for creative in campaign.creatives)
        of_creatives = tuple(numbers[before + one] for one in ids)
        self.own[name] = numbers[f"campaign/{name}"], *of_creatives
        self._ids[name] = self._known_ids.setdefault(ids, ids)
        if len(numbers) > len(ids) + 1:
            every = numbers.items()
            written = {key.removeprefix(before): n for key, n in every if key.startswith(before)}
            self._past[name] = {one: n for one, n in written.items() if one not in ids}

    def ever(self, campaign: str) -> Own:
        """With those of the creatives that it had behind the others."""
        own, past = self.own[campaign], self._past.get(campaign)
        return (*own, *past.values()) if past else own

    def __getitem__(self, key: str) -> int:
        kind, _, rest = key.partition("/")
        name, _, creative = rest.partition("/")
        if kind == "campaign" and rest in self.own:
            return self.own[rest][0]
        if kind == "creative" and name in self.own:
            if creative in self._ids[name]:
                return self.own[name][1 + self._ids[name].index(creative)]
            return self._past.get(name, NOTHING)[creative]
        return self._others[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._others
        for name, ids in self._ids.items():
            yield f"campaign/{name}"
            for creative in (*ids, *self._past.get(name, NOTHING)):
                yield f"creative/{name}/{creative}"

    def __len__(self) -> int:
        of_campaigns = sum(map(len, self.own.values()))
        return len(self._others) + of_campaigns + sum(map(len, self._past.values()))


def numbers_of(generation: Generation) -> Numbers:
    """Those that it was read with, or the same of one that was made otherwise."""
    given = generation.numbers
    if isinstance(given, Numbers):
        return given
    of_campaign: dict[str, dict[str, int]] = {}
    others: dict[str, int] = {}
    for key, number in given.items():
        kind, _, rest = key.partition("/")
        if kind in ("campaign", "creative"):
            of_campaign.setdefault(rest.partition("/")[0], {})[key] = number
        else:
            others[key] = number
    made = Numbers(others)
    for campaign in generation.catalog.campaigns:
        made.add(campaign, of_campaign[campaign.name])
    return made
