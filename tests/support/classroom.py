"""A class that never was: students, their marks, and what a teacher gave."""

from __future__ import annotations

import random
from typing import Any

from mnist_course_tools.classroom.marks import Book, Marks, State, Task, Written

TITLE = "Exercises 5: Does it matter how large a pixel's numbers are?"
TITLES = {
    "5.1": "Which model needs which scaler?",
    "5.2": "What helps when a scanner is pale?",
    "5.3": "What does class balance in training do to recall?",
    "5.4": "Which column is too good to be true?",
}
FULL = {
    "5.1": "The *forest* asks for the order within a column only; distances feel every scale.",
    "5.2": "A pale picture is nearest to those with the least ink; ink is information, too.",
    "5.3": "Recall rises with the weight, precision pays; what errors cost decides the weight.",
    "5.4": "One column hardly counts in a distance, so an ordinary score proves no clean data.",
}
RUBRICS = {number: {"full": words, "half": "One of the two."} for number, words in FULL.items()}
_FIRST, _LAST = (
    names.split()
    for names in (
        "Anna Jürgen Zoë Łukasz Şeyma Björn Ngọc Marie-Ève Tomás Fatima Øystein Ivana",
        "Müller Großmann Nguyễn Kowalska Yılmaz Søndergård García Weiß Dvořák Öztürk",
    )
)
# By task: the code, what makes it right, what makes it wrong.
_CODE = {
    "5.1": (
        "def accuracy_with(scaler, model, X, y, X_new, y_new):\n"
        "    model.fit(scaler.fit_transform(X), y)\n"
        "    return model.score(scaler.{}(X_new), y_new)",
        "transform",
        "fit_transform",
    ),
    "5.2": (
        "by_length = make_pipeline({}(), KNeighborsClassifier())\n"
        "by_length.fit(X_fit, y_fit)\n\n\n"
        "def read(pictures):\n"
        "    return by_length.predict(pictures)",
        "preprocessing.Normalizer",
        "preprocessing.MinMaxScaler",
    ),
    "5.3": (
        "def eights_found(weight, X, y, X_new, y_new):\n"
        "    model = LogisticRegression(class_weight={{8: {}}}, max_iter=300).fit(X, y)\n"
        "    says = model.predict(X_new)  # what it answers to rows that it has never seen before\n"
        "    is_8 = y_new == 8\n"
        "    return (says == 8)[is_8].mean(), is_8[says == 8].mean()",
        "weight",
        "1 / weight",
    ),
    "5.4": (
        "def read_lines(lines):\n    return lines[:, {}], lines[:, 0]",
        "1:",
        ":784",
    ),
}
_RIGHT = {
    "5.1": "right. The new rows took no part in fitting scaler or model.",
    "5.2": "right. It reads 93.1%, and 71.4% was to beat.",
    "5.3": "right. The heavier an eight, the more of the new eights are found.",
    "5.4": "right. 784 pixels, and the label by itself.",
}
# What students are told, and how often: by task, state, words, weight.
_WRONG: dict[str, list[tuple[State, str, int]]] = {
    "5.1": [
        ("wrong", "The new rows have been scaled by themselves. Only `transform` them.", 9),
        ("wrong", "The scaler has seen the new rows. Fit it to `X` only.", 3),
        ("partly", "An accuracy lies between 0 and 1; 0.9 rather than 90.", 3),
        ("wrong", "That is the accuracy on the rows it learned from.", 2),
    ],
    "5.2": [
        ("wrong", "It makes 312 mistakes in 1,000; at most 143 were asked for.", 8),
        ("wrong", "It makes 207 mistakes in 1,000; at most 143 were asked for.", 7),
        ("wrong", "With 30 % of the ink it reads 92.0%, but where each picture has another share, "
         "from 3 % to all, only 41.3%. It should not know how pale the pictures are.", 5),
        ("stopped", "The code took more than 60 seconds and was stopped.", 2),
        ("wrong", "`read` stopped with ValueError: X has 1 features, but Normalizer is expecting "
         "784 features as input.", 2),
    ],
    "5.3": [
        ("partly", "Recall and precision have changed places: recall comes first.", 6),
        ("wrong", "Each eight should count *more*. Here it is divided by the weight.", 4),
        ("wrong", "You judged the rows it learned from. Judge the new ones.", 4),
    ],
    "5.4": [
        ("wrong", "The first of these columns is still the label. It is no pixel.", 5),
        ("partly", "They have changed places: pixels come first.", 3),
    ],
}  # fmt: skip
_TEXTS = {
    "5.1": [
        "The forest does not care, because a threshold moves along with the scale.\n\n"
        "- Neighbours care: the rim counts as much as the middle\n- γ belongs to a scale",
        "Distances. Größere Zahlen zählen mehr, und der Rand kommt dazu.",
    ],
    "5.2": ["There is less ink, so everything looks like a 1. Not if ink means something."],
    "5.3": ["More eights are found, but more others are called eights. It depends on the costs."],
    "5.4": ["In a distance one column of 0 to 9 hardly counts. So look at the columns!"],
}
_GIVEN = [(1, ""), (1, "Schön gesagt!"), (0.5, "Good. Can you say why?"), (0.5, "")]
_PROBLEMS = [
    "The file is no notebook, or a damaged one (line 812). Ask for it once more.",
    "No file `05_scaling.ipynb` was handed in.",
]


