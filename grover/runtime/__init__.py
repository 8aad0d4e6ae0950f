"""What every command needs whatever it computes: files, errors, progress, provenance, options. No science, and nothing of the workflow."""
