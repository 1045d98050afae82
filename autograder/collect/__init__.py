"""From an LMS's download to submitted/: archives are read, not unpacked, and each file is matched to its student.

The modules in the order in which a file meets them: `archives` (archives and folders, refusing what could do harm) ->
`labels` (what LMSs write into file names) -> `owners` (whose file it is, and from when) -> `gather` (which of several
submissions counts) -> `store` (submitted/ and kept/) -> `collection` (the table that is printed). `budget` limits what
comes out of each download, `dates` says which times are believed, and `scratch` is where files are meanwhile.
"""
