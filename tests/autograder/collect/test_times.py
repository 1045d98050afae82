"""Tables of submission times: columns in any language, and lines that cannot be read are refused alone."""

from datetime import UTC, datetime

import pytest

from autograder.collect.times import SubmissionTimes
from autograder.course_folder.roster import Roster, Student
from autograder.course_folder.settings import Timezone

UTC_ZONE = Timezone("UTC")
PEOPLE = [
    Student("S101", "Ada", "Weber", "ada@uni.invalid", "70101"),
    Student("S102", "Bela", "Novak", "bela@uni.invalid", "70102"),
    Student("S103", "", "王小明", "wang@uni.invalid", "70103"),
]
EVENING = datetime(2026, 10, 12, 20, 33, tzinfo=UTC)
HEADINGS = {
    "English": "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments",
    "German": "ID,Vollständiger Name,ID-Nummer,E-Mail-Adresse,Status,Bewertung,Bestwertung,"
    "Bewertung kann geändert werden,Zuletzt geändert (Abgabe),Zuletzt geändert (Bewertung),Feedback als Kommentar",
    "French": "Identifiant,Nom complet,Numéro d'identification,Adresse de courriel,Statut,Note,Note maximale,"
    "La note peut être modifiée,Dernière modification (travail remis),Dernière modification (note),Commentaires",
    "Spanish": "Identificador,Nombre completo,Número de ID,Dirección de correo,Estado,Calificación,Calificación máxima,"
    "La calificación puede ser cambiada,Última modificación (entrega),Última modificación (calificación),Comentarios",
    "Portuguese": "Identificador,Nome completo,Número de ID,Endereço de email,Estado,Nota,Nota máxima,"
    "A nota pode ser alterada,Última modificação (envio),Última modificação (nota),Comentários",
    "Chinese, traditional": "識別號,全名,學號,電子郵件信箱,狀態,成績,最高分,可改變成績,"
    "最後修改 (繳交),最後修改 (評分),回饋評語",
    "Chinese, simplified": "标识符,姓名,学号,电子邮件地址,状态,成绩,最高分,成绩可更改,"
    "最后修改（提交）,最后修改（评分）,反馈评语",
    "Japanese": "識別子,氏名,学籍番号,メールアドレス,ステータス,評点,最大評点,評点の変更可否,最終更新日時 (提出),"
    "最終更新日時 (評定),フィードバックコメント",
    "Korean": "식별자,성명,학번,이메일 주소,상태,성적,최고 성적,성적 변경 가능,"
    "최종 수정 (제출),최종 수정 (성적),피드백",
    "a language that nobody thought of": "a,b,c,d,e,f,g,h,i,j,k",
}
WORDS = {"German": "Teilnehmer/in", "French": "Participant ", "Spanish": "Participante ",
         "Chinese, traditional": "參與者", "Japanese": "参加者", "Korean": "참가자 ",
         "Portuguese": "Participante"}  # fmt: skip
TIMES = {"German": "Montag, 12. Oktober 2026, 20:33", "French": "lundi 12 octobre 2026, 20:33",
         "Spanish": "lunes, 12 de octubre de 2026, 20:33", "Portuguese": "segunda, 12 de outubro de 2026 às 20:33",
         "Chinese, traditional": "2026年 10月 12日(週一) 20:33", "Chinese, simplified": "2026年10月12日 星期一 20:33",
         "Japanese": "2026年 10月 12日(月曜日) 20:33", "Korean": "2026년 10월 12일(월) 오후 8:33"}  # fmt: skip
GRADED = "2026-11-30 09:00"  # always later, and no time of handing in


@pytest.fixture
def read(tmp_path):
    def read(text, people=PEOPLE, timezone=UTC_ZONE, encoding="utf-8"):
        (tmp_path / "times.csv").write_bytes(text.encode(encoding))
        return SubmissionTimes.read(tmp_path / "times.csv", Roster(people), timezone)

    return read


