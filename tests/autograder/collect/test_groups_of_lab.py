"""What belongs to a group: who gets it, which one counts, what the table says, and what stays when groups change."""

import pytest

from autograder import gradebook
from autograder.collect.collection import CollectOptions, collect
from autograder.collect.labels import read_label
from autograder.collect.moves import move
from autograder.collect.senders import may_be_a_group
from autograder.course_folder.roster import Student
from autograder.errors import UserError
from autograder.files import write_atomic
from tests.autograder.collect.conftest import notebook, zipped
from tests.autograder.conftest import LAB

PEOPLE = [
    Student("S101", "Ada", "Weber", "ada@uni.invalid", "70101", "Team Alpha"),
    Student("S102", "Bela", "Novak", "bela@uni.invalid", "70102", "Team Alpha"),
    Student("S103", "Chen", "Liu", "chen@uni.invalid", "70103"),
    Student("S104", "Dora", "Silva", "dora@uni.invalid", "70104"),
    Student("S105", "Emil", "Roth", "emil@uni.invalid", "70105", "Grupo nº 2"),
    Student("S106", "", "王小明", "", "70106", "Grupo nº 2"),
    Student("S107", "Finn", "Berg", "", "70107", "Grupo nº 2"),
]


@pytest.fixture
def enrolled(course):
    gradebook.enter_roster(course, PEOPLE)
    return course


@pytest.fixture
def run(enrolled, tmp_path):
    """Collects an archive of these files, each of which holds its own text; returns the report."""

    def run(*names, when="2026-10-11 10:00:00", name="all.zip", **options):
        path = tmp_path / name
        path.write_bytes(zipped({entry: notebook(text) for entry, text in map(_entry, names)}, when))
        return collect(enrolled, LAB, [path], CollectOptions(**{"timezone": "UTC", **options}))

    return run


def _entry(name):
    return name if isinstance(name, tuple) else (name, name)


def texts(course):
    """Who has which text."""
    return {
        path.parts[-3]: next(text for text in path.read_text().split('"') if text.startswith("T:"))[2:]
        for path in course.root.glob(f"submitted/*/{LAB}/{LAB}.ipynb")
    }


def remarks(report):
    return {row.student.split()[0]: row.remark for row in report.rows}


@pytest.mark.parametrize(
    ("entry", "students"),
    [
        ("teamalpha_70102_900009_lab1.ipynb", "S101 S102"),
        ("teamalpha_LATE_70102_900009_lab1.ipynb", "S101 S102"),
        ("team_alpha_70102_900009_lab1.ipynb", "S101 S102"),
        ("gruponº2_70106_900009_lab1.ipynb", "S105 S106 S107"),
        ("Team Alpha_512_assignsubmission_file/lab1.ipynb", "S101 S102"),
        ("Team Alpha_512_assignsubmission_file_lab1.ipynb", "S101 S102"),
        ("Team Alpha-Ada Weber_41001_assignsubmission_file/lab1.ipynb", "S101 S102"),
        ("Lab 1_Team Alpha_attempt_2026-10-11-09-00-00_lab1.ipynb", "S101 S102"),
        ("Ada Weber_41001_assignsubmission_file/Lab1_S101_S102.ipynb", "S101 S102"),
        ("Lab1_S101_S102.ipynb", "S101 S102"),
        ("Team Alpha/Lab1_S102_Novak.ipynb", "S101 S102"),
        ("Lab1_S105_S107.ipynb", "S105 S107"),  # two of three
        ("Ada Weber_41001_assignsubmission_file/lab1.ipynb", "S101"),  # nothing says that it is the group's
    ],
)
def test_whose_a_file_is(run, enrolled, entry, students):
    report = run((entry, "T:1"))
    assert " ".join(sorted(texts(enrolled))) == students and not report.refused
    for student, remark in remarks(report).items():
        partners = [other for other in students.split() if other != student]
        assert all(partner in remark for partner in partners) and ("the same for" in remark) == bool(partners)


