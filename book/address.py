"""Where this copy of the book is published, if anywhere.

A copy that is published by GitHub's workflow knows its address from it, a checkout from its remote.
Any other copy has none, and then nothing points to a repository: no page has a button that leads
there, and the first cell of a notebook says that it cannot install anything.
"""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# git@HOST:OWNER/NAME.git, ssh://git@HOST/OWNER/NAME and https://HOST/OWNER/NAME.git
_REMOTE = re.compile(
    r"(?:git@|ssh://git@|https://(?:[^/@]*@)?)(?P<host>github\.com)[:/]"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


def address() -> str | None:
    """The address of the repository on GitHub: https://HOST/OWNER/NAME, or None."""
    if name := os.environ.get("GITHUB_REPOSITORY"):
        server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{name}"
    remote = subprocess.run(
        ["git", "-C", ROOT, "remote", "get-url", "origin"],
        capture_output=True,
        text=True,
    )
    match = _REMOTE.fullmatch(remote.stdout.strip())
    return match and f"https://{match['host']}/{match['name']}"
