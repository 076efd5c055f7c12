"""BSS Eval against museval, and where museval fails."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.signal
from helpers import PEAK
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import tinystems
from tutorial_utils.compat import museval
from tutorial_utils.data import open_songs
from tutorial_utils.evaluation import bss_eval, bsseval, metrics, projections

MOST = 0.01  # dB, from museval's results


@pytest.fixture(autouse=True)
def mended(monkeypatch):
    """museval looks there for the error of a singular matrix, where NumPy 2.4 has nothing left."""
    monkeypatch.setattr(np.linalg, "linalg", np.linalg, raising=False)


def scene(random, sources=3, samples=4000, channels=2, leak=0.2, noise=0.05):
    """Coloured noise of 16 bits, and estimates in which the sources leak into each other."""
    signals = 0.1 * random.standard_normal((sources, samples, channels))
    for source, signal in enumerate(signals):
        decay = 0.9 * source / max(1, sources - 1)
        signal[:] = scipy.signal.lfilter([1], [1, -decay], signal, axis=0)
    references = np.round(signals / np.abs(signals).max() * 32767) / 32768
    leaking = references + leak * np.roll(references, 1, axis=0)
    leaking[..., -1] *= 0.8
    return references, leaking + noise * references.std() * random.standard_normal(signals.shape)


def same(ours, theirs, most=MOST):
    for name, mine, other in zip(("SDR", "ISR", "SIR", "SAR"), ours, theirs, strict=False):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=0, atol=most, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sources=st.integers(1, 4),
    channels=st.integers(1, 3),
    samples=st.integers(700, 5000),
    taps=st.integers(2, 24),
    window=st.floats(50, 6000),
    overlap=st.floats(0.3, 2),
    framewise=st.booleans(),
    permute=st.booleans(),
    sources_version=st.booleans(),
)
def test_everything_is_as_museval_has_it(
    seed,
    sources,
    channels,
    samples,
    taps,
    window,
    overlap,
    framewise,
    permute,
    sources_version,
):
    random = np.random.default_rng(seed)
    references, estimates = scene(random, sources, samples, channels)
    window = max(window, 4.0 * taps * sources * channels)  # Fewer samples than unknowns fit all.
    options = (window, overlap * window, permute, taps, framewise, sources_version)
    ours = metrics.bss_eval(references, estimates, *options)
    theirs = museval.metrics.bss_eval(references, estimates, *options)
    same(ours[:4], theirs[:4])
    np.testing.assert_array_equal(ours[4], theirs[4])


@pytest.mark.parametrize("mode", ["v4", "v3"])
def test_evaluate_as_it_is_called(random, mode):
    references, estimates = scene(random, samples=20000)
    options = {"win": 8000, "hop": 6000, "mode": mode}
    same(
        bss_eval(references, estimates, **options),
        museval.evaluate(references, estimates, **options),
    )


@pytest.mark.parametrize("long", [False, True])
def test_estimates_are_brought_to_the_length_of_the_references(random, long):
    references, estimates = scene(random, samples=9000)
    references, estimates = (
        (references[:, :8000], estimates) if long else (references, estimates[:, :8000])
    )
    ours = bss_eval(references, estimates, 3000, 3000)
    same(ours, museval.evaluate(references, estimates, 3000, 3000))
    with pytest.raises(ValueError, match="All must be the same"):
        bss_eval(references, estimates, 3000, 3000, padding=False)


def test_signals_without_channels_and_in_lists(random):
    references, estimates = scene(random, channels=1)
    wanted = bss_eval(references, estimates, 1000, 1000)
    for ours in (
        bss_eval(references[..., 0], estimates[..., 0], 1000, 1000),
        bss_eval(list(references), [*estimates[..., 0]], 1000, 1000),
        bss_eval(np.round(references * 2**20).astype(int), estimates * 2**20, 1000, 1000),
    ):
        same(ours, wanted, 1e-3)
    one = bss_eval(references[0, :, 0], estimates[0, :, 0], 1000, 1000)
    same(one, museval.evaluate(references[:1], estimates[:1], 1000, 1000))


def test_a_silent_frame_of_any_source_is_left_out_of_all(random):
    references, estimates = scene(random, sources=3, samples=6000)
    references[0, 1000:2000] = 0
    estimates[2, 3000:4000] = 0
    references[1, 4000:5000, 1] = -references[1, 4000:5000, 0]  # its channels sum to zero
    references[1, 5000:, 0] = 0  # one channel is no silent source
    ours = metrics.bss_eval(references, estimates, 1000, 1000, filters_len=16)
    same(ours[:4], museval.metrics.bss_eval(references, estimates, 1000, 1000, filters_len=16)[:4])
    for ratio in ours[:4]:
        assert np.isnan(ratio[:, [1, 3, 4]]).all() and not np.isnan(ratio[:, [0, 2, 5]]).any()


@pytest.mark.parametrize("framewise", [False, True])
@pytest.mark.parametrize("second", [1.0, -0.37, 0.0])
def test_channels_that_say_the_same(random, framewise, second):
    """The equations of both channels together are singular; museval gets by with rounding."""
    references, estimates = scene(random, sources=3, samples=6000)
    references[1, :, 1] = np.round(second * references[1, :, 0] * 32768) / 32768
    options = (2000, 2000, False, 32, framewise)
    ours = metrics.bss_eval(references, estimates, *options)
    same(ours[:4], museval.metrics.bss_eval(references, estimates, *options)[:4])


def low_passed(random, cut):
    references, estimates = scene(random, samples=40000, noise=0.3)
    shape = scipy.signal.butter(8, cut, output="sos")
    references = scipy.signal.sosfilt(shape, references, axis=1)
    return references, references + 0.2 * np.roll(references, 1, axis=0) + 0.1 * estimates


def test_where_rounding_determines_the_filters_the_smallest_are_taken(random, monkeypatch):
    """museval's two solvers are several dB apart; ours is near the stable one of the two."""
    references, estimates = low_passed(random, 0.4)
    options = (8000, 8000, False, 64)
    used = []
    smallest = projections.toeplitz.smallest
    monkeypatch.setattr(
        projections.toeplitz, "smallest", lambda *system: used.append(1) or smallest(*system)
    )
    ours = np.array(metrics.bss_eval(references, estimates, *options)[:4])
    assert used
    exact = np.array(museval.metrics.bss_eval(references, estimates, *options)[:4])

    def singular(*_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(museval.metrics.np.linalg, "solve", singular)
    stable = np.array(museval.metrics.bss_eval(references, estimates, *options)[:4])
    isr, sir = 1, 2
    assert np.abs(exact - stable)[[isr, sir]].max() > 3
    assert np.abs(ours - stable)[isr].max() < 1
    np.testing.assert_allclose(ours[0], exact[0], atol=1e-9)  # the SDR needs no filters


def test_the_same_sources_with_16_bits_are_no_such_case(random):
    references, estimates = low_passed(random, 0.4)
    references = np.round(references * 32768) / 32768
    options = (8000, 8000, False, 64)
    same(
        metrics.bss_eval(references, estimates, *options)[:4],
        museval.metrics.bss_eval(references, estimates, *options)[:4],
    )


def test_signals_shorter_than_the_filters(random):
    references, estimates = scene(random, samples=300)
    sdr, isr, sir, sar = bss_eval(references, estimates)
    assert sdr.shape == (3, 1) and not np.isnan([sdr, isr, sir, sar]).any()
    wanted = museval.evaluate(references, estimates)
    np.testing.assert_allclose(sdr, wanted[0], atol=1e-9)
    assert (sar > 150).all()  # So many filters can make anything.


@pytest.mark.parametrize("samples", [1, 2, 511, 513])
def test_hardly_any_samples(samples):
    references = np.ones((1, samples, 1))
    sdr, *_ = bss_eval(references, 0.9 * references)
    assert sdr == pytest.approx(20)


def test_long_frames_are_filtered_in_parts(random, monkeypatch):
    references, estimates = scene(random, samples=20000)
    wanted = metrics.bss_eval_images(references, estimates, compute_permutation=False)
    monkeypatch.setattr(projections, "_LONGEST", 4000)
    monkeypatch.setattr(projections, "_TRANSFORM", 3000)
    ours = metrics.bss_eval_images(references, estimates, compute_permutation=False)
    same(ours[:4], wanted[:4], 1e-6)
    same(ours[:4], museval.metrics.bss_eval_images(references, estimates, False)[:4])


@pytest.mark.parametrize(
    "name",
    ["bss_eval_sources", "bss_eval_images", "bss_eval_sources_framewise"],
)
def test_the_wrappers_find_the_order(random, name):
    references, estimates = scene(random, samples=8000)
    estimates = estimates[[2, 0, 1]]
    options = (4000, 4000, True) if name.endswith("framewise") else (True,)
    ours = getattr(metrics, name)(references, estimates, *options)
    theirs = getattr(museval.metrics, name)(references, estimates, *options)
    same(ours[:-1], theirs[:-1])
    np.testing.assert_array_equal(ours[-1], theirs[-1])
    np.testing.assert_array_equal(ours[-1][:, 0], [1, 2, 0])


def test_no_error_at_all_is_infinite(random):
    references, estimates = scene(random)
    estimates[1] = references[1]
    sdr = bss_eval(references, estimates, 1000, 1000)[0]
    assert np.isposinf(sdr[1]).all() and np.isfinite(sdr[[0, 2]]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, e: (r * 0, e), "reference with the number 0 is silent throughout"),
        (lambda r, e: (r, e * [[[0]], [[1]], [[1]]]), "estimate with the number 0 is silent"),
        (
            lambda r, e: (r, np.where(e == e[1, 5, 0], np.nan, e)),
            "estimate with the number 1",
        ),
        (lambda r, e: (r, np.where(e == e[2, 5, 0], -np.inf, e)), "number 2 holds NaN or inf"),
        (lambda r, e: (r, e[:2]), "All must be the same"),
        (lambda r, e: (r, e[..., :1]), "All must be the same"),
        (lambda r, e: (r[:, :0], e[:, :0]), "nothing to compare"),
        (lambda r, e: ([], []), "nothing to compare"),
        (lambda r, e: (r[None], e[None]), "shape .3, 4000, 2. and the type float64"),
        (lambda r, e: (r * 1j, e), "type complex128"),
        (lambda r, e: (r.transpose(1, 0, 2), e.transpose(1, 0, 2)), "order .sources, samples"),
    ],
)
def test_bad_input(random, change, message):
    with pytest.raises(ValueError, match=message):
        bss_eval(*change(*scene(random)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "v5"}, "There are v4 and v3"),
        ({"win": 0}, "window of 0 samples"),
        ({"hop": -1}, "hop of -1 samples"),
        ({"hop": np.nan}, "hop of nan samples"),
    ],
)
def test_bad_options(random, options, message):
    with pytest.raises(ValueError, match=message):
        bss_eval(*scene(random), **options)


