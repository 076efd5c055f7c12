"""How much do TinyStems resemble real music? Measure both in the same way.

    python -m benchmarks.realism                          # the test songs of TinyStems
    python -m benchmarks.realism PATH [PATH ...]          # and of any other sets
    python -m benchmarks.realism PATH --json realism.json

For each stem of each song:

=============== ==================================================================================
mixture SI-SDR  the mixture taken as the estimate (dB): how loud the stem is against the rest
ratio, binary   SI-SDR of the ideal ratio and binary masks (dB): how much the stems overlap
loudness        of the stem (LUFS, ITU-R BS.1770)
centroid        the mean frequency of the spectrum, frames weighted by their level (Hz)
bandwidth       the deviation around it (Hz)
onsets          per second (librosa)
side / mid      power of the difference against that of the sum of the channels (dB)
WDO             W-disjoint orthogonality of the binary mask (Yilmaz and Rickard, IEEE Transactions
                on Signal Processing 52(7), 2004): 1 if the stem shares no bin with the others
silence         share of frames below -60 dB re full scale (%)
crest           peak against root mean square (dB)
=============== ==================================================================================

Signals are made mono and STFTs have a Hann window of 2048 samples and a hop of 512.
"""

import argparse
import json
import os
from pathlib import Path

import librosa
import numpy as np
import scipy.signal
from tqdm import tqdm

from tutorial_utils import audio
from tutorial_utils.data.songs import open_songs

LABELS = ("drums", "bass", "other", "vocals")
FRAME, HOP = 2048, 512
UNITS = {
    "mixture SI-SDR": "dB", "ratio mask": "dB", "binary mask": "dB", "loudness": "LUFS",
    "centroid": "Hz", "bandwidth": "Hz", "onsets": "1/s", "side / mid": "dB", "WDO": "",
    "silence": "%", "crest": "dB",
}  # fmt: skip
WITHIN = 3.0
SPREAD = 1.5


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """SI-SDR in dB of one mono signal."""
    reference, estimate = reference - reference.mean(), estimate - estimate.mean()
    target = (estimate @ reference) / (reference @ reference + 1e-20) * reference
    return float(10 * np.log10(np.sum(target**2) / (np.sum((target - estimate) ** 2) + 1e-20)))


def decibels(power: float) -> float:
    return float(10 * np.log10(power + 1e-12))


def onset_rate(signal: np.ndarray, sample_rate: int) -> float:
    """Onsets per second, found by librosa's peaks of spectral flux."""
    onsets = librosa.onset.onset_detect(y=signal.astype(np.float32), sr=sample_rate)
    return len(onsets) / (len(signal) / sample_rate)


