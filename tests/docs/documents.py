"""The documents: their blocks, links and headings."""

import functools
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
NAMES = ["README.md", "README.fr.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- (needs|run by|exits): (.+?) -->\s*\Z")


def every():
    return [TOP / name for name in NAMES] + sorted((TOP / "docs").rglob("*.md")) + sorted((TOP / "infra").rglob("README.md"))


class Block:
    """A fenced block. `marks` are what comments before it say: what it needs, who runs it, how it exits."""

    def __init__(self, match, before):
        self.language, self.text = match[1], match[2]
        self.marks = {}
        while mark := MARK.search(before):
            self.marks[mark[1]] = mark[2]
            before = before[: mark.start()]

    @property
    def runs(self):
        return not self.marks.keys() & {"needs", "run by"}

    def commands(self):
        """Pairs of a command and what it prints; nothing for what no document shows."""
        if self.language == "sh":
            return [(self.text, None)]
        parts = re.split(r"^\$ ", self.text, flags=re.M)[1:]
        return [tuple(part.partition("\n")[::2]) for part in parts]


@functools.cache
def blocks(path):
    text = path.read_text()
    return [Block(match, text[: match.start()]) for match in FENCE.finditer(text)]


def commands(path):
    return [block for block in blocks(path) if block.language in ("sh", "console")]


def prose(path):
    return FENCE.sub("", path.read_text())


def anchors(path):
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path):
    return re.findall(r"\]\(([^)\s]+)\)", prose(path))
