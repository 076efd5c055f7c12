"""Pitch shift and time stretch, fast enough to augment training mixtures as they are drawn.

Both effects come from one change of duration and one change of rate. To shift a sound by *p*
semitones and make it *s* times as long, its duration is first changed by ``s * 2 ** (p / 12)`` at
the same pitch. Resampling then changes duration and pitch together by ``2 ** (-p / 12)``.

The duration is changed by waveform-similarity overlap-add (WSOLA): the output follows the source
and, from time to time, jumps back in it (to last longer) or ahead (to end sooner), with a crossfade
between two places that look alike. The published method jumps at fixed times and chooses only how
far. Here the moment is chosen too, so that a jump falls where nothing happens: no attack is heard
twice, left out or blurred. All channels jump together, so that the stereo image stays.

``python -m benchmarks.stretching`` measures how good and how fast this is, beside SoX and librosa.

References
----------
W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993.
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numba import njit

from tutorial_utils.audio import as_channels, require_finite

STRETCHES = (0.25, 4.0)
"""The smallest and the largest ``time_stretch``."""

SEMITONES = 24.0
"""The largest ``pitch_shift``, up or down."""

# Where to jump is decided on an outline of the sound with one value per TICK. All in seconds.
TICK = 1 / 3700
STEP = 0.006  # from one possible moment of a jump to the next; a crossfade takes two of them
WINDOW = 0.078  # the moments that are compared, before the latest one possible
PAUSE = 0.025  # the hop: the least time between jumps
SEARCH = 0.0245  # the span of jumps that are compared: one period of a bass guitar's low E
NEAREST = 0.005  # the shortest jump
ATTACK = 0.004  # the time in which an attack's energy rises

# The price of a jump: how much its ends differ, what lies between them, and how far off its time
# the sound is. Steady sounds wait for ends that are alike; where attacks come, time matters more.
ATTACKS = 5.0  # what energy counts that rises in the part to be repeated or left out
TIMING = 0.5  # the price of being as late or early as may be, for steady sounds
TIMING_OF_ATTACKS = 3.0  # and so much more where attacks come
LIVELY = 0.1  # the energy of attacks, against that of a crossfade's length, that counts as many
PRE_EMPHASIS = 0.8  # of the outline; without it nothing but the bass would count
REFINED = 4  # of the jumps from the best moment, so many are compared sample by sample

# The resampler is a windowed sinc.
CROSSINGS = 16  # zero crossings on each side
ROLLOFF = 0.9
KAISER = 6.0
OUTPUTS = 32  # that one matrix makes, at most
CENTS = 1.0  # the error of the pitch: the ratio is a fraction of small numbers

_compiled = njit(cache=True, fastmath=True)
_f32 = np.float32
_NEVER = _f32(1e30)  # a price; fast mathematics knows no infinity


def change(
    audio: np.ndarray,
    sample_rate: int,
    pitch_shift: float | None = None,
    time_stretch: float | None = None,
) -> np.ndarray:
    """Shift the pitch and stretch the time of a sound.

    Parameters
    ----------
    audio : array of shape (channels, samples)
        A sound that lasts less than 0.05 s, before or after, is too short to be stretched: silence
        follows it, or its end is left out.
    sample_rate : int, in Hz
    pitch_shift : float, optional
        In semitones, up to two octaves up or down. None and 0 leave the pitch as it is.
    time_stretch : float, optional
        How many times as long the output is, from 0.25 to 4. None and 1 leave the time as it is.

    Returns
    -------
    array of shape (channels, round(samples * time_stretch)), float32
        The pitch is within 1 cent of the one asked for. With shifts of up to 2 semitones and
        stretches from 0.8 to 1.2, every event lies within 20 ms of its time. If there is nothing to
        change, this is the audio itself and no copy.

    Raises
    ------
    ValueError
        If the shift or the stretch is no number, or out of range.
    AudioError
        If the audio has another shape, or holds samples that are not finite.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    >>> change(tone, 44100, pitch_shift=-3, time_stretch=1.5).shape
    (1, 66150)
    """
    semitones = _within("pitch_shift", pitch_shift or 0.0, -SEMITONES, SEMITONES)
    stretch = _within("time_stretch", 1.0 if time_stretch is None else time_stretch, *STRETCHES)
    # One kind of array only: compiled functions are compiled anew for every kind.
    audio = np.require(as_channels(audio), np.float32, ["C", "W"])
    samples = round(audio.shape[1] * stretch)
    ratio = _ratio(semitones)
    if audio.size == 0 or (ratio == 1 and stretch == 1):
        return audio
    if ratio == 1:
        return _time_scaled(audio, sample_rate, stretch, samples)
    return _scaled_and_resampled(audio, sample_rate, stretch, samples, ratio)


def _within(name, value, lowest, highest):
    if not lowest <= value <= highest:
        raise ValueError(
            f"{name} is {value}, and must be a number from {lowest:g} to {highest:g}, or None."
        )
    return float(value)


def _ratio(semitones):
    """Output samples per input sample of the resampler: the simplest fraction within CENTS."""
    exact = 2 ** (-semitones / 12)
    margin = 2 ** (CENTS / 1200)
    down = 1
    while not exact / margin <= (up := round(exact * down)) / down <= exact * margin:
        down += 1
    return Fraction(up, down)


def _scaled_and_resampled(audio, sample_rate, stretch, samples, ratio):
    up, down, reach, matrices = _resampler(ratio)
    frames = -(-samples // up) + 1  # one more, into which the last but one reads
    between = round(samples / ratio)
    scaled = _time_scaled(audio, sample_rate, stretch / float(ratio), between, reach, frames * down)
    # A frame of `down` samples becomes one of `up` samples, all frames of all channels at once.
    rows = len(audio) * frames
    source, target = torch.from_numpy(scaled), torch.empty((rows, up))
    with torch.inference_mode():
        for start, first, matrix in matrices:
            windows = source.as_strided((rows - 1, len(matrix)), (down, 1), start)
            torch.mm(windows, matrix, out=target[: rows - 1, first : first + matrix.shape[1]])
    return target.numpy().reshape(len(audio), frames * up)[:, :samples]


@lru_cache(maxsize=1024)
def _resampler(ratio):
    """The matrices that resample by a ratio, each of which makes some outputs of a frame.

    Returns how many samples a frame has after and before, how many zeros have to come before the
    first sample, and for every matrix the first sample that it reads, the first one that it makes,
    and itself. An output is the sum of the inputs around its place, weighted by a windowed sinc
    that lets through what both rates can hold.
    """
    cutoff = min(1.0, float(ratio))
    reach = math.ceil(CROSSINGS / cutoff)
    reads = math.ceil(OUTPUTS / ratio) + 2 * reach + 1
    # A frame is no shorter than what is read: the rows of a matrix product may not overlap.
    times = -(-reads // ratio.denominator)
    up, down = ratio.numerator * times, ratio.denominator * times
    groups = -(-up // OUTPUTS)
    outputs = np.arange(groups * -(-up // groups)).reshape(groups, 1, -1)
    places = outputs * (down / up)
    starts = places[:, :, :1].astype(int)
    distance = starts + np.arange(reads)[:, None] - reach - places
    weights = np.sinc(ROLLOFF * cutoff * distance) * _window(distance / reach)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    matrices = [
        (start, first, torch.from_numpy(matrix[:, : up - first]))
        for start, first, matrix in zip(
            starts.ravel().tolist(), outputs[:, 0, 0].tolist(), weights, strict=True
        )
    ]
    return up, down, reach, matrices


def _window(places):
    """A Kaiser window from -1 to 1, looked up: computing it takes longer than all the rest."""
    curve = _kaiser()
    middle = len(curve) // 2
    indices = np.rint(np.clip(places, -1, 1) * middle).astype(int) + middle
    return curve[indices]


@lru_cache(maxsize=1)
def _kaiser():
    return np.pad(np.kaiser(2**15 - 1, KAISER), 1)


class _Sizes(NamedTuple):
    """The constants in samples, but `step` and `attack` in ticks."""

    tick: int
    step: int
    fade: int  # of two steps
    window: int
    pause: int
    search: int
    nearest: int
    attack: int


class _Scale(NamedTuple):
    """A change of duration. Drift is how far the source is ahead of its time, in samples."""

    factor: float  # output samples per source sample
    rate: float  # of drift, per output sample, from jump to jump
    bound: float  # on the drift, either way
    lowest: float  # drift after a jump
    highest: float
    first: int  # jump of all that are compared, in ticks
    last: int
    jumps: np.ndarray  # all that are compared, in samples


class _Sound(NamedTuple):
    audio: np.ndarray  # (channels, samples)
    outline: np.ndarray  # (ticks,)
    rises: np.ndarray  # (ticks + 1,) the running sum of the attacks


class _State(NamedTuple):
    """Where the output is between two jumps."""

    source: int
    drift: float
    left: int  # output samples to come


class _Scene(NamedTuple):
    """What prices are measured by at the moments that are compared."""

    power: float  # energy of the outline in a crossfade, on average
    timing: float  # the price of being off the time


@lru_cache(maxsize=64)
def _sizes(sample_rate):
    tick = max(2, 2 * round(TICK * sample_rate / 2))
    step = max(1, round(STEP * sample_rate / tick))
    return _Sizes(
        tick,
        step,
        fade=2 * step * tick,
        window=round(WINDOW * sample_rate),
        pause=max(round(PAUSE * sample_rate), (2 * step + 4) * tick),
        search=round(SEARCH * sample_rate),
        nearest=max(round(NEAREST * sample_rate), 2 * tick),
        attack=max(1, round(ATTACK * sample_rate / tick)),
    )


def _scale(factor, sizes):
    rate = 1 - 1 / factor
    # A jump has to go so far that the next one need not come before a pause is over.
    progress = sizes.pause * abs(rate)
    bound = (sizes.search + progress) / 2
    near, far = math.ceil(sizes.nearest / sizes.tick), math.floor(2 * bound / sizes.tick)
    ticks = np.arange(-far, 1 - near) if rate > 0 else np.arange(near, far + 1)
    return _Scale(
        factor,
        rate,
        bound,
        lowest=-bound if rate > 0 else progress - bound,
        highest=bound - progress if rate > 0 else bound,
        first=int(ticks[0]),
        last=int(ticks[-1]),
        jumps=(ticks * sizes.tick).astype(np.float32),
    )


def _time_scaled(audio, sample_rate, factor, samples, before=0, size=None):
    """Change the duration to ``samples``; zeros lie before and after, up to the whole ``size``."""
    sizes = _sizes(sample_rate)
    out = np.empty((len(audio), size or samples), np.float32)
    out[:, :before] = 0
    out[:, before + samples :] = 0
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(sizes.fade) + 0.5) / sizes.fade)
    jumps = _jumps(audio, factor, samples, sizes)
    _join(audio, jumps, ramp.astype(np.float32), out, before, samples)
    return out


def _jumps(audio, factor, samples, sizes):
    """All jumps: rows of the output's sample, and the source's before and after."""
    if factor == 1 or min(audio.shape[1], samples) < sizes.pause + 2 * sizes.fade:
        require_finite(audio, "The audio")
        return np.empty((0, 3), np.int64)
    outline, rises = _outline(audio, sizes.tick, sizes.attack)
    # Two small arrays that would show it first.
    if not (np.isfinite(outline).all() and np.isfinite(audio[:, -sizes.tick :]).all()):
        require_finite(audio, "The audio")
    return _plan(_Sound(audio, outline, rises), samples, sizes, _scale(factor, sizes))


@_compiled
def _outline(audio, tick, attack):
    """The sound at low resolution, and the running sum of its attacks; one value per tick each."""
    channels, samples = audio.shape
    outline = np.zeros(samples // tick, _f32)
    energy = np.zeros(len(outline), _f32)
    for channel in range(channels):
        row = audio[channel]
        # Unequal, so that a channel and its opposite do not cancel.
        weight = _f32(1 / (tick * (1 + channel / 3)))
        for i in range(len(outline)):
            part = row[i * tick : (i + 1) * tick]
            total = squares = _f32(0)
            for j in range(tick // 2):
                total += part[2 * j] + part[2 * j + 1]
                step = part[2 * j] - part[2 * j + 1]
                squares += step * step
            outline[i] += weight * total
            energy[i] += squares
    for i in range(len(outline) - 1, 0, -1):
        outline[i] -= _f32(PRE_EMPHASIS) * outline[i - 1]
    return outline, _rises(energy, attack, ATTACKS / (tick * attack))


@_compiled
def _rises(energy, attack, weight):
    """The running sum of how much more energy the next ticks have than those just gone."""
    rises = np.empty(len(energy) + 1)
    rises[0] = before = total = after = 0.0
    for i in range(min(attack, len(energy))):
        after += energy[i]
    for i in range(len(energy)):
        total += weight * max(after - before, 0.0)
        rises[i + 1] = total
        before += energy[i]
        after -= energy[i]
        if i >= attack:
            before -= energy[i - attack]
        if i + attack < len(energy):
            after += energy[i + attack]
    return rises


@_compiled
def _plan(sound, total, sizes, scale):
    """Choose the jumps, one after the other."""
    samples, most = sound.audio.shape[1], sizes.window // (sizes.step * sizes.tick) + 2
    differences = np.empty((most + 1, len(scale.jumps)), _f32)
    prices = np.empty((most, len(scale.jumps)), _f32)
    columns = np.empty((most, 2), np.int64)
    chosen = np.empty((total // sizes.fade + 2, 3), np.int64)
    count = now = source = 0
    while count < len(chosen):
        state = _State(source, source - now / scale.factor, total - now)
        first, moments = _moments(state, samples, sizes, scale)
        if moments == 0:
            break
        for i in range(moments):
            tick = first + i * sizes.step
            columns[i, 0], columns[i, 1] = _allowed(tick, samples, state, sizes, scale)
        _compare(differences, columns[:moments], sound.outline, first, sizes.step, scale.first)
        scene = _scene(sound, first, (moments + 1) * sizes.step, sizes)
        best, lowest = 0, _NEVER
        for i in range(moments):
            tick = first + i * sizes.step
            steps = differences[i : i + 2]
            price = _price(prices[i], columns[i], steps, sound, tick, scene, state, sizes, scale)
            if price < lowest:
                best, lowest = i, price
        if lowest == _NEVER:
            break
        here = (first + best * sizes.step) * sizes.tick
        jump = _refined(prices[best], lowest, sound, here, scene, state, sizes, scale)
        now += here - source
        source = here + jump
        chosen[count, 0], chosen[count, 1], chosen[count, 2] = now, here, source
        count += 1
    return chosen[:count]


@_compiled
def _moments(state, samples, sizes, scale):
    """When the next jump may be: the source's first tick, and how many steps; 0 at the end."""
    ahead = state.drift if scale.rate > 0 else -state.drift
    latest = (scale.bound - ahead) / abs(scale.rate)
    if state.left <= min(latest + sizes.fade, samples - state.source):
        return 0, 0
    latest = int(min(latest, samples - state.source - sizes.fade, state.left - sizes.fade))
    if latest < 0:
        return 0, 0
    earliest = max(min(latest, sizes.pause), latest - sizes.window)
    first = (state.source + earliest) // sizes.tick
    last = (state.source + latest) // sizes.tick
    return first, (last - first) // sizes.step + 1


