"""``tutorial-utils train``: train the model of a run's folder."""

import argparse

from tutorial_utils.cli.common import PROGRAM, processes
from tutorial_utils.cli.config import pairs
from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "train",
        help="train the model of a run's folder",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="with a config.json")
    parser.add_argument("--resume", action="store_true", help="go on from a checkpoint, if any")
    parser.add_argument(
        "--from", dest="from_", metavar="NAME", default="last", help="which one (last)"
    )
    parser.add_argument("--device", metavar="NAME", help="such as cpu (a GPU where there is one)")
    parser.add_argument(
        "--devices", metavar="N", type=processes, default=1, help="GPUs, or processes (1)"
    )
    parser.set_defaults(run=run, settings=True)


_DESCRIPTION = """\
Train a model as the config.json of its folder says. The folder gains tables of
mixtures, checkpoints, and log.jsonl with a line per step. If it is stopped at
any moment, --resume goes on as if nothing had happened.

Settings of the training may be given, too, as --SETTING VALUE; they are written
into the config.json.
"""
_EXAMPLE = f"""\
example:
  {PROGRAM} config ConvTasNet --preset tiny --name my_model
  {PROGRAM} train my_model --epochs 20
  {PROGRAM} train my_model --resume --precision bf16-mixed
  {PROGRAM} train my_model --resume --devices 2
"""


def run(options):
    from tutorial_utils.config import Config
    from tutorial_utils.training import train
    from tutorial_utils.training.processes import is_first

    if changes := pairs(options.rest):
        config = Config.read(options.folder)
        if wrong := [name for name in changes if name not in vars(config.training)]:
            raise ValueError(
                f"--{shown(wrong[0])} is no setting of the training. Others are changed by: "
                f"{PROGRAM} config FOLDER --SETTING VALUE"
            )
        config.edited(changes).write(options.folder)
    if options.devices > 1:
        from tutorial_utils.training.processes import started

        arguments = ["train", options.folder, "--from", options.from_]
        arguments += ["--resume"] * options.resume
        arguments += ["--device", options.device] if options.device else []
        return started(options.devices, arguments)
    resume = options.resume or options.from_ != "last"
    try:
        run = train(options.folder, resume=resume, from_=options.from_, device=options.device)
    except (FloatingPointError, ImportError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    if is_first():
        print(f"Done. The best weights are the checkpoint 'best' of {shown(run)}.")
    return 0
