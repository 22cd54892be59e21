"""Make a wheel that has ``domain`` and ``adapters`` at its top, as a trading engine beside us may."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

INFO = "neighbour-1.dist-info"
FILES = {
    "domain/__init__.py": 'WHOSE = "neighbour"\n',
    "adapters/__init__.py": 'WHOSE = "neighbour"\n',
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: neighbour\nVersion: 1\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}

with ZipFile(Path(sys.argv[1]) / "neighbour-1-py3-none-any.whl", "w") as wheel:
    for name, text in FILES.items():
        wheel.writestr(name, text)
    wheel.writestr(f"{INFO}/RECORD", "".join(f"{name},,\n" for name in (*FILES, f"{INFO}/RECORD")))
