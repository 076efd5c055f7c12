"""Where to jump in a sound to change its duration.

The duration is changed by waveform-similarity overlap-add (WSOLA): the output follows the source
and, from time to time, jumps back in it (to last longer) or ahead (to end sooner), with a crossfade
between two places that look alike. The published method jumps at fixed times and chooses only how
far. Here the moment is chosen too, so that a jump falls where nothing happens: no attack is heard
twice, left out or blurred. All channels jump together, so that the stereo image stays.

References
----------
W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tutorial_utils.audio import require_finite
from tutorial_utils.cache import compiled

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

_f32 = np.float32
_NEVER = _f32(1e30)  # a price; fast mathematics knows no infinity


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
def sizes(sample_rate):
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


def choose(audio, factor, samples, sizes):
    """All jumps: rows of the output's sample, and the source's before and after."""
    if factor == 1 or min(audio.shape[1], samples) < sizes.pause + 2 * sizes.fade:
        require_finite(audio, "The audio")
        return np.empty((0, 3), np.int64)
    outline, rises = _outline(audio, sizes.tick, sizes.attack)
    # Two small arrays that would show it first.
    if not (np.isfinite(outline).all() and np.isfinite(audio[:, -sizes.tick :]).all()):
        require_finite(audio, "The audio")
    return _plan(_Sound(audio, outline, rises), samples, sizes, _scale(factor, sizes))


@compiled
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


@compiled
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


@compiled
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


@compiled
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


@compiled
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


@compiled
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


@compiled
def _scene(sound, first, ticks, sizes):
    power = _power(sound.outline, first, ticks, sizes)
    end = min(first + ticks + sizes.pause // sizes.tick, len(sound.outline))
    attacks = (sound.rises[end] - sound.rises[first]) * 2 * sizes.step / (end - first)
    lively = min(attacks / (LIVELY * power), 1.0)
    return _Scene(power, _f32(TIMING + TIMING_OF_ATTACKS * lively))


@compiled
def _power(outline, first, ticks, sizes):
    """The energy of the outline in a crossfade, on average over some ticks."""
    total = _f32(1e-12)  # so that silence can be divided by
    for value in outline[first : first + ticks]:
        total += value * value
    return total * _f32(2 * sizes.step / ticks)


@compiled
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


@compiled
def _edges(tick, sizes, scale):
    """Where the part begins that is repeated or left out, crossfades and all, but for the jump."""
    if scale.rate > 0:
        return tick + 2 * sizes.step, tick
    return tick, tick + 2 * sizes.step


@compiled
def _cost(difference, before, after, timing):
    return np.sqrt(difference) + timing * (before * before + after * after)


@compiled
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


@compiled
def _next_valley(prices, above, below):
    """The index of the lowest local minimum between two prices; -1 if there is none."""
    found = -1
    for i in range(len(prices)):
        left, right = prices[max(i - 1, 0)], prices[min(i + 1, len(prices) - 1)]
        if above < prices[i] < below and prices[i] <= left and prices[i] <= right:
            found, below = i, prices[i]
    return found


@compiled
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


@compiled
def _energy(audio, start, number):
    total = _f32(1e-12)  # so that silence can be divided by
    for channel in range(len(audio)):
        part = audio[channel, start : start + number]
        for i in range(number):
            total += part[i] * part[i]
    return total
