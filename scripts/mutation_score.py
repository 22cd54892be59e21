"""Say how many mutants the tests killed, after ``mutmut run``; fail where it is not enough."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
STATS: Final = ROOT / "mutants" / "mutmut-cicd-stats.json"
ENOUGH_PCT: Final = 85.0


def main() -> int:
    """Export the counts of the last run and judge them."""
    mutmut = Path(sys.executable).with_name("mutmut")
    subprocess.run([mutmut, "export-cicd-stats"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    counts: dict[str, int] = json.loads(STATS.read_text(encoding="utf-8"))
    tried = counts["total"] - counts["skipped"]
    # A mutant that never ends is noticed as surely as one that fails.
    noticed = counts["killed"] + counts["timeout"]
    score = 100 * noticed / tried if tried else 0.0
    print(f"mutants: {noticed} of {tried} noticed, {score:.1f} % (over {ENOUGH_PCT:.0f} % wanted)")
    return 0 if score > ENOUGH_PCT else 1


if __name__ == "__main__":
    sys.exit(main())
