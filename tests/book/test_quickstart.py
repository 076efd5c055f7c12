"""The quickstart on the songs of the package and on a real one: what it promises comes out.

The real one needs MUSDB_PATH at MUSDB18, and ffmpeg for .stem.mp4 files.
"""

import json
import os
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "book/intro/quickstart.ipynb"
METRICS = ["SDR (BSS Eval v4)", "SI-SDR"]


def scores_of_the_page():
    """Run the page, and return its song's name and its scores: methods × (metric, source)."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    columns = ["method", "source", "metric", "value"]
    report = f"import json; print(json.dumps([song.name, scores[{columns}].to_dict('records')]))"
    notebook.cells.append(nbformat.v4.new_code_cell(report))
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": NOTEBOOK.parent}}
    )
    client.execute()
    name, rows = json.loads(notebook.cells[-1].outputs[0].text)
    assert len(rows) == 3 * 4 * 2
    table = pd.DataFrame(rows).pivot(index="method", columns=["metric", "source"], values="value")
    print(f"\n{name}\n{table.T.round(2)}")
    assert sorted(table.columns.levels[0]) == METRICS
    assert np.isfinite(table).all(axis=None)
    assert (table.loc["ideal ratio mask"] > table.loc["mixture"] + 5).all()
    return table


@pytest.mark.slow
def test_the_model_gains_for_every_stem_of_the_books_own_song(monkeypatch):
    monkeypatch.delenv("MUSDB_PATH", raising=False)
    table = scores_of_the_page()
    assert (table.loc["model"] > table.loc["mixture"] + 0.5).all()


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("MUSDB_PATH"), reason="MUSDB_PATH names no real songs")
def test_it_runs_on_a_real_song():
    scores_of_the_page()
