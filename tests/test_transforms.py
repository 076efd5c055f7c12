import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import transforms


@settings(max_examples=25, deadline=None)
@given(
    samples=st.integers(1, 9000),
    n_fft=st.sampled_from([256, 512, 2048]),
    overlap=st.sampled_from([2, 4, 8]),
    lead=st.sampled_from([(), (2,), (3, 2)]),
)
def test_the_inverse_gives_the_signal_back(samples, n_fft, overlap, lead):
    audio = torch.randn(*lead, samples)
    hop = n_fft // overlap
    spectrogram = transforms.stft(audio, n_fft, hop)
    assert spectrogram.shape == (*lead, n_fft // 2 + 1, frames_of(samples, hop, overlap))
    torch.testing.assert_close(
        transforms.istft(spectrogram, samples, n_fft, hop), audio, atol=1e-5, rtol=1e-4
    )


def test_it_is_the_stft_of_librosa(random):
    import librosa

    audio = random.standard_normal((2, 10000)).astype(np.float32)
    ours = transforms.stft(torch.from_numpy(audio), 1024, 256).numpy()
    np.testing.assert_allclose(
        ours, librosa.stft(audio, n_fft=1024, hop_length=256), atol=1e-4, rtol=1e-4
    )


def test_ratio_masks_sum_to_one_where_anything_sounds():
    magnitudes = torch.rand(4, 2, 5, 6)
    magnitudes[..., 3, :] = 0
    masks = transforms.ratio_mask(magnitudes)
    total = masks.sum(0)
    torch.testing.assert_close(total[:, :3], torch.ones(2, 3, 6))
    assert (total[:, 3] == 0).all() and masks.min() >= 0 and masks.max() <= 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_precision_is_kept(dtype):
    audio = torch.randn(4000, dtype=dtype)
    assert transforms.istft(transforms.stft(audio), 4000).dtype == dtype


@settings(max_examples=20, deadline=None)
@given(
    samples=st.integers(300, 4000),
    n_fft=st.sampled_from([256, 512]),
    overlap=st.sampled_from([2, 4]),
    lead=st.sampled_from([(), (3,), (2, 1)]),
    grad=st.booleans(),
)
def test_magnitudes_are_those_of_the_stft(samples, n_fft, overlap, lead, grad):
    """Of one item or a batch, with gradients or without."""
    hop = n_fft // overlap
    mixture = torch.randn(*lead, 2, samples, requires_grad=grad)
    sources = torch.randn(*lead, 4, 2, samples, requires_grad=grad)
    for signal, magnitude in zip(
        (mixture, sources),
        transforms.Magnitudes(n_fft, hop)(mixture, sources),
        strict=True,
    ):
        assert magnitude.shape == (
            *signal.shape[:-1],
            n_fft // 2 + 1,
            frames_of(samples, hop, overlap),
        )
        assert magnitude.dtype == torch.float32 and magnitude.requires_grad == grad
        torch.testing.assert_close(magnitude, transforms.stft(signal, n_fft, hop).abs())


def frames_of(samples, hop, overlap):
    """Where windows overlap little, the last frame lies after the last sample."""
    return 1 + (samples // hop if overlap >= 4 else math.ceil(samples / hop))


@pytest.mark.parametrize("overlap", [2, 3, 4, 8])
@given(samples=st.integers(1, 3000), seed=st.integers(0, 999))
def test_what_a_mask_changes_makes_no_click_at_the_end(overlap, samples, seed):
    n_fft, draw = 240, torch.Generator().manual_seed(seed)
    X = transforms.stft(torch.randn(samples, generator=draw), n_fft, n_fft // overlap)
    X = X * torch.rand(X.shape, generator=draw)
    assert transforms.istft(X, samples, n_fft, n_fft // overlap).abs().max() < 10


def test_gradients_go_through_magnitudes():
    mixture = torch.randn(2, 1000, requires_grad=True)
    transforms.Magnitudes(256, 64)(mixture, mixture[None])[0].sum().backward()
    assert mixture.grad.abs().sum() > 0


def test_magnitudes_tell_their_settings():
    """By which a stored dataset knows them again."""
    assert repr(transforms.Magnitudes()) == "Magnitudes(n_fft=2048, hop=512)"
    assert transforms.Magnitudes(256, 64) == transforms.Magnitudes(256, 64)
    assert transforms.Magnitudes(256, 64) != transforms.Magnitudes(256, 128)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sources=st.integers(1, 5))
def test_masks_of_the_true_sources(seed, sources):
    generator = torch.Generator().manual_seed(seed)
    spectrograms = torch.randn(3, sources, 2, 4, 5, dtype=torch.complex128, generator=generator)
    mixture = spectrograms.sum(1)
    binary = transforms.binary_mask(spectrograms.abs())
    least = transforms.least_squares_mask(spectrograms, mixture)
    ratio = transforms.ratio_mask(spectrograms.abs(), power=2)
    for masks in (binary, least, ratio):
        assert masks.min() >= 0 and masks.max() <= 1 + 1e-12
        torch.testing.assert_close(masks.sum(1), torch.ones_like(masks.sum(1)))
    assert {*binary.unique().tolist()} <= {0.0, 1.0}

    def error(masks):
        return (masks * mixture.unsqueeze(1) - spectrograms).abs().square().sum(1)

    # In every single bin no other mask that sums to one is better, however it was found.
    weights = torch.rand(200, *binary.shape, generator=generator, dtype=torch.float64) ** 4
    others = [binary, ratio, *(weights / weights.sum(2, keepdim=True))]
    for masks in others:
        assert (error(least) <= error(masks) + 1e-9).all()
    free = transforms.phase_sensitive_mask(spectrograms, mixture)
    assert free.min() >= 0 and free.max() <= 1 and (error(free) <= error(least) + 1e-9).all()


def test_masks_where_nothing_sounds():
    nothing = torch.zeros(2, 1, 3, 4, dtype=torch.complex64)
    assert not transforms.phase_sensitive_mask(nothing, nothing.sum(0)).any()
    total = transforms.least_squares_mask(nothing, nothing.sum(0)).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))


@settings(deadline=None)
@given(
    st.integers(1, 3000),
    st.sampled_from([64, 128, 400, 512]),
    st.sampled_from([2, 3, 4, 8]),
    st.sampled_from(["hann", "hamming", "blackman", "sine"]),
)
def test_the_module_gives_the_signal_back(samples, n_fft, overlap, window):
    transform = transforms.STFT(n_fft, n_fft // overlap, window)
    signal = torch.randn(2, samples, generator=torch.manual_seed(samples), dtype=torch.float64)
    X = transform(signal)
    assert X.shape == (2, n_fft // 2 + 1, frames_of(samples, n_fft // overlap, overlap))
    torch.testing.assert_close(transform.inverse(X, samples), signal, atol=1e-9, rtol=0)


def test_the_module_refuses_what_has_no_way_back():
    with pytest.raises(ValueError, match="window must be one of hann"):
        transforms.STFT(512, 128, "boxcar")
    for hop in (512, 513):
        with pytest.raises(ValueError, match="leaves samples that no frame holds"):
            transforms.STFT(512, hop)


def test_gradients_go_through_the_module():
    transform = transforms.STFT(32, 8, "sine")
    signal = torch.randn(1, 100, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: transform.inverse(2 * transform(x), 100), signal)


def test_mel_is_that_of_librosa(random):
    import librosa

    audio = random.normal(size=8000).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=audio, sr=16000, n_fft=512, hop_length=128, n_mels=40, pad_mode="constant"
    )
    power = transforms.stft(torch.from_numpy(audio), 512, 128).abs() ** 2
    made = transforms.Mel(16000, 512, 40)(power)
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-3, atol=1e-5)


@given(scale=st.floats(1e-12, 1e6), seed=st.integers(0, 1000))
def test_magnitudes_are_those_of_abs(scale, seed):
    draw = torch.Generator().manual_seed(seed)
    X = scale * torch.randn(3, 5, 7, dtype=torch.complex64, generator=draw)
    X[0, 0] = 0
    for each in (X, X.mT, X.conj(), X[..., ::2], X.to(torch.complex128)):
        torch.testing.assert_close(transforms.magnitude(each), each.abs(), rtol=1e-6, atol=0)
    X.requires_grad_()
    transforms.magnitude(X).sum().backward()
    assert X.grad.isfinite().all()
