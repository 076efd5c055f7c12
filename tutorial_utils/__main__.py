"""``python -m tutorial_utils`` is the command ``tutorial-utils``."""

import sys

from tutorial_utils.cli import main

sys.exit(main())