@_compiled
def _allowed(tick, samples, state, sizes, scale):
    """The jumps that may be made from a moment: the first column, and the one after the last."""
    passed = tick * sizes.tick - state.source
    drift = state.drift + passed * scale.rate
    # What the source must still hold then: all that is left, or enough until it can jump back.
    need = state.left - passed
    if scale.rate > 0:
        need = min(need, sizes.pause + sizes.fade)
    last = math.floor((scale.highest - drift) / sizes.tick)
    last = min(last, (samples - need) // sizes.tick - tick, scale.last)
    # Where both cannot be had, rather far off the time than beyond the end.
    first = min(math.ceil((scale.lowest - drift) / sizes.tick), last)
    first = max(first, scale.first, -tick)
    return first - scale.first, max(first, last + 1) - scale.first


@_compiled
def _compare(differences, columns, outline, first, step, nearest):
    """Squared differences of steps of the outline, by row, to what lies a jump away, by column."""
    for row in range(len(columns) + 1):
        # A step is the second one of a crossfade, and the first one of the next.
        one, two = max(row - 1, 0), min(row, len(columns) - 1)
        begin, end = min(columns[one, 0], columns[two, 0]), max(columns[one, 1], columns[two, 1])
        sums = differences[row, begin:end]
        sums[:] = 0
        start = first + row * step
        for tick in range(start, start + step):
            value = outline[tick]
            away = outline[tick + nearest + begin :]
            for column in range(len(sums)):
                difference = value - away[column]
                sums[column] += difference * difference


@_compiled
def _scene(sound, first, ticks, sizes):
    power = _power(sound.outline, first, ticks, sizes)
    end = min(first + ticks + sizes.pause // sizes.tick, len(sound.outline))
    attacks = (sound.rises[end] - sound.rises[first]) * 2 * sizes.step / (end - first)
    lively = min(attacks / (LIVELY * power), 1.0)
    return _Scene(power, _f32(TIMING + TIMING_OF_ATTACKS * lively))


@_compiled
def _power(outline, first, ticks, sizes):
    """The energy of the outline in a crossfade, on average over some ticks."""
    total = _f32(1e-12)  # so that silence can be divided by
    for value in outline[first : first + ticks]:
        total += value * value
    return total * _f32(2 * sizes.step / ticks)


@_compiled
def _price(prices, columns, steps, sound, tick, scene, state, sizes, scale):
    """Set the price of every jump from one moment, infinity where it may not be. Get the lowest.

    The price is how much the two places differ, plus how far off its time the sound is before and
    after, per length of the jump: the longer the jumps, the fewer of them.
    """
    drift = state.drift + (tick * sizes.tick - state.source) * scale.rate
    begin, end = columns[0], columns[1]
    prices[:begin] = _NEVER
    prices[end:] = _NEVER
    part, jumps = prices[begin:end], scale.jumps[begin:end]
    early, late = steps[0, begin:end], steps[1, begin:end]
    ours, others = _edges(tick, sizes, scale)
    gone, away = sound.rises[ours], sound.rises[others + scale.first + begin :]
    scaling, bound, drift = _f32(1 / scene.power), _f32(1 / scale.bound), _f32(drift)
    lowest = _NEVER
    for i in range(len(part)):
        attacks = abs(_f32(gone - away[i]))
        difference = (early[i] + late[i] + attacks) * scaling
        before, after = drift * bound, (drift + jumps[i]) * bound
        part[i] = _cost(difference, before, after, scene.timing) / abs(jumps[i])
        lowest = min(lowest, part[i])
    return lowest


@_compiled
def _edges(tick, sizes, scale):
    """Where the part begins that is repeated or left out, crossfades and all, but for the jump."""
    if scale.rate > 0:
        return tick + 2 * sizes.step, tick
    return tick, tick + 2 * sizes.step


@_compiled
def _cost(difference, before, after, timing):
    return np.sqrt(difference) + timing * (before * before + after * after)


@_compiled
def _refined(prices, lowest, sound, here, scene, state, sizes, scale):
    """The best jump from one moment: the cheapest ones, aligned and compared sample by sample."""
    tick = here // sizes.tick
    drift = state.drift + (here - state.source) * scale.rate
    # What squared differences of samples are in terms of the outline's power.
    share = _power(sound.outline, tick, 2 * sizes.step, sizes) / scene.power
    share /= _energy(sound.audio, here + sizes.fade // 4, sizes.fade // 2)
    ours, others = _edges(tick, sizes, scale)
    last, least, jump = _f32(-1), _NEVER, 0
    for _ in range(REFINED):
        i = _next_valley(prices, last, 2 * lowest)
        if i < 0:
            break
        last = prices[i]
        offset, squares = _aligned(sound.audio, here, (scale.first + i) * sizes.tick, sizes)
        attacks = abs(sound.rises[ours] - sound.rises[others + scale.first + i])
        difference = squares * share + attacks / scene.power
        before, after = drift / scale.bound, (drift + offset) / scale.bound
        price = _cost(difference, before, after, scene.timing) / abs(offset)
        if price < least:
            least, jump = price, offset
    return jump


@_compiled
def _next_valley(prices, above, below):
    """The index of the lowest local minimum between two prices; -1 if there is none."""
    found = -1
    for i in range(len(prices)):
        left, right = prices[max(i - 1, 0)], prices[min(i + 1, len(prices) - 1)]
        if above < prices[i] < below and prices[i] <= left and prices[i] <= right:
            found, below = i, prices[i]
    return found


@_compiled
def _aligned(audio, here, jump, sizes):
    """The best jump close to one, and the squared difference that it leaves amid the crossfade."""
    reach, half = sizes.tick // 2 + 1, sizes.fade // 2
    middle = here + half // 2
    best, least = jump, _NEVER
    for offset in range(
        max(jump - reach, -here), min(jump + reach, audio.shape[1] - sizes.fade - here) + 1
    ):
        squares = _f32(0)
        for channel in range(len(audio)):
            old = audio[channel, middle : middle + half]
            new = audio[channel, middle + offset : middle + offset + half]
            for i in range(half):
                difference = old[i] - new[i]
                squares += difference * difference
        if squares < least:
            best, least = offset, squares
    return best, least


@_compiled
def _energy(audio, start, number):
    total = _f32(1e-12)  # so that silence can be divided by
    for channel in range(len(audio)):
        part = audio[channel, start : start + number]
        for i in range(number):
            total += part[i] * part[i]
    return total


@_compiled
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


@_compiled
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
