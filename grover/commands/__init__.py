"""The subcommands of `grover`, thin: each opens what it is given, calls the package and prints. No algorithm belongs here."""