def test_the_desks_team_download(run, enrolled):
    files = [
        (f"{team}_assignsubmission_file/lab1_linear_quantization.ipynb", f"T:{team}")
        for team in ("Team Alpha_512", "Team Zeta_519")
    ]
    report = run(*files)
    assert texts(enrolled) == {"S101": "Team Alpha_512", "S102": "Team Alpha_512"}
    assert "Team Zeta" in report.refused[0].reason and len(report.refused) == 1


@pytest.mark.parametrize(
    ("sender", "told"),
    [("teamalpha", True), ("aliens", True), ("liwei", False), ("weili", False), ("70102", False), ("liweianna", False)],
)
def test_a_name_that_is_not_the_students_may_be_a_groups(sender, told):
    label = read_label(f"{sender}_70102_900009_lab1.ipynb")
    assert may_be_a_group(label, Student("S102", "Wei A", "Li", "wl@x.edu", "70102")) == told


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("Team Zeta_519_assignsubmission_file/lab1.ipynb", "called Team Zeta, and no group"),
        ("Default group_assignsubmission_file/lab1.ipynb", "called Default group, and no group"),
        ("teamalpha_70103_900009_lab1.ipynb", "S103 Chen Liu handed it in for teamalpha"),
        ("Lab1_S101_S103.ipynb", "if they work together, say so"),
        ("S103/Lab1_S101_S102.ipynb", "says S103 Chen Liu"),
    ],
)
def test_what_is_refused(run, enrolled, entry, says):
    (refused,) = run((entry, "T:1")).refused
    assert says in refused.reason and not texts(enrolled)


def test_without_groups_canvass_name_is_told(course, tmp_path):
    gradebook.enter_roster(
        course, [Student(each.id, each.first, each.last, each.email, each.lms_id) for each in PEOPLE]
    )
    path = tmp_path / "c.zip"
    path.write_bytes(
        zipped({"teamalpha_70102_900009_lab1.ipynb": notebook(), "liuchen_70103_900010_x.ipynb": notebook()})
    )
    report = collect(course, LAB, [path], CollectOptions())
    assert "Canvas says teamalpha" in remarks(report)["S102"] and "if it is a group" in remarks(report)["S102"]
    assert "Canvas says" not in remarks(report)["S103"]


def test_a_download_of_two_members_of_one_group_stays_two_submissions(run, enrolled):
    report = run(("webera_70101_1_lab1.ipynb", "T:ada"), ("novakb_LATE_70102_2_lab1.ipynb", "T:bela"))
    assert texts(enrolled) == {"S101": "ada", "S102": "bela"}
    assert any(
        "1 group with different files of the members" in note and "Team Alpha (S101, S102)" in note
        for note in report.notes
    )


def test_a_member_who_hands_in_alone_later_has_the_own_file(run, enrolled):
    run(("Team Alpha/lab1.ipynb", "T:team"))
    report = run(("S102/lab1.ipynb", "T:alone"), when="2026-10-11 12:00:00", name="later.zip")
    assert texts(enrolled) == {"S101": "team", "S102": "alone"} and any("group_labs" in note for note in report.notes)
    report = run(("S101/lab1.ipynb", "T:older"), when="2026-10-11 09:00:00", name="older.zip")
    assert texts(enrolled)["S101"] == "team" and "older than what is there" in remarks(report)["S101"]


def test_in_a_group_lab_the_newest_file_of_any_member_counts_for_all(run, enrolled):
    write_atomic(enrolled.root / "rules.toml", 'group_labs = ["lab1"]\n')
    first = run(("S101/lab1.ipynb", "T:ada"))
    assert texts(enrolled) == {"S101": "ada", "S102": "ada"} and "handed in by S101" in remarks(first)["S102"]
    second = run(("S102/lab1.ipynb", "T:bela"), when="2026-10-11 12:00:00", name="b.zip")
    assert texts(enrolled) == {"S101": "bela", "S102": "bela"} and "replaces an earlier one" in remarks(second)["S101"]
    assert len(list(enrolled.superseded(LAB, "S101").iterdir())) == 1
    assert not any("different files" in note for note in second.notes)


