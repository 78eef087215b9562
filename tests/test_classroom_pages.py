"""What comes out of grading: the table of written answers, marks.csv, and the pages."""

from __future__ import annotations

import csv
import re
from itertools import pairwise
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from mnist_course.errors import CourseError
from mnist_course_tools.classroom.export import export_marks
from mnist_course_tools.classroom.marks import Written
from mnist_course_tools.classroom.pages import MARKS, PAINT, feedback_page, report_page
from mnist_course_tools.classroom.tables import LONGEST, defused, harmless, restored
from mnist_course_tools.classroom.written import read_written, update_written
from tests.support import browser as support
from tests.support.classroom import (
    FULL,
    RUBRICS,
    TITLE,
    TITLES,
    make_book,
    make_marks,
    make_task,
    sample_book,
)

HEAD = ["student", "task", "answer", "out of", "points", "comment", "changed"]
HOSTILE = (
    "</pre></code><script>alert(1)</script><img src=x onerror=alert(2)>\x00\x1b[31m"
    "\u202ereversed\u2066 '\"--> {{ 7 * 7 }} ]]> \ud800 &lt;b&gt;"
)
REACHES_OUT = ("<script", "<link ", "<iframe", "<img", "@import", "url(", "src=", "onerror=alert")


def _answer(text: str, number: str = "5.1", **changes):
    return make_task(number, text=text, text_out_of=1.0, **changes)


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def _save(path: Path, rows, *, encoding="utf-8-sig", separator=",") -> None:
    """Write rows as a spreadsheet saves them."""
    with path.open("w", encoding=encoding, newline="", errors="replace") as file:
        csv.writer(file, delimiter=separator).writerows(rows)


def _mark(path: Path, row: int, points: str, comment: str = "", **how) -> None:
    """Give points to a row, as a teacher does in a spreadsheet."""
    rows = _rows(path)
    rows[row][4:6] = points, comment
    _save(path, rows, **how)


@pytest.fixture
def table(tmp_path) -> Path:
    return tmp_path / "written" / "05_scaling.csv"


# The table of written answers


def test_each_answer_gets_a_row_by_task_and_student_and_blank_ones_get_none(table):
    anna = make_marks("Änne", _answer("Distances.\n- γ"), _answer("", "5.2"))
    zoe = make_marks("Zoë", _answer("The rim."), _answer("Ink.", "5.10"), _answer("x", "5.9"))
    update_written(table, [zoe, anna])
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = _rows(table)
    assert rows[0] == HEAD
    assert [(row[0], row[1].split()[0]) for row in rows[1:]] == [
        ("Änne", "5.1"),
        ("Zoë", "5.1"),
        ("Zoë", "5.9"),
        ("Zoë", "5.10"),
    ]
    assert rows[1] == ["Änne", f"5.1 {TITLES['5.1']}", "Distances.\n- γ", "1", "", "", ""]
    assert read_written(table) == {}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "utf-16", "cp1252"])
def test_points_come_back_however_a_spreadsheet_saves_them(table, encoding, separator):
    marks = [make_marks("Jürgen Weiß", _answer("Größe; γ, und Ränder\nenden"))]
    update_written(table, marks)
    _mark(table, 1, "0,5", "Schön; weiter, so", encoding=encoding, separator=separator)
    expected = {("Jürgen Weiß", "5.1"): Written(0.5, "Schön; weiter, so")}
    assert read_written(table) == expected
    update_written(table, marks)
    assert read_written(table) == expected
    (row,) = list(csv.reader(table.open(encoding="utf-8-sig", newline=""), delimiter=separator))[1:]
    assert row[2:] == ["Größe; γ, und Ränder\nenden", "1", "0,5", "Schön; weiter, so", ""]


def test_no_table_yet_is_an_empty_one(table):
    assert read_written(table) == {}