def make_task(number: str = "5.1", **changes: Any) -> Task:
    """Return a task with a right answer and nothing in words, but for what is said of it."""
    like = Task(number, TITLES.get(number, "A task"), 2, 2, "right", _RIGHT.get(number, "right."))
    return Task(**{**vars(like), **changes})


def make_marks(student: str = "Anna Müller", *tasks: Task, **changes: Any) -> Marks:
    """Return the marks of one student."""
    return Marks(**{"student": student, "assignment": "05_scaling", "tasks": tasks, **changes})


def make_book(*marks: Marks, **changes: Any) -> Book:
    """Return the marks of a class."""
    return Book(**{"assignment": "05_scaling", "title": TITLE, "marks": list(marks), **changes})


def sample_book(students: int = 40, seed: int = 5) -> Book:
    """Return a believable class: a third of the written answers read, one in twenty a problem."""
    draw = random.Random(seed)
    names = [
        f"{first} {last}" + (f" {turn}" if turn else "")
        for turn in range(1 + students // (len(_FIRST) * len(_LAST)))
        for first in _FIRST
        for last in _LAST
    ]
    book = make_book()
    for place, name in enumerate(sorted(draw.sample(names, students))):
        if place % 20 == 7:
            book.marks.append(make_marks(name, problem=draw.choice(_PROBLEMS)))
            continue
        tasks = [_drawn(number, draw) for number in TITLES]
        notes = ("The cell with the check of 5.2 was changed and has been put back.",)
        book.marks.append(
            make_marks(
                name,
                *tasks,
                notes=notes if draw.random() < 0.1 else (),
                seconds=draw.lognormvariate(2.5, 0.5),
                peak_mb=draw.gauss(420, 30),
            )
        )
        for task in tasks:
            if task.text and draw.random() < 0.35:
                points, comment = draw.choice(_GIVEN)
                book.written[name, task.number] = Written(points, comment)
    return book


def _drawn(number: str, draw: random.Random) -> Task:
    """Return what one student made of a task."""
    text = draw.choice(_TEXTS[number]) if draw.random() < 0.8 else ""
    code, right, slip = _CODE[number]
    more = {"code": code.format(right), "text": text, "text_out_of": 1.0}
    wrong = _WRONG[number]
    chance, share = draw.random(), 0.8 - 0.1 * len(wrong)
    if chance < share:
        return make_task(number, **more)
    if chance > 0.94:
        words = "nothing here yet. Write your answer above and run that cell."
        return make_task(number, points=0, state="blank", reason=words, text="", text_out_of=1.0)
    state, words, _ = draw.choices(wrong, [weight for *_, weight in wrong])[0]
    more["code"] = code.format(slip)
    points = 1 if state == "partly" else 0
    return make_task(number, points=points, state=state, reason=words, **more)
