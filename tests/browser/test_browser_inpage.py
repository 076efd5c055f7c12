"""A song that is separated in the page, against what PyTorch makes of it."""

import io
import zipfile

import numpy as np
import pytest
import soundfile
import torch

import tutorial_utils as tu

SECONDS = 6.0


@pytest.fixture(scope="module")
def model():
    return tu.models.load("MaskInference")


@pytest.fixture(scope="module")
def song(model):
    songs = tu.data.open_songs(tu.data.tinystems.build(progress=False))
    song = next(each for each in songs if each.split == "test")
    mixture = song.mixture(2.0, SECONDS)
    return tu.audio.resample(mixture, song.sample_rate, model.sample_rate).astype(np.float32)


def wav(sound, rate, subtype="FLOAT"):
    file = io.BytesIO()
    soundfile.write(file, sound.T, rate, subtype, format="WAV")
    return file.getvalue()


def give(page, name, content, kind="audio/wav"):
    page.locator(".tu-file").set_input_files({"name": name, "mimeType": kind, "buffer": content})


def said(page, part):
    page.wait_for_function(
        "(part) => document.querySelector('tu-separator').piece('said').textContent.includes(part)",
        arg=part,
        timeout=120_000,
    )
    return page.locator(".tu-said").inner_text()


SOUNDS = """async () => {
  const buffers = await document.querySelector('tu-separator > tu-player').decoded;
  const channels = (b) => Array.from({length: b.numberOfChannels}, (_, i) => b.getChannelData(i));
  return buffers.map((buffer) => channels(buffer).map((samples) => [...samples]));
}"""


def test_the_estimates_are_those_of_pytorch(show, model, song, tmp_path):
    page = show(tu.in_page())
    give(page, "my song.wav", wav(song, model.sample_rate))
    assert "0:06 of “my song.wav” took" in said(page, "took")
    mixture, *estimates = (np.array(each, np.float32) for each in page.evaluate(SOUNDS))
    assert np.array_equal(mixture, song)
    with torch.no_grad():
        wanted = model(torch.tensor(song)[None])[0].numpy()
    for estimate, reference in zip(estimates, wanted, strict=True):
        error = np.square(estimate - reference).mean() / np.square(reference).mean()
        assert 10 * np.log10(error) < -60
    assert page.locator(".tu-track .tu-name").all_inner_texts() == ["mixture", *model.labels]
    links = page.locator(".tu-links a")
    assert links.all_inner_texts() == list(model.labels)
    with page.expect_download() as download:
        links.first.click()
    assert download.value.suggested_filename == "my song - drums.wav"
    download.value.save_as(tmp_path / "drums.wav")
    saved, rate = soundfile.read(tmp_path / "drums.wav", always_2d=True)
    assert rate == model.sample_rate and np.abs(saved.T - estimates[0]).max() < 2**-15
    page.locator("tu-player .tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.sources")


def test_mono_and_a_song_that_is_too_loud(show, model, song):
    page = show(tu.in_page())
    give(page, "loud.wav", wav(3 * song[:1] / np.abs(song[0]).max(), model.sample_rate))
    assert "All is turned down by 9.5 dB." in said(page, "turned down")
    mixture, *estimates = (np.array(each) for each in page.evaluate(SOUNDS))
    assert mixture.shape[0] == 1 and np.abs(mixture).max() == pytest.approx(1)
    assert np.allclose(sum(estimates), mixture, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.wav", b"These are no sounds. " * 100, "no sound file that this browser can read"),
        ("empty.wav", b"", "is empty"),
        ("hour.wav", None, "60:00 long, and a page has room for 10:00"),
        ("silence.wav", wav(np.zeros((2, 5000)), 22050), "silent from beginning to end"),
        ("zip.wav", "zip", "no sound file that this browser can read"),
    ],
)
def test_what_cannot_be_separated_is_answered_and_the_next_song_can(
    show, model, song, name, content, message
):
    if content is None:
        content = wav(np.zeros((1, 3600 * 8000), np.int16), 8000, "PCM_U8")
    if content == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("song.wav", b"RIFF")
        content = file.getvalue()
    page = show(tu.in_page())
    give(page, name, content)
    assert name in said(page, message)
    give(page, "song.wav", wav(song[:, : model.sample_rate], model.sample_rate))
    assert "0:01 of “song.wav” took" in said(page, "took")


def test_a_second_song_while_one_runs_and_cancelling(show, model, song):
    page = show(tu.in_page())
    long = np.tile(song, (1, 40))
    give(page, "long.wav", wav(long, model.sample_rate, "PCM_16"))
    said(page, "Separating")
    give(page, "other.wav", wav(song, model.sample_rate))
    assert "Still separating “long.wav”" in said(page, "cancel that first")
    page.get_by_role("button", name="Cancel").click()
    assert said(page, "Cancelled") == "Cancelled."
    assert page.locator(".tu-work").is_hidden()
    give(page, "other.wav", wav(song, model.sample_rate))
    assert "of “other.wav” took" in said(page, "took")


@pytest.mark.slow
def test_three_minutes_of_stereo(show, model, song):
    page = show(tu.in_page())
    whole = np.tile(song, (1, 30))
    give(page, "three minutes.wav", wav(whole, model.sample_rate, "PCM_16"))
    text = said(page, "took")
    seconds = int(text.partition("took ")[2].partition(" s")[0])
    print(text)
    assert seconds < 90