@pytest.mark.parametrize(("typed", "points"), [("0", 0), (" 1 ", 1), ("0.25", 0.25), (",5", 0.5)])
def test_points_are_numbers_with_comma_or_point(table, typed, points):
    update_written(table, [make_marks("Anna", _answer("a"))])
    _mark(table, 1, typed)
    assert read_written(table) == {("Anna", "5.1"): Written(points)}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("-1", "less than nothing"),
        ("1,5", "more than the 1"),
        ("good", "'good' is no number"),
        ("nan", "no number"),
        ("1e-1", "no number"),
        ("01. Mai", "no number"),
    ],
)
def test_impossible_points_are_named_with_their_row_and_what_to_do(table, typed, words):
    update_written(table, [make_marks("Anna", _answer("a")), make_marks("Zoë", _answer("b"))])
    _mark(table, 2, typed)
    with pytest.raises(CourseError, match=r"Row 3 \(Zoë, 5\.1\): .*" + re.escape(words)) as found:
        read_written(table)
    assert "save it and try again" in str(found.value)
    update_written(table, [])  # which loses nothing all the same
    assert restored(_rows(table)[1][4]) == typed


def test_all_bad_rows_are_named_at_once_and_not_a_thousand(table):
    update_written(table, [make_marks(f"s{i:03}", _answer("a")) for i in range(50)])
    _save(table, [HEAD, *([*row[:4], "x", "", ""] for row in _rows(table)[1:])])
    with pytest.raises(CourseError, match="and 40 more rows") as found:
        read_written(table)
    assert str(found.value).count("is no number") == 10


def test_a_task_that_a_spreadsheet_made_a_date_of_is_named(table):
    update_written(table, [make_marks("Anna", _answer("a"))])
    row = _rows(table)[1]
    _save(table, [HEAD, ["Anna", "05. Jan", *row[2:4], "1", "", ""]])
    with pytest.raises(CourseError, match=r"'05\. Jan' is no number of a task"):
        read_written(table)


def test_points_for_nobody_and_two_different_points_for_one_answer_are_named(table):
    update_written(table, [make_marks("Anna", _answer("a"))])
    row = _rows(table)[1]
    _save(table, [HEAD, [*row[:4], "1", "", ""], [*row[:4], "0", "", ""], ["", *row[1:4], "1"]])
    with pytest.raises(CourseError) as found:
        read_written(table)
    assert "Row 3 (Anna, 5.1): row 2 says something else" in str(found.value)
    assert "Row 4 (5.1): points without student" in str(found.value)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04\x00\x81", b"\xff\xfe\x00"])
def test_a_file_that_is_no_such_table_is_left_as_it_is(table, content):
    table.parent.mkdir()
    table.write_bytes(content)
    for look in (read_written, lambda path: update_written(path, [make_marks("A", _answer("a"))])):
        with pytest.raises(CourseError, match=r"05_scaling\.csv"):
            look(table)
    assert table.read_bytes() == content


def test_points_stay_when_an_answer_changes_and_the_teacher_is_told_to_look_again(table):
    update_written(table, [make_marks("Anna", _answer("first"))])
    _mark(table, 1, "1", "good")
    for _ in range(2):  # until a person empties the cell
        update_written(table, [make_marks("Anna", _answer("second"))])
        assert _rows(table)[1][2:] == ["second", "1", "1", "good", "yes"]
    assert read_written(table) == {("Anna", "5.1"): Written(1, "good")}
    rows = _rows(table)
    rows[1][6] = ""
    _save(table, rows)
    update_written(table, [make_marks("Anna", _answer("second\r\n"))])
    assert _rows(table)[1][6] == ""


def test_an_answer_that_nobody_has_judged_changes_without_a_word_and_goes_with_its_student(table):
    update_written(table, [make_marks("Anna", _answer("first"))])
    update_written(table, [make_marks("Anna", _answer("second"))])
    assert _rows(table)[1][2:] == ["second", "1", "", "", ""]
    update_written(table, [make_marks("Anna", _answer(""))])
    assert _rows(table) == [HEAD]


