"""How fast are files separated, and with how much memory, against their length?

    python -m benchmarks.separation [SECONDS ...]

Each row is a process of its own, which separates one stereo file of 44.1 kHz to float wav files.

- *nothing*: a model that returns its input, so that only our own part is measured: reading,
  cutting, joining and writing.
- *MaskInference*: the small model of the quickstart.
- *Open-Unmix, by tu.separate*: the network of Open-Unmix with its default sizes and one iteration
  of its Wiener filter, in our segments.
- *Open-Unmix, by itself*: the same network, called as its own ``separate`` does, which gives it the
  whole song, and written with one call per stem.

Weights are random: they change no time. Open-Unmix takes part where it can be imported (``pip
install openunmix``, not with this package). *speed* is seconds of audio per second; *GiB* the peak
of the process's memory, to which importing everything adds the amount in the first column.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch

LENGTHS = (10, 60, 600)
RATE = 44100
LABELS = ("vocals", "drums", "bass", "other")
MOST = 1.5  # GiB, for 10 minutes and a small model
WAYS = ("nothing", "MaskInference", "Open-Unmix, by tu.separate", "Open-Unmix, by itself")


class Nothing:
    """A model that returns its input as each source."""

    labels, sample_rate = LABELS, RATE

    def __call__(self, mixture):
        return mixture.unsqueeze(1).expand(-1, len(LABELS), -1, -1)


def open_unmix():
    """Its network with its default sizes, as a model by our protocol."""
    from openunmix.model import OpenUnmix, Separator

    torch.manual_seed(0)
    separator = Separator({label: OpenUnmix(nb_bins=2049) for label in LABELS}, niter=1)
    separator.freeze()
    separator.labels = LABELS
    return separator


def by_itself(path, folder):
    from openunmix.predict import separate

    audio, rate = soundfile.read(path, dtype="float32")
    with torch.no_grad():
        estimates = separate(torch.from_numpy(audio.T)[None], rate, separator=open_unmix())
    for label, estimate in estimates.items():
        soundfile.write(Path(folder, f"{label}.wav"), estimate[0].T.numpy(), rate, "FLOAT")


def run(way, path, folder):
    """Separate a file in this process, and print how long it took and the peaks of memory."""
    import psutil

    import tutorial_utils as tu
    from tutorial_utils.separation import separate_files

    if "Open-Unmix" in way:
        open_unmix()
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    if way == "Open-Unmix, by itself":
        by_itself(path, folder)
    else:
        models = {
            "nothing": Nothing,
            "MaskInference": lambda: tu.models.build("MaskInference", "tiny"),
            "Open-Unmix, by tu.separate": open_unmix,
        }
        (outcome,) = separate_files(models[way](), [path], folder)
        if outcome.error:
            raise RuntimeError(outcome.error)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "before": before, "peak": peak()}))


def peak():
    """The most memory that this process has held, in bytes."""
    import psutil

    if (
        sys.platform == "linux"
    ):  # where the process that started this one would count with getrusage
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(lengths):
    try:
        open_unmix()
        ways = WAYS
    except (ImportError, OSError) as error:
        print(f"Open-Unmix is not here ({error}).")
        ways = WAYS[:2]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for length in lengths:
            path = Path(scratch, f"{length:g}.wav")
            random = np.random.default_rng(0)
            noise = random.uniform(-0.2, 0.2, (round(length * RATE), 2)).astype(np.float32)
            soundfile.write(path, noise, RATE)
            del noise
            for way in ways:
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    line = [
                        sys.executable,
                        "-m",
                        "benchmarks.separation",
                        "--run",
                        way,
                        path,
                        folder,
                    ]
                    done = subprocess.run(line, capture_output=True, text=True, check=False)
                if done.returncode:
                    reason = done.stderr.strip().splitlines()[-1:] or [f"signal {-done.returncode}"]
                    print(f"{way}, {length:g} s: failed ({reason[0]})")
                    continue
                found = json.loads(done.stdout.splitlines()[-1])
                rows.append(
                    {
                        "model": way,
                        "length (s)": length,
                        "speed": length / found["seconds"],
                        "GiB, begun with": found["before"] / 2**30,
                        "GiB": found["peak"] / 2**30,
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    table = pd.DataFrame(rows).sort_values(["model", "length (s)"])
    print("\n" + table.to_string(index=False, float_format="%.2f"))
    small = table[(table["model"] == "MaskInference") & (table["length (s)"] >= 600)]
    for most in small["GiB"]:
        print(f"\n10 minutes with the small model: {most:.2f} GiB (less than {MOST} promised)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(*sys.argv[2:])
    else:
        main([float(text) for text in sys.argv[1:]] or LENGTHS)