def measure(song) -> dict[str, dict[str, float]]:
    """All the measures of one song, by stem; a stem that is silent throughout is left out."""
    stems = {label: song.stem(label).astype(np.float64) for label in LABELS}
    mixture = song.mixture().astype(np.float64).mean(axis=0)
    transform = scipy.signal.ShortTimeFFT(
        scipy.signal.get_window("hann", FRAME), HOP, song.sample_rate, scale_to="magnitude"
    )
    mono = {label: stem.mean(axis=0) for label, stem in stems.items()}
    spectra = {label: transform.stft(signal) for label, signal in mono.items()}
    of_mixture = transform.stft(mixture)
    total = sum(np.abs(s) for s in spectra.values()) + 1e-12
    everything = sum(spectra.values())
    result = {}
    for label in LABELS:
        if np.abs(mono[label]).max() < 1e-4:
            continue
        magnitude = np.abs(spectra[label])
        others = np.abs(everything - spectra[label])
        loudest = np.all([magnitude >= np.abs(s) for s in spectra.values()], axis=0)
        masks = {"ratio mask": magnitude / total, "binary mask": loudest}
        power = magnitude.sum(axis=1)
        f = transform.f
        centroid = (f * power).sum() / power.sum()
        own = magnitude > others
        energy = (magnitude**2).sum()
        middle, side = stems[label].mean(axis=0), np.diff(stems[label], axis=0) / 2
        frames = mono[label][: len(mono[label]) // HOP * HOP].reshape(-1, HOP)
        row = {"mixture SI-SDR": si_sdr(mono[label], mixture)}
        for name, mask in masks.items():
            estimate = transform.istft(mask * of_mixture, k1=len(mixture))
            row[name] = si_sdr(mono[label], estimate)
        row |= {
            "loudness": audio.loudness(stems[label].astype(np.float32), song.sample_rate),
            "centroid": float(centroid),
            "bandwidth": float(np.sqrt(((f - centroid) ** 2 * power).sum() / power.sum())),
            "onsets": onset_rate(mono[label], song.sample_rate),
            "side / mid": decibels(np.mean(side**2) / np.mean(middle**2)),
            "WDO": float(((magnitude[own] ** 2).sum() - (others[own] ** 2).sum()) / energy),
            "silence": float(100 * np.mean(np.mean(frames**2, axis=1) < 1e-6)),
            "crest": decibels(np.max(mono[label] ** 2) / np.mean(mono[label] ** 2)),
        }
        result[label] = row
    return result


def summarise(rows: list[dict]) -> dict[str, dict[str, dict[str, float]]]:
    """Median and standard deviation over songs, by measure and stem."""
    summary = {}
    for measure_name in UNITS:
        summary[measure_name] = {}
        for label in LABELS:
            values = [row[label][measure_name] for row in rows if label in row]
            summary[measure_name][label] = {
                "median": float(np.median(values)),
                "spread": float(np.std(values)),
            }
    return summary


def table(summaries: dict[str, dict]) -> str:
    """The sets side by side, one line a measure and set."""
    width = max(len(name) for name in summaries) + 2
    lines = [f"{'':24}{'':{width}}" + "".join(f"{label:>18}" for label in LABELS)]
    for measure_name, unit in UNITS.items():
        title = f"{measure_name} [{unit}]" if unit else measure_name
        digits = 0 if unit == "Hz" else 2 if not unit else 1
        for number, (name, summary) in enumerate(summaries.items()):
            cells = [
                f"{cell['median']:.{digits}f} ± {cell['spread']:.{digits}f}"
                for cell in summary[measure_name].values()
            ]
            head = title if number == 0 else ""
            lines.append(f"{head:24}{name:{width}}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def verdict(ours: dict, real: dict) -> list[str]:
    """Where the medians lie more than 3 dB apart or our songs are too much alike."""
    complaints = []
    for name in ("mixture SI-SDR", "ratio mask"):
        for label in LABELS:
            apart = ours[name][label]["median"] - real[name][label]["median"]
            if abs(apart) > WITHIN:
                complaints.append(f"{name}, {label}: {apart:+.1f} dB from the real median")
            if ours[name][label]["spread"] < SPREAD:
                complaints.append(f"{name}, {label}: spread below {SPREAD} dB")
    return complaints


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="other sets; the first one is what to be like")
    parser.add_argument("--ours", help="a TinyStems folder (default: built or found)")
    parser.add_argument("--split", default="test", help="which of our songs (default: test)")
    parser.add_argument("--json", help="write the numbers of every song here")
    options = parser.parse_args(arguments)
    if options.ours is None:
        from tutorial_utils.data import tinystems

        options.ours = tinystems.build()
    sets = {"TinyStems": [s for s in open_songs(options.ours) if s.split == options.split]}
    for path in options.paths:
        sets[Path(path).name] = open_songs(path)
    songs = {
        name: {song.name: measure(song) for song in tqdm(members, name, unit="song")}
        for name, members in sets.items()
    }
    summaries = {name: summarise(list(rows.values())) for name, rows in songs.items()}
    print("median ± standard deviation over songs")
    print(table(summaries))
    complaints = []
    if options.paths:
        complaints = verdict(summaries["TinyStems"], summaries[Path(options.paths[0]).name])
        print("\n".join(complaints) or "Within 3 dB of the first set, spread by at least 1.5 dB.")
    if options.json:
        temporary = Path(f"{options.json}.{os.getpid()}")
        temporary.write_text(json.dumps({"summary": summaries, "songs": songs}, indent=1))
        os.replace(temporary, options.json)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