def test_in_a_group_lab_the_one_whose_file_does_not_count_is_told(run, enrolled):
    write_atomic(enrolled.root / "rules.toml", 'group_labs = ["lab1_linear_quantization"]\n')
    report = run(("webera_70101_1_lab1.ipynb", "T:ada"), ("novakb_70102_2_lab1.ipynb", "T:bela"))
    assert "S101 handed in another file, which does not count" in remarks(report)["S101"]
    assert "which is newer is unknown" in remarks(report)["S101"] and texts(enrolled) == {
        "S101": "bela",
        "S102": "bela",
    }


def test_a_groups_time_is_the_newest_of_its_members(run, enrolled, tmp_path):
    write_atomic(tmp_path / "t.csv", "id,time\nS101,2026-10-11 08:00\nS102,2026-10-12 08:00\n")
    run(("Team Alpha_512_assignsubmission_file/lab1.ipynb", "T:1"), times=tmp_path / "t.csv")
    stamps = {path.read_text() for path in enrolled.root.glob("submitted/*/*/timestamp.txt")}
    assert stamps == {"2026-10-12 08:00:00.000000 UTC"}


def test_moodles_copies_for_each_member_are_one_submission(run):
    names = [f"Team Alpha-{who}_assignsubmission_file/lab1.ipynb" for who in ("Ada Weber_41001", "Bela Novak_41002")]
    report = run(*((name, "T:1") for name in names))
    assert len(report.rows) == 2 and not any("2 submissions" in row.remark for row in report.rows)


def test_who_has_nothing_hears_of_a_partner_who_has(run):
    report = run(("S101/lab1.ipynb", "T:ada"))
    assert "S102 Bela Novak (S101 of the same group handed in)" in report.missing


def moved(course, **groups):
    gradebook.enter_roster(
        course, [Student(**{**vars(each), "group": groups.get(each.id, each.group)}) for each in PEOPLE]
    )


def test_a_member_who_moves_stays_in_the_old_group_in_labs_that_were_collected(run, enrolled):
    run(("Team Alpha/lab1.ipynb", "T:alpha"))
    moved(enrolled, S102="Grupo nº 2")
    report = run(("Team Alpha/lab1.ipynb", "T:alpha"), ("Grupo nº 2/lab1.ipynb", "T:two"), when="2026-10-11 12:00:00")
    assert texts(enrolled) == {"S101": "alpha", "S102": "alpha", "S105": "two", "S106": "two", "S107": "two"}
    assert any("though the roster has moved S102" in note for note in report.notes)
    assert [person.group for person in gradebook.roster_in_lab(enrolled, "lab2")][1] == "Grupo nº 2"
    assert gradebook.labs_with_groups(enrolled, ["S102"]) == [LAB] and not gradebook.labs_with_groups(
        enrolled, ["S103"]
    )


def test_a_member_is_moved_in_a_lab(run, enrolled):
    run(("Team Alpha/lab1.ipynb", "T:alpha"), ("Grupo nº 2/lab1.ipynb", "T:two"))
    dry = list(move(enrolled, LAB, {"S102": "grupo nº 2"}, dry_run=True))
    assert (
        texts(enrolled)["S102"] == "alpha"
        and dry[0].startswith("would move S102")
        and "has the file of S105 now" in dry[0]
    )
    said = list(move(enrolled, LAB, {"S102": "Grupo nº 2", "S101": "Team Alpha"}, dry_run=False))
    assert texts(enrolled)["S102"] == "two" and texts(enrolled)["S101"] == "alpha"
    assert len(said) == 2 and "autograder grade lab1" in said[1]
    (kept,) = enrolled.superseded(LAB, "S102").iterdir()
    assert "alpha" in (kept / f"{LAB}.ipynb").read_text()
    assert "has no file, as before" in next(move(enrolled, LAB, {"S104": "Team Alpha 9"}, dry_run=False))
    assert "nobody moves" in next(move(enrolled, LAB, {"S102": "Grupo nº 2"}, dry_run=False))


