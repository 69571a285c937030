"""Every relative link of every Markdown file leads somewhere."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def pages():
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(("build", "results", ".git"))]
    return [*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))]


class Links(unittest.TestCase):
    def test_there_are_pages(self):
        self.assertIn(ROOT / "README.md", pages())

    def test_every_relative_link_leads_somewhere(self):
        for page in pages():
            for target in LINK.findall(page.read_text(encoding="utf-8")):
                if "://" not in target:
                    self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}")


if __name__ == "__main__":
    unittest.main()
