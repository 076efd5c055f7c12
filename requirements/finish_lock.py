"""Finish what ``uv pip compile`` prints (standard input) to requirements/lock.txt (output).

PyTorch's CUDA packages are dropped, since PyTorch pins them itself where its build needs them, and
soxbindings is replaced by the stand-in beside this file.
"""

import re
import sys

HEADER = "# Made by `make lock` from pyproject.toml. Do not edit.\n"
CUDA = re.compile(r"^(nvidia-|cuda-|triton==)")
SOXBINDINGS = re.compile(r"^soxbindings==.*")

lines = [line for line in sys.stdin if not CUDA.match(line)]
if not lines:
    sys.exit("uv gave no lock; see its message above")
print(
    HEADER + "".join(SOXBINDINGS.sub("./requirements/soxbindings", line) for line in lines), end=""
)
