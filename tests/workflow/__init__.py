"""Snakemake on copies of the installation."""
