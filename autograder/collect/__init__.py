"""From what an LMS gives a teacher to submitted/: archives are read, not unpacked; each file finds its student.

A file's way: `sources` (archives and folders, with what is refused) -> `labels` (what LMSs write into names) ->
`gather` (whose, when, which of several) -> `place` (submitted/ and kept/) -> `collection` (the table).
"""
