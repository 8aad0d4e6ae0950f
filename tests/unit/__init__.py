"""Functions of the package, each against something independent."""
