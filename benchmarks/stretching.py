"""How good are our changes of pitch and tempo, and how fast, beside SoX's and librosa's?

    python -m benchmarks.stretching

Scaper changes pitch and tempo with SoX's ``pitch`` and ``tempo -s``; its default quality is the
column ``SoX``, its option ``quick_pitch_time`` the column ``SoX quick``. What is measured:

- *tones*: energy off the partials of harmonic tones, in dB, for low notes (41 to 82 Hz), for higher
  ones (110 to 880 Hz) and for a chord. Lower is cleaner.
- *hits*: how many of the drum hits are lost, and how many sound twice; how far from its place a
  hit lands, as the root mean square in ms; how much weaker the attack of one in twenty hits is, at
  least: the energy of its first 8 ms, in dB.
- *stems*: each stem is stretched, and compared with the original at the times where each moment
  should be now: the root mean square distance of log-mel spectra in dB, and the correlation of
  their onset envelopes. Then it is shifted and stretched there and back, and compared again.
- *time*: ms for 5 s of a stereo stem, the mean over changes as they are drawn for training; without
  the start of the SoX program, which is measured on a few samples. The shortest of several runs
  counts, for the machine may have other things to do.
"""

import shutil
import subprocess
import sys
import time
import warnings

import librosa
import numpy as np
import pandas as pd
import scipy.signal

from tutorial_utils import stretch, tinystems
from tutorial_utils.data import open_songs

RATE = 44100
CHANGES = [(2.0, 0.8), (-2.0, 1.2), (1.3, 1.2), (None, 1.1)]
FACTORS = (0.8, 1.2)
NEAR = 0.045  # seconds from its place within which a hit is looked for
DRAWS, RUNS = 12, 8  # of which the time is taken


def sox(*quick):
    """SoX as Scaper calls it: a function like ``stretch.change``."""

    def change(audio, rate, pitch=None, factor=None):
        effects = []
        if pitch:
            effects += ["pitch", *quick, f"{100 * pitch}"]
        if factor:
            effects += ["tempo", *quick, "-s", f"{1 / factor}"]
        sound = ["-t", "f32", "-r", str(rate), "-c", str(len(audio)), "-"]
        done = subprocess.run(
            ["sox", "-V1", *sound, *sound, *effects],
            input=np.ascontiguousarray(audio.T).tobytes(),
            capture_output=True,
            check=True,
        )
        output = np.frombuffer(done.stdout, np.float32).reshape(-1, len(audio)).T
        return librosa.util.fix_length(output, size=round(audio.shape[1] * (factor or 1)))

    return change


def phase_vocoder(audio, rate, pitch=None, factor=None):
    """librosa: a phase vocoder, and resampling."""
    size = round(audio.shape[1] * (factor or 1))
    if pitch:
        audio = librosa.effects.pitch_shift(audio, sr=rate, n_steps=pitch)
    if factor:
        audio = librosa.effects.time_stretch(audio, rate=1 / factor)
    return librosa.util.fix_length(audio, size=size)


def tone(fundamentals, seconds=5.0):
    """A sum of harmonic tones."""
    time_ = np.arange(round(seconds * RATE)) / RATE
    signal = np.zeros_like(time_)
    for f in fundamentals:
        for k in range(1, 21):
            if k * f < 8000:
                signal += np.cos(2 * np.pi * k * f * time_ + 0.7 * k**2) / k
    return (0.2 * signal / np.abs(signal).max()).astype(np.float32)[None]


