"""The quickstart on a real song: needs MUSDB_PATH at MUSDB18, and ffmpeg for .stem.mp4 files."""

import json
import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "book/intro/quickstart.ipynb"


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("MUSDB_PATH"), reason="MUSDB_PATH names no real songs")
def test_it_runs_and_every_score_is_finite():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    report = "import json; print(json.dumps([song.name, scores.to_dict('records')]))"
    notebook.cells.append(nbformat.v4.new_code_cell(report))
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": NOTEBOOK.parent}}
    )
    client.execute()
    name, scores = json.loads(notebook.cells[-1].outputs[0].text)
    print(f"\n{name}")
    for row in scores:
        print("{method:17} {source:7} {metric:7} {value:7.2f} dB".format(**row))
    assert len(scores) == 3 * 4 * 2
    assert all(np.isfinite(row["value"]) for row in scores)
    ideal = {(r["source"], r["metric"]): r["value"] for r in scores if "ideal" in r["method"]}
    nothing = {(r["source"], r["metric"]): r["value"] for r in scores if r["method"] == "mixture"}
    assert all(ideal[key] > nothing[key] + 5 for key in ideal)
