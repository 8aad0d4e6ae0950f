"""Check that the device that was asked for is there and that one step runs on it."""

import torch

from grover.config.options import Device, Precision
from grover.network.device import choose_device, compute_once
from grover.runtime.cli import Output, main
from grover.runtime.files import write_json


def check_device(output: Output, device: Device, precision: Precision) -> None:
    """Write what the device is; a GPU that was asked for and is not there is an error."""
    place = choose_device(device)
    compute_once(place, precision)
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else "CPU"
    write_json(output, {"asked": device, "device": str(place), "name": name, "precision": precision})


if __name__ == "__main__":
    main(check_device)
