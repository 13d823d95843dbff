"""README.fr.md says what README.md says: as many headings, rows and items, the same figures, code and links, in the same order."""

import re
import unittest

import documents
from documents import TOP

# Each is the other's counterpart.
COUNTERPARTS = {"README.fr.md": "README.md"}


def text(name):
    return documents.prose(TOP / name)


def shape(name):
    """The kind of each line that has one: headings by their level, rows by their columns, items."""
    kinds = []
    for line in text(name).splitlines():
        if found := re.match(r"#+ ", line):
            kinds.append(found[0])
        elif line.startswith("|"):
            kinds.append(f"row of {line.count('|') - 1}")
        elif line.startswith("- "):
            kinds.append("item")
    return kinds


def paragraphs(name):
    return [part for part in re.split(r"\n\s*\n", text(name)) if part.strip()]


def code(part):
    return sorted(re.findall(r"`([^`]+)`", part))


def links(part):
    # Each names the other.
    found = re.findall(r"\]\(([^)\s]+)\)", part)
    return sorted(COUNTERPARTS.get(link, link) for link in found)


def figures(part, french):
    """Its numbers as they are written in English, with no commas between thousands."""
    part = re.sub(r"`[^`]*`|\]\([^)]*\)|\bv\d+\b", " ", part)
    if french:
        part = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}\b)", "", part)
        part = re.sub(r"(?<=\d),(?=\d)", ".", part)
    else:
        part = re.sub(r"(?<=\d),(?=\d{3}\b)", "", part)
    return sorted(re.findall(r"\d+(?:\.\d+)?", part))


class Translation(unittest.TestCase):
    maxDiff = None

    def test_it_is_built_alike(self):
        self.assertEqual(shape("README.fr.md"), shape("README.md"))
        self.assertEqual(len(paragraphs("README.fr.md")), len(paragraphs("README.md")))

    def test_its_paragraphs_have_the_same_code_links_and_figures(self):
        seen = set()
        for french, english in zip(paragraphs("README.fr.md"), paragraphs("README.md"), strict=True):
            with self.subTest(english[:60]):
                self.assertEqual(code(french), code(english))
                self.assertEqual(figures(french, french=True), figures(english, french=False))
                # Each names the other, in its own words.
                self.assertEqual(links(french), links(english))
                seen.update(figures(english, french=False))
        self.assertIn("97.03", seen)
        self.assertIn("30000", seen)

    def test_its_pictures_have_the_same_arrows(self):
        def arrows(name):
            (block,) = [block for block in documents.blocks(TOP / name) if block.language == "mermaid"]
            bare = re.sub(r"\|[^|\n]*\||[\[(]+[^\])\n]*[\])]+", "", block.text)
            return re.sub(r"subgraph .*", "subgraph", bare)

        self.assertEqual(arrows("README.fr.md"), arrows("README.md"))
