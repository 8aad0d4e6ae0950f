"""Types of options that are single settings and that many scripts share."""

from typing import Annotated

from grover.config.sections import run
from grover.runtime.settings import Setting

Device = Annotated[str, Setting(run.Device, "device")]
Precision = Annotated[str, Setting(run.Device, "precision")]
Seed = Annotated[int, Setting(run.Randomness, "seed")]
