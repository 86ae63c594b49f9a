"""Compiles every module below a folder: `PYTHONHASHSEED=0 python -S -B infra/bytecode.py FOLDER`.

Promises the same bytes for the same sources and Python: files in order, one fresh process, no dates, and bytecode that
is checked against a hash of its source. A file that does not compile is left as it is. Standard library only.
"""

from __future__ import annotations

import py_compile
import sys
from pathlib import Path


def compile_all(root: Path) -> None:
    """Write `__pycache__` beside each module."""
    for source in sorted(root.rglob("*.py")):
        py_compile.compile(
            str(source),
            dfile=str(source.relative_to(root)),
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
        )


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]))
