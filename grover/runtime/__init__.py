"""What every command needs whatever it computes: files, errors, progress, provenance, version, digest of the code, command-line helpers.

No science and nothing of the workflow belongs here.
"""
