"""The official mark at once: takes submissions over HTTP, grades them as `autograder grade` would, shows the marks.

An upload takes this way, and each step can be repeated after a crash:

    intake      checked, written to the inbox, and from then on accepted
    placement   put into submitted/ as `autograder collect` would put it
    grader      a process of its own grades it as `autograder grade` would, into records/ and the gradebook
    attempts    what became of it, one file for each upload; pages and receipts are made from these
"""
