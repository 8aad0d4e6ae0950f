"""The workflow on a private SLURM cluster."""
