"""Whom the user names mean that LMSs write beside names, or at the end of names of their own making."""

from dataclasses import replace
from pathlib import PurePath

from autograder.collect.archives import File
from autograder.collect.labels import LMS_FILES, SAKAI_FOLDER, Label, Member, read_folder_label, read_label
from autograder.collect.lms_files import LmsFiles
from autograder.course_folder.roster import Match, Roster, Student, squeeze, without_accents, words


def label_at(file: File, number: int, part: int, lms_files: LmsFiles, roster: Roster) -> Label | None:
    """What an LMS says at a place on the way to a file: in a file of its own, in this name, or in it and those below.

    Args:
        file: the file.
        number, part: the level, and the name in it.
        lms_files: what the LMS's own files in the download say.
        roster: of the course.
    """
    parts = file.levels[number].parts
    key = (*(level.parts for level in file.levels[:number]), parts[: part + 1])
    if listed := lms_files.gradescope.get(key):
        return listed
    if label := read_label(parts[part]):
        return label
    label = read_folder_label(parts[part], parts[part + 1 :], stamped=lms_files.stamped)
    if label is None:
        return None
    if label.lms == "Sakai" and key in lms_files.sakai:
        when = lms_files.sakai[key]
        return replace(label, when=when, remark="" if when else "Sakai's timestamp.txt cannot be read: not counted")
    # Anybody may call a folder like ILIAS does, so it has to be somebody's.
    return label if label.lms != "ILIAS" or by_login(label, roster).students else None


def is_lms_file(file: File, deepest: int) -> bool:
    """Whether this is a file that an LMS added to the download, which no student handed in.

    Args:
        file: the file.
        deepest: the last level that is the LMS's.
    """
    outside = len(file.levels) - 1 <= deepest and SAKAI_FOLDER not in file.levels[-1].parts
    return outside and (file.name in LMS_FILES or file.name.endswith("_submissionText.html"))


def by_login(label: Label, roster: Roster) -> Match:
    """By user name and name; they are a doubt if they mean different students."""
    login, name = roster.exact(label.login), roster.sender(label.sender)
    if not login.students or not name.students:
        return login if login.students else name
    both = login.students & name.students
    return Match(both) if both else Match(login.students | name.students, "the user name is another student's")


def by_group(label: Label, roster: Roster) -> tuple[str, str]:
    """The group on the roster that a label means, and the member that it names beside it; "" for neither."""
    if roster.exact(label.sender).students:
        return "", ""
    if label.lms == "Blackboard":
        # Assignment_group, and both may contain underscores.
        parts = label.sender.split("_")
        endings = ("_".join(parts[start:]) for start in range(len(parts)))
        return next((ending for ending in endings if roster.members(ending)), ""), ""
    if roster.members(label.sender):
        # Canvas adds the number of the member who handed it in; Moodle adds the group's number.
        return label.sender, roster.exact("", label.number).only if label.lms == "Canvas" else ""
    # Older Moodle: Team Alpha-Ada Weber, in a folder for each member.
    heads = (label.sender[:place] for place, sign in enumerate(label.sender) if sign == "-")
    head = next((head for head in heads if roster.members(head)), "")
    return (head, roster.exact(label.sender[len(head) + 1 :]).only) if head else ("", "")


def may_be_a_group(label: Label, student: Student) -> bool:
    """Whether only Canvas's number says that this student handed it in: for a group, the name is the group's."""
    if label.lms != "Canvas" or not label.sender:
        return False
    codes = {squeeze(code) for code in (student.id, student.email, student.lms_id, student.email.partition("@")[0])}
    sender = squeeze(without_accents(label.sender))
    # Canvas runs the names together, last name first; a short one may be in any word by chance.
    own = sum(len(word) for word in words(without_accents(student.name)) if word in sender)
    return sender not in codes and 2 * own <= len(sender)


def by_ending(text: str, roster: Roster) -> Match:
    """GitHub Classroom calls a folder exercise-login, and Artemis a file exercise-login-number."""
    parts = PurePath(text).stem.split("-") if "." in text else text.split("-")
    if len(parts) > 2 and parts[-1].isdecimal():
        parts = parts[:-1]
    # The shortest ending that is somebody's, because both exercise and login may contain hyphens.
    endings = ("-".join(parts[start:]) for start in range(len(parts) - 1, 0, -1))
    # A number at the end of a download's name is the assignment's, and no student's in an LMS.
    names = (ending for ending in endings if not ending.isdecimal())
    return next((match for ending in names if (match := roster.exact(ending)).students), Match())


def by_member(member: Member, roster: Roster) -> str:
    """The student whom an LMS's list means, by id, email or name; "" for nobody on the roster."""
    exact = (roster.exact(name).only for name in (member.id, member.email) if name)
    return next(filter(None, exact), "") or roster.sender(member.name).only
