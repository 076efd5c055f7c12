#!/usr/bin/env bash
# Run benchmarks/mixing.py against Scaper with soxbindings, compiled for this alone, in an
# environment of its own below _build. It needs a C++ compiler and SoX's headers (Debian: g++ and
# libsox-dev). All arguments go to the benchmark.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=_build/soxbindings
python=$environment/bin/python
if ! "$python" -c 'import soxbindings' 2>/dev/null; then
  "${PYTHON:-python3}" -m venv "$environment"
  "$python" -m pip install --quiet -r requirements/lock.txt pybind11
  "$python" -m pip install --quiet --no-deps --editable .
  # Over the stand-in that satisfies pip elsewhere.
  "$python" -m pip install --quiet --no-deps --no-build-isolation --force-reinstall \
    --no-binary soxbindings "soxbindings==1.2.3"
fi
exec "$python" -m benchmarks.mixing "$@"
