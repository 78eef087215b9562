"""A class: assignments made from the exercises, graded, and handed back.

``room`` knows a class's folder and ``build`` fills it; ``submission`` reads what was handed in and
``assemble`` puts it back into the frame of its source. ``sandbox`` starts student code where it
reaches nothing, ``inside`` runs it there, ``session`` asks it for answers in the plain form of
``wire``. ``reference`` knows the data of the checks; ``grade`` brings the two together, and
``grading`` does it for a class. ``marks`` is what was found, ``written`` what a person adds,
``pages`` and ``export`` what comes out.
"""
