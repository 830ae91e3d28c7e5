"""Write the files of examples/ into the pages that show them: below the line "`examples/...`:" stands the file.

`--check` changes nothing and names the pages that are not up to date; exit code 1 if there are any.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"^(`(examples/[^`\n]+)`:\n\n```\w+\n).*?^```$", re.DOTALL | re.MULTILINE)


def main() -> None:
    outdated = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.read_text() != updated(page)]
    for page in outdated:
        print(page.relative_to(ROOT))
        if "--check" not in sys.argv:
            page.write_text(updated(page))
    if outdated and "--check" in sys.argv:
        sys.exit(
            f"{len(outdated)} pages show something else than examples/: scripts/example_blocks.py updates them"
        )


def updated(page: Path) -> str:
    return SHOWN.sub(lambda found: f"{found[1]}{(ROOT / found[2]).read_text()}```", page.read_text())


if __name__ == "__main__":
    main()