@pytest.mark.parametrize("column", [4, 5, 6, 7, 8])
def test_nothing_that_a_person_typed_is_lost_when_its_student_is_gone(table, column):
    update_written(table, [make_marks("Anna", _answer("a")), make_marks("Zoë", _answer("z"))])
    rows = _rows(table)
    rows[0] += ["my notes", ""]
    rows[2] += ["", ""]
    rows[2][column] = "typed"
    rows.append(["", "", "", "", "", "about all: a good class"])
    _save(table, rows, separator=";")
    before = table.read_text(encoding="utf-8-sig")
    for marks in ([make_marks("Anna", _answer("a"))], [make_marks("Zoë", problem="No file.")], []):
        update_written(table, marks)
        after = table.read_text(encoding="utf-8-sig")
        assert "Zoë;5.1 Which" in after and "typed" in after and "about all: a good" in after
        assert ("my notes" in after) == ("my notes" in before)


def test_an_answer_taken_back_keeps_its_points_and_is_looked_at_again(table):
    update_written(table, [make_marks("Anna", _answer("a"))])
    _mark(table, 1, "1")
    update_written(table, [make_marks("Anna", _answer("  "))])
    assert _rows(table)[1][2:] == ["", "1", "1", "", "yes"]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "'=1", "''-1", "＝1", "it's", "'quoted'", "a = b",
     "see\n=HYPERLINK(\"http://x\")", "a;=cmd|'/C calc'!A0", "- one\n- two"],
)  # fmt: skip
def test_a_cell_is_no_formula_and_comes_back_as_it_was(table, text):
    cell = defused(text)
    assert cell[0] not in "=+-@\t\r＝" and not re.search(r"[\n;] *[=+@]", cell)
    assert restored(cell) == text
    marks = [make_marks(text.split("\n")[0], _answer(text))]
    update_written(table, marks)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t")) for cell in _rows(table)[1])
    _mark(table, 1, "1")
    update_written(table, marks)
    assert _rows(table)[1][6] == ""  # the same answer, not another one
    ((student, _),) = read_written(table)
    assert student == harmless(text.split("\n")[0])


def test_a_list_and_a_sum_are_not_spoiled_by_it():
    assert defused("why:\n- one\n- two, -1 + 2; = 3") == "why:\n- one\n- two, -1 + 2; = 3"


def test_a_hostile_answer_fits_a_cell_and_is_the_same_the_next_time(table):
    marks = [make_marks("Anna", _answer(HOSTILE + "x" * 1_000_000))]
    update_written(table, marks)
    _mark(table, 1, "0")
    update_written(table, marks)
    row = _rows(table)[1]
    assert len(row[2]) < 32_767 and "cut here" in row[2] and row[6] == ""
    assert not re.search("[\x00\x1b\u202e\u2066\ud800]", row[2])


# marks.csv