def test_who_leaves_a_group_in_a_lab_loses_its_file_and_who_handed_in_alone_keeps_it(run, enrolled):
    run(("Team Alpha/lab1.ipynb", "T:alpha"), ("S103/lab1.ipynb", "T:chen"))
    said = list(move(enrolled, LAB, {"S102": "-", "S103": "Team Alpha"}, dry_run=False))
    assert texts(enrolled) == {"S101": "alpha", "S103": "chen"}
    assert "has no file now, and no mark" in said[0] and "keeps the file" in said[1]


def test_a_group_that_is_renamed_keeps_its_files(run, enrolled):
    run(("Team Alpha/lab1.ipynb", "T:alpha"))
    list(move(enrolled, LAB, {"S101": "Alpha 2", "S102": "Alpha 2"}, dry_run=False))
    assert texts(enrolled) == {"S101": "alpha", "S102": "alpha"}


def test_rules_that_list_no_labs(enrolled, run):
    write_atomic(enrolled.root / "rules.toml", 'group_labs = "lab1"\n')
    with pytest.raises(UserError, match="group_labs must list labs"):
        run(("S101/lab1.ipynb", "T:ada"))


def test_a_group_that_is_called_like_a_part_of_the_lab(run, enrolled):
    moved(enrolled, S105="Linear", S106="Linear", S107="")
    run(
        (f"Ada Weber_1_assignsubmission_file/{LAB}.ipynb", "T:ada"),
        (f"Emil Roth_2_assignsubmission_file/{LAB}.ipynb", "T:emil"),
    )
    assert texts(enrolled) == {"S101": "ada", "S105": "emil"}


@pytest.mark.parametrize("newer", ["S101", "S102"])
def test_in_a_group_lab_the_tables_times_say_whose_file_is_newer(run, enrolled, tmp_path, newer):
    write_atomic(enrolled.root / "rules.toml", 'group_labs = ["lab1"]\n')
    rows = (f"{who},2026-10-11 {'12' if who == newer else '08'}:00" for who in ("S101", "S102"))
    write_atomic(tmp_path / "t.csv", "\n".join(["id,time", *rows]))
    files = (
        ("Ada Weber_1_assignsubmission_file/lab1.ipynb", "T:S101"),
        ("Bela Novak_2_assignsubmission_file/lab1.ipynb", "T:S102"),
    )
    report = run(*files, times=tmp_path / "t.csv")
    assert texts(enrolled) == {"S101": newer, "S102": newer}
    assert all("unknown" not in remark for remark in remarks(report).values())
    stamps = {path.read_text() for path in enrolled.root.glob("submitted/*/*/timestamp.txt")}
    assert stamps == {"2026-10-11 12:00:00.000000 UTC"}


def test_whom_gradescope_puts_together_is_a_group_in_this_lab(run, enrolled):
    members = "".join(
        f"    - :name: {name}\n      :sid: {sid}\n" for name, sid in (("Chen Liu", "S103"), ("Dora Silva", "S104"))
    )
    table = f"submission_9001:\n  :submitters:\n{members}  :created_at: 2026-10-12 20:00:00.000000000 Z\n"
    path = enrolled.root / "g.zip"
    path.write_bytes(
        zipped({"e/submission_metadata.yml": table.encode(), "e/submission_9001/lab1.ipynb": notebook("T:both")})
    )
    report = collect(enrolled, LAB, [path], CollectOptions(timezone="UTC"))
    assert texts(enrolled) == {"S103": "both", "S104": "both"} and "handed in together" in remarks(report)["S103"]
    groups = {person.id: person.group for person in gradebook.roster_in_lab(enrolled, LAB)}
    assert groups["S103"] == groups["S104"] != "" and "S10" not in groups["S103"]
    assert {person.group for person in gradebook.roster(enrolled)} == {"Team Alpha", "", "Grupo nº 2"}


def test_nobody_moves_in_a_lab_of_which_nothing_was_collected(enrolled):
    with pytest.raises(UserError, match="nothing was collected"):
        next(move(enrolled, LAB, {"S103": "Team Alpha"}, dry_run=False))
