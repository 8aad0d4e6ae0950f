"""Whether the GPU of this machine and its driver fit the build of torch."""

import torch


def gpu_problems() -> list[str]:
    """Compute something on the GPU; return why that is not possible in one sentence."""
    build = f"torch {torch.__version__} (CUDA {torch.version.cuda or 'none'})"
    try:
        values = torch.ones(64, 64, device="cuda")
        (values @ values).sum().item()
    except (AssertionError, RuntimeError) as error:  # the first where torch was built without CUDA
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        return [
            f"{build} cannot use the GPU here: {reason}; install a build of torch for this driver and GPU, ask for another GPU, "
            "or set device: cpu"
        ]
    return []
