"""`python -m grover` is the command `grover`."""

from grover.commands.application import main

if __name__ == "__main__":
    main()