def worksheet(language, *times, graded=GRADED):
    """Moodle's grading worksheet for the first people of the roster, each with a time."""
    lines = [HEADINGS[language]]
    for number, (person, time) in enumerate(zip(PEOPLE, times, strict=False)):
        word = WORDS.get(language, "Participant ")
        lines.append(
            f'{word}{41001 + number},{person.name},{person.id},{person.email},ok - ,,100.00,Yes,"{time}","{graded}",'
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("language", HEADINGS)
def test_moodles_worksheet_in_each_language(language, read):
    time = TIMES.get(language, "Monday, 12 October 2026, 8:33 PM")
    times = read(worksheet(language, time, time, time), encoding="utf-8-sig")
    assert times.by_student == dict.fromkeys(("S101", "S102", "S103"), EVENING) and not times.problems
    assert times.by_number == {"41001": "S101", "41002": "S102", "41003": "S103"}
    assert bool(times.remark) == (language == "a language that nobody thought of")


def test_a_line_that_cannot_be_read_is_refused_alone_with_its_text(read):
    times = read(worksheet("German", "12th of never", TIMES["German"], "10/12/2026 12:00"))
    assert times.by_student == {"S102": EVENING}
    first, second = times.problems
    assert (
        "times.csv, line 2: “12th of never”" in first and "line 4" in second and "the day and which the month" in second
    )
    assert times.by_number == {"41001": "S101", "41002": "S102", "41003": "S103"}


def test_what_is_not_handed_in_is_no_problem(read):
    for nothing in ("-", "", "–", "N/A", "not submitted", "keine Abgabe", "未繳交"):
        times = read(worksheet("English", nothing, nothing, "2026-10-12 20:33"))
        assert set(times.by_student) == {"S103"} and not times.problems, nothing


def test_without_names_the_numbers_say_when(read):
    text = "Identifier,Status,Last modified (submission)\nParticipant 41001,ok,2026-10-12 20:33\nParticipant 7,ok,-\n"
    times = read(text)
    assert times.when_by_number == {"41001": EVENING} and not times.by_student and not times.by_number


def test_ids_that_look_like_moodles_numbers_are_none(read):
    times = read("id,time\nS101,2026-10-12 20:33\nS102,2026-10-12 20:33\n")
    assert not times.by_number and set(times.by_student) == {"S101", "S102"}


@pytest.mark.parametrize(
    "heading", ["Last modified (grade)", "Due date", "最後修改 (評分)", "Zuletzt geändert (Bewertung)"]
)
def test_a_time_of_something_else_is_not_taken_for_the_submissions(heading, read):
    times = read(f"id,{heading},Eingegangen\nS101,{GRADED},2026-10-12 20:33\n")
    assert times.by_student == {"S101": EVENING} and "Eingegangen" in times.remark


@pytest.mark.parametrize(("zone", "text", "hour"), [
    ("Europe/Berlin", "2026-10-12 20:33", 18),
    ("Europe/Berlin", "2026-12-12 20:33", 19),
    ("Asia/Kolkata", "2026-10-12 20:33", 15),
    ("Europe/Berlin", "2026-10-12 20:33 +00:00", 20),
    ("Europe/Berlin", "2026-10-25 02:30", 0),  # the hour comes twice: the earlier one, in the student's favour
])  # fmt: skip
def test_times_are_in_the_courses_zone_as_it_was_on_that_day(zone, text, hour, read):
    assert read(f"id,time\nS101,{text}\n", timezone=Timezone(zone)).by_student["S101"].hour == hour


@pytest.mark.parametrize("text", ["9999-12-31 23:59", "0001-01-01 00:00"])
def test_times_at_the_end_of_time_stop_nobody(text, read):
    times = read(f"id,time\nS101,{text}\nS102,2026-10-12 20:33\n", timezone=Timezone("America/New_York"))
    assert times.by_student["S102"].hour == 0


def test_people_who_are_not_on_the_roster_are_skipped(read):
    assert read("id,time\nS999,12th of never\nS101,2026-10-12 20:33\n").problems == ()


@pytest.mark.parametrize(("heading", "who"), [("id", "S101"), ("name", "Weber Ada"), ("Identifier", "Participant 4")])
def test_two_times_of_one_person_are_told_and_none_counts(heading, who, read):
    lines = [f"{who},2026-10-14 20:33", f"{who},2026-10-12 20:33", f"{who},2026-10-14 20:33"]
    table = read("\n".join([f"{heading},time", *lines]))
    assert not table.by_student and not table.when_by_number
    assert len(table.problems) == 1 and "line 3" in table.problems[0] and "keep the newest" in table.problems[0]
    assert not read("\n".join([f"{heading},time", lines[0], lines[2]])).problems  # the same time twice
