"""The comparison with real music: its verdict, and (slow) that TinyStems passes it."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import realism
from tutorial_utils import measures, tinystems
from tutorial_utils.data.songs import LABELS


def numbers(offset=0.0, spread=2.0):
    """Made-up measures of three songs, all values the same but for the song's own offset."""
    index = pd.MultiIndex.from_product([["a", "b", "c"], LABELS], names=["song", "stem"])
    own = offset + np.repeat([-spread, 0.0, spread], len(LABELS))
    return pd.DataFrame({name: own for name in measures.COLUMNS}, index=index)


def test_sets_that_agree_and_vary_are_praised():
    assert realism.complaints(numbers(), numbers(2.9)) == []


def test_sets_too_far_apart_or_too_much_alike_are_named():
    far = realism.complaints(numbers(), numbers(-3.1))
    assert len(far) == 2 * len(LABELS)
    assert "ratio mask (dB), bass: +3.1 from the real median" in far
    alike = realism.complaints(numbers(spread=0.1), numbers())
    assert len(alike) == 2 * len(LABELS)
    assert "mixture SI-SDR (dB), vocals: a spread of 0.1 only" in alike


def test_the_table_shows_every_measure_of_every_set():
    text = realism.table({"ours": numbers(), "theirs": numbers(5.0)})
    for name in [*measures.COLUMNS, *LABELS, "ours", "theirs", "5.0 ± 1.6"]:
        assert name in text


@pytest.mark.slow
def test_the_default_set_is_small_and_like_real_music(capsys):
    root = tinystems.build(progress=False)
    assert sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) < 2**30
    assert realism.main([]) == 0, capsys.readouterr().out