def test_marks_are_one_row_a_student_over_all_assignments(tmp_path):
    wrong = make_task("5.1", points=0.5, state="partly", reason="It reads 3 of 7. Look again.")
    first = make_book(
        make_marks("Änne", wrong, _answer("a", "5.2")),
        make_marks("=Zoë", problem="No notebook."),
        written={("Änne", "5.2"): Written(0.5)},
    )
    second = make_book(make_marks("Max", make_task("6.1")), assignment="06_pca")
    export_marks([first, second], tmp_path / "marks.csv")
    assert (tmp_path / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    head, *rows = _rows(tmp_path / "marks.csv")
    assert head[:4] == [
        *("student", "05_scaling 5.1", "05_scaling 5.1 written", "05_scaling 5.1 misconception")
    ]
    assert head[7:10] == [f"06_pca 6.1{what}" for what in ("", " written", " misconception")]
    assert head[10:] == [
        *("05_scaling points", "05_scaling out of", "05_scaling problem"),
        *("06_pca points", "06_pca out of", "06_pca problem", "total"),
    ]
    zoe, anne, max_ = rows
    assert anne[:7] == ["Änne", "0.5", "", "", "2", "0.5", ""]
    assert anne[7:] == ["", "", "", "3", "5", "", "", "", "", "3"]
    assert zoe == ["'=Zoë", *[""] * 9, "", "5", "No notebook.", "", "", "", ""]
    assert max_ == ["Max", *[""] * 6, "2", "", "", "", "", "", "2", "2", "", "2"]


def test_a_table_that_cannot_be_written_says_so_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "marks.csv"
    export_marks([make_book(make_marks("Anna", make_task()))], path)
    before = path.read_bytes()

    def held(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(CourseError, match="open in a spreadsheet, close it"):
        export_marks([], path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["marks.csv"]


# The student's page


def _feedback(*tasks, written=None, **changes) -> BeautifulSoup:
    page = feedback_page(make_marks("Anna", *tasks, **changes), TITLE, written or {}, RUBRICS)
    for reach in REACHES_OUT:
        assert reach not in re.sub("&lt;.*?&gt;", "", page)
    return BeautifulSoup(page, "html.parser")


def _words(soup) -> str:
    return " ".join(soup.get_text(" ").split()).replace("\xa0", " ")


@pytest.mark.parametrize("state", MARKS)
def test_a_task_has_a_sign_and_a_word_for_its_state(state):
    soup = _feedback(make_task("5.1", state=state, points=0.5))
    mark = soup.select_one(".task .mark")
    sign, word = MARKS[state]
    assert _words(mark) == f"{sign} {word} , 0.5 of 2 points"
    assert mark.select_one(".sign").text == sign


def test_each_state_has_words_and_colours():
    assert MARKS.keys() == PAINT.keys()
    assert len(set(MARKS.values())) == len(set(PAINT.values())) == 5


def test_a_reason_has_its_code_and_emphasis_and_the_mark_is_not_said_twice():
    words = "<i>Count</i> *more* `x*y*z`; 2*3*4, **kw, a_b and <b>this</b>."
    soup = _feedback(make_task(state="wrong", reason=words), make_task("5.4"))
    first, second = soup.select(".reason")
    assert str(first) == (
        '<p class="reason">&lt;i&gt;Count&lt;/i&gt; <em>more</em> <code>x*y*z</code>; '
        "2*3*4, **kw, a_b and &lt;b&gt;this&lt;/b&gt;.</p>"
    )
    assert second.text == "784 pixels, and the label by itself."


def test_code_keeps_its_empty_lines_and_scrolls_by_keyboard():
    soup = _feedback(make_task(code="a = 1\n\n\ndef f():\n    return a\n"))
    pre = soup.select_one("pre")
    assert pre.text == "a = 1\n\n\ndef f():\n    return a" and pre["tabindex"] == "0"


def test_a_written_answer_is_not_read_yet_and_its_rubric_not_shown():
    soup = _feedback(_answer("Distances."))
    words = _words(soup)
    assert "Distances. not read yet" in words
    assert "2 of 3 points so far" in words and "1 answer has not been read yet" in words
    assert "What earns" not in words


def test_a_written_answer_that_was_read_has_points_comment_and_rubric_and_nobody_elses():
    written = {
        ("Anna", "5.1"): Written(0.5, "Why *so*?"),
        ("Zoë", "5.1"): Written(1, "hers"),
        ("Zoë", "5.2"): Written(1, "hers"),
    }
    soup = _feedback(_answer("a"), _answer("b", "5.2"), written=written)
    words = _words(soup)
    assert "0.5 of 1 points Why so ?" in words and "4.5 of 6 points so far" in words
    assert FULL["5.1"].replace("*", "") in words
    assert FULL["5.2"] not in words and "half" not in words.lower().replace("0.5", "")
    assert "hers" not in words and "Zoë" not in words
    done = _feedback(_answer("a"), written=written)
    assert "so far" not in _words(done) and "2.5 of 3 points" in _words(done)


def test_notes_and_a_problem_are_on_the_page_and_then_no_points():
    soup = _feedback(notes=("The `check` was put back.",), problem="No notebook was found.")
    words = _words(soup)
    assert "This could not be graded No notebook was found. The check was put back." in words
    assert "points" not in words


def test_headings_are_in_order_and_the_page_has_language_and_title():
    for soup in (_feedback(_answer("a", code="b")), _report(sample_book(12))):
        levels = [int(heading.name[1]) for heading in soup.select("h1, h2, h3, h4")]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert soup.html["lang"] == "en" and TITLE in soup.title.text


# What students write, on both pages


def test_hostile_text_is_shown_and_does_nothing():
    task = _answer(HOSTILE, code=HOSTILE, reason=HOSTILE, state="wrong", title=HOSTILE)
    marks = make_marks(HOSTILE, task, notes=(HOSTILE,))
    book = make_book(
        marks,
        make_marks("B", problem=HOSTILE),
        written={(harmless(HOSTILE), "5.1"): Written(1, HOSTILE)},
    )
    for page in (
        feedback_page(marks, HOSTILE, book.written, {"5.1": {"full": HOSTILE}}),
        report_page(book),
    ):
        assert not re.search("[\x00-\x08\x1b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
        soup = BeautifulSoup(page, "html.parser")
        assert not soup.select("script, img, iframe, object, form, b")
        assert not [tag for tag in soup.find_all() for name in tag.attrs if name.startswith("on")]
        assert "{{ 7 * 7 }}" in soup.text and "49" not in soup.main.text
        assert "alert(1)</script>" in soup.main.text
    assert soup.select_one("svg text") is not None


def test_text_of_a_megabyte_is_cut_with_a_note():
    long = "x" * 1_000_000
    marks = make_marks("Anna", _answer(long, code=long, reason=long, state="wrong"))
    page = feedback_page(marks, TITLE, {}, {})
    assert len(page) < 4 * LONGEST
    assert page.count("[cut here: the first 20,000 of 1,000,000 characters]") == 3
    assert len(report_page(make_book(marks))) < 5 * LONGEST


def test_prose_and_lists_of_many_languages_are_left_alone():
    text = "γ ≤ 1 · größer · 日本語 · שלום\n\tindented 👩‍🔬"
    assert harmless(text) == text
    assert harmless("a\r\nb\rc\u2028d") == "a\nb\nc\nd"


# The teacher's page


def _report(book) -> BeautifulSoup:
    page = report_page(book)
    assert not [reach for reach in REACHES_OUT if reach in page.replace("url(#", "")]
    return BeautifulSoup(page, "html.parser")


def _class(*counts) -> list:
    """Return marks of students with one task: so many with each reason; "" is right."""
    tasks = [
        make_task(points=0, state="wrong", reason=reason) if reason else make_task()
        for reason, count in counts
        for _ in range(count)
    ]
    return [make_marks(f"s{i:02}", task, seconds=2.0) for i, task in enumerate(tasks)]


def test_the_report_counts_the_class_and_names_its_problems():
    book = make_book(*_class(("", 3), ("No. Why?", 1)), make_marks("Zoë", problem="No `file`."))
    words = _words(_report(book))
    for fact in ("students 5", "graded 4", "with a problem 1", "1.5 of 2", "Zoë No file ."):
        assert fact in words
    assert "took 8 s in all" in words and "2 s at most" in words


def test_tasks_come_from_the_hardest_on_and_the_table_has_the_pictures_numbers():
    easy, hard = make_task("5.1"), make_task("5.2", points=0, state="stopped", reason="Too long.")
    blank = make_task("5.2", points=0, state="blank", reason="nothing")
    book = make_book(make_marks("A", easy, hard), make_marks("B", easy, blank))
    soup = _report(book)
    rows = [
        [cell.get_text(strip=True) for cell in row.select("th, td")]
        for row in soup.select("figure + .scroll tbody tr")
    ]
    assert rows == [
        [f"5.2 {TITLES['5.2']}", "0", "0", "0", "1", "1", "0.00 of 2"],
        [f"5.1 {TITLES['5.1']}", "2", "0", "0", "0", "0", "2.00 of 2"],
    ]
    assert "The table that follows" in soup.select_one("figure[role=img]")["aria-label"]
    (wide, narrow) = soup.select("figure svg")
    for picture in (wide, narrow):
        texts = [text.get_text(strip=True) for text in picture.select("text")]
        assert texts[1] == "0 of 2 right" and "✓ 2" in texts and "■ 1" in texts and "○ 1" in texts
        assert "#010203" not in str(picture) and "currentColor" in str(picture)


def test_misconceptions_are_counted_whatever_their_numbers():
    book = make_book(*_class(("It is 3. Look.", 2), ("It is 4. Look.", 1), ("Turned.", 1), ("", 6)))
    soup = _report(book)
    section = soup.find("h2", string=re.compile("Misconceptions")).find_next("tbody")
    rows = [[c.get_text() for c in row.select("td")] for row in section.select("tr")]
    assert rows == [["3", "5.1", "It is 3. Look."], ["1", "5.1", "Turned."]]


@pytest.mark.parametrize(("count", "taught"), [(2, True), (1, False)])
def test_what_a_fifth_of_the_class_has_wrong_is_to_be_taught_again(count, taught):
    book = make_book(*_class(("Turned. Turn it.", count), ("", 10 - count)))
    words = _words(_report(book))
    assert ("2 students (20 % of the class): Turned. Turn it." in words) == taught
    assert ("No misconception is shared by a fifth" in words) == (not taught)


def test_the_students_are_folded_if_there_are_many_and_all_are_there():
    for students, opened in ((40, True), (300, False)):
        soup = _report(sample_book(students))
        table = soup.select_one("table.students")
        assert len(table.select("tbody tr")) == students
        assert table.find_parent("details").has_attr("open") == opened
        assert all(cell.select_one(".unseen") for cell in table.select("td:has(.sign)"))


@pytest.mark.parametrize("book", [make_book(), make_book(make_marks("A", problem="No file."))])
def test_a_class_without_anything_graded_has_a_report_too(book):
    assert TITLE in _report(book).h1.text


# In a browser


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """Return a folder with the pages of a class in which one student is hostile."""
    folder = tmp_path_factory.mktemp("class")
    book = sample_book(60)
    wide = "x" * 3000
    task = _answer(HOSTILE + wide, code=HOSTILE + wide, reason=HOSTILE + wide, state="wrong")
    others = [make_task(f"5.{number}") for number in range(2, 13)]
    hostile = make_marks(f"{HOSTILE} {wide}"[:200], task, *others, notes=(wide,))
    book.marks.append(hostile)
    student = next(one for one in book.marks if len({task.state for task in one.tasks}) > 2)
    pages = {
        "report": report_page(book),
        "feedback": feedback_page(student, TITLE, book.written, RUBRICS),
        "hostile": feedback_page(hostile, wide, {}, {}),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "feedback", "hostile"])
def test_a_page_is_accessible_fits_its_window_and_asks_for_nothing(
    chromium, exported, name, scheme, width
):
    address = (exported / f"{name}.html").as_uri()
    window = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    with support.open_page(chromium, address, **window) as page:
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert support.violations(page) == []
        assert support.wide(page) == 0
        assert said == [] and asked == [address]
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        shown = page.locator("figure svg").evaluate_all(
            "all => all.filter(s => s.clientWidth).length"
        )
        assert shown == (1 if name == "report" else 0)
