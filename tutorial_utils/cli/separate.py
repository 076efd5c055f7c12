"""``tutorial-utils separate``: recordings become folders of stems."""

import argparse
import sys

from tutorial_utils.cli.common import PROGRAM


def add(commands):
    parser = commands.add_parser(
        "separate",
        help="separate recordings into stems with a model",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="package.module:name, or file.py:name")
    parser.add_argument("recordings", metavar="FILE_OR_FOLDER", nargs="+", help="what to separate")
    parser.add_argument("--save", metavar="FOLDER", required=True, help="where to write")
    parser.add_argument(
        "--two-stems", metavar="LABEL", help="this one source, and all others as one"
    )
    parser.add_argument(
        "--residual", action="store_true", help="also what the estimates leave of the mixture"
    )
    parser.add_argument(
        "--consistent", action="store_true", help="make the estimates sum to the mixture"
    )
    parser.add_argument(
        "--wiener", metavar="N", type=int, default=0, help="iterations of a Wiener filter (0)"
    )
    parser.add_argument(
        "--segment", metavar="S", type=float, default=10.0, help="seconds at a time (10)"
    )
    parser.add_argument(
        "--overlap", metavar="SHARE", type=float, default=0.25, help="of two segments (0.25)"
    )
    parser.add_argument(
        "--context", metavar="S", type=float, default=1.0, help="seconds on both sides (1)"
    )
    parser.add_argument(
        "--shifts", metavar="N", type=int, default=0, help="mean of N shifted estimates (0)"
    )
    parser.add_argument(
        "--batch-size", metavar="N", type=int, default=1, help="segments at once (1)"
    )
    parser.add_argument("--device", metavar="NAME", help="such as cuda (where the model is)")
    parser.add_argument(
        "--format", choices=("wav", "flac"), default="wav", help="float wav, or 24-bit flac (wav)"
    )
    parser.set_defaults(run=run)


_DESCRIPTION = """\
Separate recordings of any length, sample rate and number of channels. Each gets
a folder of stems below --save. In folders, all sound files are separated; where
there is a mixture beside stems, as in MUSDB18-HQ, it alone.

MODEL is the folder of a run, as the command "train" fills it; or the name of a
small model that comes with the package, such as Chimera; or one of umxhq, umxl,
umxse and htdemucs, which are downloaded at the first time. Or it is Python code
that is run: name an object in a module or a file that you trust. Anything with
labels and a sample_rate will do that can be called with mixtures (batch,
channels, samples), as tensors, and returns estimates (batch, sources, channels,
samples). A function without labels is called to make one.
"""
_EXAMPLE = f"""\
example:
  In a file mine.py, load your model:

    def model():
        model = tu.models.build("MaskInference", "tiny")
        model.load_state_dict(torch.load("weights.pt", weights_only=True))
        return model

  Then separate songs with it, into vocals and accompaniment:

    {PROGRAM} separate mine.py:model songs --save stems --two-stems vocals

  If it is interrupted, the same command goes on where it stopped. If a recording
  fails, the others are done, and the exit status is 1.
"""


def run(options):
    from tutorial_utils.cli.objects import load_model
    from tutorial_utils.separation.estimating import Settings
    from tutorial_utils.separation.recordings import separate_files, summary
    from tutorial_utils.wiener import Refined

    settings = Settings(
        options.segment,
        options.overlap,
        options.context,
        options.shifts,
        options.batch_size,
        options.two_stems,
        options.residual,
        options.consistent,
    )
    model, name = load_model(options.model), options.model
    if options.wiener:
        model, name = Refined(model, options.wiener), f"{name}, {options.wiener} x Wiener"
    outcomes = list(
        separate_files(
            model,
            options.recordings,
            options.save,
            settings,
            suffix=f".{options.format}",
            device=options.device,
            name=name,
        )
    )
    failed = any(outcome.error for outcome in outcomes)
    print(summary(outcomes), file=sys.stderr if failed else sys.stdout)
    return int(failed)
