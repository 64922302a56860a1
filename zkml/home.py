"""Where this user's caches and trust decisions live."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return `$ZKML_HOME`, by default `~/.zkml`. It may not exist yet."""
    return Path(os.environ.get("ZKML_HOME") or Path.home() / ".zkml")
