"""Change a sound's duration at the same pitch: what lies between the jumps, crossfaded."""

import numpy as np

from tutorial_utils.cache import compiled

from . import jumps

_f32 = np.float32


def time_scaled(audio, sample_rate, factor, samples, before=0, size=None):
    """Change the duration of audio of shape (channels, samples).

    Parameters
    ----------
    audio : array of shape (channels, samples), float32
    sample_rate : int, in Hz
    factor : float
        Output samples per source sample.
    samples : int
        Length of the output.
    before, size : int
        Zeros lie before the output, and after it up to the whole ``size``.

    Raises
    ------
    AudioError
        If the audio holds samples that are not finite.
    """
    sizes = jumps.sizes(sample_rate)
    out = np.empty((len(audio), size or samples), np.float32)
    out[:, :before] = 0
    out[:, before + samples :] = 0
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(sizes.fade) + 0.5) / sizes.fade)
    chosen = jumps.choose(audio, factor, samples, sizes)
    _join(audio, chosen, ramp.astype(np.float32), out, before, samples)
    return out


@compiled
def _join(audio, jumps, ramp, out, before, samples):
    """Write what lies between the jumps, crossfaded; then silence if the source is too short."""
    fade = len(ramp)
    gains = np.empty((2, fade), _f32)
    source = now = done = 0
    for i in range(len(jumps) + 1):
        end = jumps[i, 0] if i < len(jumps) else samples
        held = min(end, now + audio.shape[1] - source)
        for channel in range(len(audio)):
            row = out[channel, before : before + samples]
            row[done:held] = audio[channel, source + done - now : source + held - now]
            row[held:end] = 0
        if i == len(jumps):
            break
        now, old, source = jumps[i, 0], jumps[i, 1], jumps[i, 2]
        _set_gains(gains, ramp, audio, old, source)
        for channel in range(len(audio)):
            target = out[channel, before + now : before + now + fade]
            leaving = audio[channel, old : old + fade]
            coming = audio[channel, source : source + fade]
            for j in range(fade):
                target[j] = gains[0, j] * leaving[j] + gains[1, j] * coming[j]
        done = now + fade


@compiled
def _set_gains(gains, ramp, audio, old, new):
    """Set the gains of a crossfade that keeps the power: it depends on how alike both ends are."""
    fade = len(ramp)
    product = _f32(0)
    for channel in range(len(audio)):
        leaving, coming = audio[channel, old : old + fade], audio[channel, new : new + fade]
        for i in range(fade):
            product += leaving[i] * coming[i]
    energies = _energy(audio, old, fade) * _energy(audio, new, fade)
    likeness = max(product / np.sqrt(energies), _f32(0))
    for i in range(fade):
        coming, leaving = ramp[i], _f32(1) - ramp[i]
        power = coming * coming + leaving * leaving + _f32(2) * coming * leaving * likeness
        gain = _f32(1) / np.sqrt(power)
        gains[0, i], gains[1, i] = leaving * gain, coming * gain


@compiled
def _energy(audio, start, number):
    # (That of `jumps` is like it. Numba keeps what it compiled by the file of the caller alone, and
    # would not notice a change of a function that is called in another file.)
    total = _f32(1e-12)  # so that silence can be divided by
    for channel in range(len(audio)):
        part = audio[channel, start : start + number]
        for i in range(number):
            total += part[i] * part[i]
    return total
