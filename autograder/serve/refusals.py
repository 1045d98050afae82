"""Why the server refuses something: a sentence for people, and HTTP's number for it."""


class RefusedError(Exception):
    """A request that is refused; nothing has changed.

    Attributes:
        status: HTTP's status code.
        sentence: what is wrong, and what to do.
        retry_after: after how many seconds it may work, or None.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None):
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after
