"""One run over a folder, or over a part of it: what was read, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from adserver.core.assets import digest_of
from adserver.core.problems import Problem
from adserver.publishing.files import load, load_draft
from adserver.publishing.findings import WHOLE_FILE, Findings
from adserver.publishing.folder import Folder, outside
from adserver.publishing.nodes import MapNode

# By its path in the folder, the text of a file that may not be there yet.
Drafts = Mapping[str, str]
NO_DRAFTS: Drafts = MappingProxyType({})


@dataclass(slots=True)
class Reader:
    """One run over one folder."""

    folder: Folder
    drafts: Drafts = field(default_factory=dict)
    every: list[Findings] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    def findings(self, relative: str) -> Findings:
        """Those of one file, which end among the folder's."""
        self.every.append(Findings(self.folder.shown(relative)))
        return self.every[-1]

    @property
    def problems(self) -> set[Problem]:
        return {problem for findings in self.every for problem in findings.problems}

    def load(self, relative: str, findings: Findings) -> MapNode | None:
        draft = self.drafts.get(relative)
        if draft is None and self.folder.leads_out(relative):
            # What is told of a file shows a line of it, to whoever may read what is told.
            findings.refuse(WHOLE_FILE, outside(relative))
            self.sources[findings.file] = ""
            return None
        text, node = (
            load(self.folder.root / relative, findings)
            if draft is None
            else load_draft(draft, findings)
        )
        self.sources[findings.file] = text
        return node

    def keep(self, relative: str) -> None:
        """Take a file into the generation, with those that it uses."""
        data = self.sources[self.folder.shown(relative)].encode()
        digest = digest_of(data)
        self.texts[digest] = data
        self.files[relative] = {relative: digest, **self.folder.used}

    def part(self) -> Reader:
        """A reader of the same folder that begins with nothing."""
        return Reader(Folder(self.folder.root), dict(self.drafts))

    def take(self, part: Reader) -> None:
        """All that a reader of another part has found."""
        self.every += part.every
        self.sources |= part.sources
        self.broken |= part.broken
        self.files |= part.files
        self.texts |= part.texts
        self.folder.take(part.folder)
