"""The subcommands of `grover`."""
