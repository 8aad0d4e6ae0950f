"""Estimates of what a run will take: amounts of work, measured rates, jobs, time, disk.

Nothing heavy is imported, since the workflow asks before its first job.
"""
