"""The one error of this package that a user is meant to read."""


class NetworkError(ValueError):
    """A network that cannot be imported, quantised or scheduled.

    The message is one line that names the file, node or layer and says what would be right.
    """
