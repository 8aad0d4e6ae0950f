"""Estimates of what a run will take: work, time, disk. No results are read or made. Nothing heavy is imported, since the driver asks."""