def off_partials(change, fundamentals):
    """Energy off the partials, relative to all, in dB: the mean over changes."""
    window = scipy.signal.get_window("blackmanharris", RATE)
    shares = []
    for pitch, factor in CHANGES:
        changed = change(tone(fundamentals), RATE, pitch, factor)[0]
        for first in range(RATE // 4, len(changed) - RATE - RATE // 4, RATE // 2):
            energy = np.abs(np.fft.rfft(window * changed[first : first + RATE])) ** 2
            bins = np.arange(len(energy))  # of 1 Hz
            off = np.ones(len(energy), bool)
            for f in fundamentals:
                partials = f * 2 ** ((pitch or 0) / 12) * np.arange(1, 1 + int(10000 / f))
                for partial in partials:
                    off &= np.abs(bins - partial) > 6 + 0.003 * partial
            shares.append(energy[off].sum() / energy.sum())
    return 10 * np.log10(np.mean(shares) + 1e-12)


def drum_hits(seed):
    """Five seconds of hits, half of them over a bass note, and their times."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.09, 0.3, 60))
    times = times[times < 4.7]
    signal = np.zeros(5 * RATE)
    after = np.arange(RATE // 4) / RATE
    for when in times:
        noise = random.standard_normal(len(after)) / 2 + np.sin(2 * np.pi * 180 * after)
        first = round(when * RATE)
        signal[first : first + len(after)] += 0.3 * np.exp(-after / 0.03) * noise
    if seed % 2:
        signal += 0.5 * tone([55.0])[0]
    return signal.astype(np.float32)[None], times


def onsets(signal):
    """When the energy of high frequencies rises by more than 9 dB, in seconds."""
    hop = RATE // 1000
    bright = scipy.signal.lfilter([1, -0.95], 1, signal) ** 2
    level = 10 * np.log10(np.convolve(bright, np.ones(3 * hop) / 3 / hop, "same")[::hop] + 1e-7)
    before = np.array([level[max(0, i - 8) : max(1, i - 3)].max() for i in range(len(level))])
    found = []
    for i in np.flatnonzero(level - before > 9):
        if not found or i - found[-1] > 12:
            found.append(i)
    return np.array(found) * hop / RATE


def attacks(signal, times):
    """The energy of the first 8 ms of hits, in dB."""
    firsts = np.round(np.asarray(times) * RATE).astype(int) - 2 * RATE // 1000
    return np.array([10 * np.log10((signal[i : i + RATE // 100] ** 2).sum()) for i in firsts])


def judged_hits(change):
    """Percent of hits lost and doubled, the error of their places in ms, and weak attacks in dB."""
    lost = doubled = total = 0
    errors, gains = [], []
    for seed in range(4):
        signal, times = drum_hits(seed)
        for pitch, factor in CHANGES:
            changed = change(signal, RATE, pitch, factor)[0]
            found = onsets(changed)
            distances = np.abs(found[None] - times[:, None] * factor)
            nearest = distances.min(axis=1, initial=np.inf)
            heard = nearest <= NEAR
            lost += (~heard).sum()
            doubled += max(0, len(found) - heard.sum())
            total += len(times)
            errors.extend(nearest[heard])
            matched = found[distances[heard].argmin(axis=1)] if heard.any() else []
            gains.extend(attacks(changed, matched) - attacks(signal[0], times[heard]))
    gains = np.array(gains) - np.median(gains)
    late = 1e3 * np.sqrt(np.mean(np.square(errors)))
    return 100 * lost / total, 100 * doubled / total, late, np.percentile(gains, 5)


def log_mel(audio, times):
    """Log-mel spectra of shape (times, bands) at some times, in dB."""
    frames = np.arange(2048) + np.round(times * RATE).astype(int)[:, None]
    padded = np.pad(audio.mean(axis=0), (1024, 4096))
    power = np.abs(np.fft.rfft(padded[frames] * np.hanning(2048))) ** 2
    return 10 * np.log10(power @ MEL.T + 1e-4)


MEL = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=64, fmax=16000)


def apart(before, after):
    """Distance of two series of log-mel spectra in dB, and correlation of their onsets."""
    rises = [np.maximum(0, np.diff(one, axis=0)).mean(axis=1) for one in (before, after)]
    return np.sqrt(np.mean((before - after) ** 2)), np.corrcoef(*rises)[0, 1]


def judged_stem(change, stems):
    """Distance and correlation after stretching, and after a shift and a stretch and back."""
    times = np.arange(0.05, 4.85, 0.01)
    there, back = [], []
    for stem in stems:
        before = log_mel(stem, times)
        for factor in FACTORS:
            there.append(apart(before, log_mel(change(stem, RATE, None, factor), times * factor)))
        for pitch, factor in CHANGES:
            changed = change(stem, RATE, pitch, factor)
            changed = change(changed, RATE, -pitch if pitch else None, 1 / factor)
            back.append(apart(before, log_mel(changed, times)))
    return (*np.mean(there, axis=0), *np.mean(back, axis=0))


def milliseconds(change, stem, empty):
    """Time for a change of both, on average, without what an empty sound takes."""

    def shortest(audio, pitch, factor):
        taken = []
        for _ in range(RUNS):
            began = time.perf_counter()
            change(audio, RATE, pitch, factor)
            taken.append(time.perf_counter() - began)
        return 1e3 * min(taken)

    random = np.random.default_rng(0)
    drawn = np.stack([random.uniform(-2, 2, DRAWS), random.uniform(0.8, 1.2, DRAWS)], axis=1)
    taken = [shortest(stem, *both) for both in drawn]
    return np.mean(taken) - (shortest(empty, *drawn[0]) if empty is not None else 0.0)


def main() -> None:
    warnings.simplefilter("ignore")
    methods = {"ours": stretch.change}
    if shutil.which("sox"):
        methods |= {"SoX": sox(), "SoX quick": sox("-q")}
    else:
        print("There is no SoX here: its columns are left out.", file=sys.stderr)
    methods["librosa"] = phase_vocoder
    songs = [song for song in open_songs(tinystems.build()) if song.split == "test"][:3]
    columns = {}
    for name, change in methods.items():
        column = {
            "tones: low (dB)": np.mean([off_partials(change, [f]) for f in (41.2, 55, 82.4)]),
            "tones: high (dB)": np.mean([off_partials(change, [f]) for f in (110, 330, 880)]),
            "tones: chord (dB)": off_partials(change, [110, 164.8, 220, 277.2, 329.6]),
        }
        judged = judged_hits(change)
        column |= dict(
            zip(
                ("hits: lost (%)", "hits: doubled (%)", "hits: off (ms)", "hits: attack (dB)"),
                judged,
                strict=True,
            )
        )
        for label in songs[0].labels:
            stems = [song.stem(label, 4.0, 5.0) for song in songs]
            kinds = ("stretched (dB)", "stretched (corr.)", "and back (dB)", "and back (corr.)")
            judged = judged_stem(change, stems)
            column |= {f"{label}: {k}": v for k, v in zip(kinds, judged, strict=True)}
        empty = stems[0][:, :64] if name.startswith("SoX") else None
        column["time (ms)"] = milliseconds(change, stems[0], empty)
        columns[name] = column
    print(pd.DataFrame(columns).round(2).to_string())


if __name__ == "__main__":
    main()
