"""The comparison with real music: its measures, and (slow) that TinyStems passes it."""

import numpy as np
import pytest

from benchmarks import realism
from tutorial_utils.data import open_songs, tinystems

# Measured on the seven seconds of a MUSDB18 song with which museval tests itself.
REAL = {
    "mixture SI-SDR": {"drums": -4.1, "bass": -6.7, "other": -8.1, "vocals": -1.5},
    "ratio mask": {"drums": 10.0, "bass": 7.3, "other": 7.5, "vocals": 13.3},
}


class Fake:
    """Four stems of one second that do not overlap in time or frequency."""

    sample_rate = 44100
    labels = realism.LABELS

    def stem(self, label):
        t = np.arange(44100) / 44100
        number = realism.LABELS.index(label)
        tone = 0.1 * np.sin(2 * np.pi * (300 + 1000 * number) * t)
        if label == "vocals":
            tone[:22050] = 0
        return np.stack([tone, -tone if label == "other" else 0.5 * tone]).astype(np.float32)

    def mixture(self):
        return sum(self.stem(label) for label in self.labels)


def test_measures_of_tones_that_do_not_overlap():
    rows = realism.measure(Fake())
    assert "other" not in rows  # its channels cancel: nothing of it is left in mono
    assert rows["vocals"]["silence"] == pytest.approx(50, abs=2)
    assert rows["drums"]["centroid"] == pytest.approx(300, abs=30)
    assert rows["bass"]["side / mid"] == pytest.approx(20 * np.log10(1 / 3), abs=0.1)
    assert rows["bass"]["crest"] == pytest.approx(3.01, abs=0.05)
    for label in ("drums", "bass"):
        assert rows[label]["WDO"] > 0.99
        assert rows[label]["binary mask"] > 20
        assert rows[label]["mixture SI-SDR"] == pytest.approx(-1.8, abs=0.1)


class Noise(Fake):
    """Four stems of noise, each with its own level."""

    def stem(self, label):
        number = realism.LABELS.index(label)
        noise = np.random.default_rng(number).standard_normal((2, 44100))
        return (0.01 * (1 + number) * noise).astype(np.float32)


def test_table_and_verdict():
    rows = [realism.measure(Noise())]
    summary, other = realism.summarise(rows), realism.summarise(rows)
    assert summary["mixture SI-SDR"]["drums"]["median"] < -10
    text = realism.table({"ours": summary})
    assert all(label in text for label in realism.LABELS) and "side / mid" in text
    complaints = realism.verdict(summary, summary)
    assert len(complaints) == 8 and all("spread" in complaint for complaint in complaints)
    other["ratio mask"]["bass"]["median"] -= 10
    assert "ratio mask, bass: +10.0 dB from the real median" in realism.verdict(summary, other)


@pytest.mark.slow
def test_the_default_set_is_like_real_music():
    root = tinystems.build(progress=False)
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    assert size < 2**30
    songs = [song for song in open_songs(root) if song.split == "test"]
    assert len(songs) == 8
    summary = realism.summarise([realism.measure(song) for song in songs])
    for name, by_stem in REAL.items():
        for label, wanted in by_stem.items():
            assert abs(summary[name][label]["median"] - wanted) < realism.WITHIN
            assert summary[name][label]["spread"] >= realism.SPREAD
