"""Scaper draws events, and renders them where SoX is installed."""

import logging
import pathlib
import shutil

import numpy as np
import pytest
import soundfile

from tutorial_utils.compat import nussl, scaper

needs_sox = pytest.mark.skipif(shutil.which("sox") is None, reason="SoX is not installed")
RATE = 8000


@pytest.fixture
def make_scaper(stems, tmp_path):
    for name, signal in stems.items():
        for take in ("one", "two"):
            (tmp_path / "stems" / name).mkdir(parents=True, exist_ok=True)
            audio = signal.audio_data.T * (0.5 if take == "one" else 0.25)
            soundfile.write(tmp_path / "stems" / name / f"{take}.wav", audio, RATE)

    def make(channels=1, stretch=True):
        folder = str(tmp_path / "stems")
        sc = scaper.Scaper(1.5, folder, folder, random_state=0)
        sc.sr, sc.ref_db, sc.n_channels = RATE, -20, channels
        sc.add_background(("const", "bass"), ("choose", []), ("const", 0))
        sc.add_event(
            label=("choose_weighted", ["drums", "vocals"], [0.3, 0.7]),
            source_file=("choose", []),
            source_time=("uniform", 0.0, 0.2),
            event_time=("truncnorm", 0.2, 0.1, 0.0, 0.4),
            event_duration=("normal", 1.0, 0.01),
            snr=("choose", [0, 3]),
            pitch_shift=("uniform", -2, 2) if stretch else None,
            time_stretch=("uniform", 0.9, 1.1) if stretch else None,
        )
        return sc

    return make


def test_events_are_drawn_without_sox(make_scaper, bare_machine):
    _, jam, events, _ = make_scaper().generate(no_audio=True)
    background, foreground = (event.value for event in jam.annotations[0].data)
    assert background["label"] == "bass" and foreground["label"] in ("drums", "vocals")
    assert 0 <= foreground["event_time"] <= 0.4 and -2 <= foreground["pitch_shift"] <= 2
    assert 0.9 <= foreground["time_stretch"] <= 1.1
    assert repr(events[0][2]) == repr(foreground["label"]) in ("'drums'", "'vocals'")


def test_rendering_without_sox_says_so_and_leaves_logging_alone(make_scaper, bare_machine):
    level = logging.getLogger().level
    with pytest.raises(RuntimeError, match=r"Scaper's rendering .* needs sox, not found"):
        make_scaper().generate()
    assert logging.getLogger().level == level


NO_NUMBERS = [np.array([]), np.array([1.0, 2.0]), [], [1, 2], None, "1"]


@pytest.mark.parametrize("no_number", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    "field", ["source_time", "event_time", "event_duration", "snr", "pitch_shift", "time_stretch"]
)
def test_what_is_no_number_gets_scapers_own_error(make_scaper, field, no_number):
    """NumPy 2.2 says of an empty array that it is neither true nor false."""
    sc = make_scaper()
    good = dict(
        label=("const", "drums"), source_file=("choose", []), source_time=("const", 0),
        event_time=("const", 0), event_duration=("const", 1), snr=("const", 0),
        pitch_shift=("const", 1), time_stretch=("const", 1),
    )  # fmt: skip
    sc.add_event(**good)
    for wrong in [
        ("const", no_number),
        ("choose", no_number if isinstance(no_number, list) else [no_number]),
        ("uniform", no_number, 1),
        ("uniform", 1, no_number),
        ("normal", 1, no_number),
        ("truncnorm", 1, no_number, 0, 2),
    ]:
        if wrong != ("choose", [1, 2]):
            with pytest.raises(scaper.scaper_exceptions.ScaperError):
                sc.add_event(**good | {field: wrong})


@needs_sox
@pytest.mark.parametrize("channels", [1, 2])
def test_generate_trim_and_generate_from_jams(make_scaper, tmp_path, channels):
    paths = {name: str(tmp_path / name) for name in ("a.wav", "a.jams", "b.wav", "b.jams", "c.wav")}
    audio, _, events, parts = make_scaper(channels).generate(
        paths["a.wav"], paths["a.jams"], save_isolated_events=True, fix_clipping=True
    )
    assert audio.shape == (12000, channels) and np.abs(audio).max() > 0.1
    np.testing.assert_allclose(audio, sum(parts), atol=1e-9)
    assert len(list((tmp_path / "a_events").glob("*.wav"))) == 2
    assert "np." not in pathlib.Path(paths["a.jams"]).read_text(encoding="utf-8")

    again, _, same_events, _ = scaper.generate_from_jams(paths["a.jams"], paths["c.wav"])
    np.testing.assert_allclose(again, audio, atol=1e-9)
    assert same_events == events

    scaper.trim(paths["a.wav"], paths["a.jams"], paths["b.wav"], paths["b.jams"], 0.5, 1.0)
    trimmed, _ = soundfile.read(paths["b.wav"], always_2d=True)
    np.testing.assert_allclose(trimmed, audio[4000:8000], atol=1e-6)


@needs_sox
def test_loudness_is_what_was_asked_for(make_scaper):
    *_, (background, _) = make_scaper(stretch=False).generate()
    assert scaper.audio.get_integrated_lufs(background, RATE) == pytest.approx(-20, abs=0.5)


@needs_sox
def test_reverberation_and_quick_stretching(make_scaper):
    audio, *_ = make_scaper().generate(reverb=0.3, quick_pitch_time=True)
    assert np.isfinite(audio).all() and np.abs(audio).max() > 0.05


@needs_sox
def test_nussl_reads_what_scaper_renders(make_scaper, tmp_path):
    (tmp_path / "mixes").mkdir()
    for i in range(2):
        path = str(tmp_path / "mixes" / str(i))
        make_scaper().generate(f"{path}.wav", f"{path}.jams", save_isolated_events=True)
    cache = nussl.datasets.transforms.Cache(str(tmp_path / "cache"))
    data = nussl.datasets.Scaper(str(tmp_path / "mixes"), transform=cache)
    item = data[1]
    total = sum(source.audio_data for source in item["sources"].values())
    np.testing.assert_allclose(total, item["mix"].audio_data, atol=1e-6)
    data.cache_populated = True
    assert data[1]["metadata"]["scaper"] == item["metadata"]["scaper"]