@settings(max_examples=100, deadline=None)
@given(st.floats(1, 5000), st.floats(0.1, 3), st.integers(1, 1000))
def test_frames_are_counted_as_museval_counts_them(window, overlap, samples):
    hop = window * overlap
    ours = [slice(f.start, f.stop) for f in bsseval.frames(window, hop, samples)]
    assert ours == list(museval.metrics.Framing(window, hop, samples))


def song(seconds, names=("vocals", "drums", "bass", "other")):
    first = next(song for song in open_songs(tinystems.build()) if song.split == "test")
    references = np.stack([first.stem(name, 4.0, seconds).T for name in names])
    return references.astype(np.float64)


def test_what_else_is_scored_changes_all_but_the_sdr():
    """museval's issue 65: SIR and SAR of the vocals depend on the stems beside them."""
    references = song(2.0)
    mixture = references.sum(0)
    vocals = 0.8 * references[0] + 0.2 * mixture
    rest = mixture - vocals
    pair = bss_eval([references[0], references[1:].sum(0)], [vocals, rest])
    four = bss_eval(references, [vocals, rest / 3, rest / 3 + 1e-3 * mixture, rest / 3])
    np.testing.assert_allclose(pair[0][0], four[0][0], atol=1e-9)  # SDR
    np.testing.assert_allclose(pair[1][0], four[1][0], atol=1e-6)  # ISR
    assert np.abs(pair[3][0] - four[3][0]).max() > 1  # SAR: four stems explain more of it


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["v4", "v3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_song(random, mode, channels):
    references = song(4.0)[..., :channels]
    mixture = references.sum(0)
    estimates = 0.8 * references + 0.1 * mixture + 1e-3 * random.standard_normal(references.shape)
    same(
        bss_eval(references, estimates, mode=mode),
        museval.evaluate(references, estimates, mode=mode),
    )


@pytest.mark.slow
def test_ten_minutes_need_less_than_three_gibibytes():
    pytest.importorskip("resource")
    script = """if True:
        import numpy as np
        from tutorial_utils.evaluation import bss_eval
        random = np.random.default_rng(0)
        shape = 4, 600 * 44100, 2
        references = random.standard_normal(shape, dtype=np.float32)
        estimates = references.copy()
        estimates += 0.1 * references[::-1]
        sdr, isr, sir, sar = bss_eval(references, estimates)
        assert sdr.shape == (4, 600) and np.isfinite([sdr, isr, sir]).all()
        """
    line = [sys.executable, "-c", script + PEAK]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 3
