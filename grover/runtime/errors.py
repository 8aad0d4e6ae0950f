"""The one exception that carries a sentence for the user."""


class InputError(Exception):
    """Something the user gave is wrong; the message contains what, where, what was expected and what to do.

    Commands print it as one line and exit with 1, without a traceback.
    """
