# SPDX-License-Identifier: Apache-2.0
#
# nbgrader (0.9) for the assignments that `lateral grade nbgrader` writes. In the folder of this file:
#
#   nbgrader generate_assignment NAME     makes release/NAME, which students get
#   nbgrader autograde NAME               grades submitted/STUDENT/NAME/NAME.ipynb
#   nbgrader generate_feedback NAME       says to each student what the checks said
#   nbgrader export                       writes grades.csv
#
# The kernel must be installed for the user that grades (lateral kernel install): the marks are those of `lateral grade`.
import json
import os
import subprocess
import tempfile

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)

c = get_config()  # noqa: F821, nbgrader defines it

c.CourseDirectory.course_id = "lateral"

# nbgrader knows no stub for Go. This one compiles whatever the function returns, and the check of an exercise that
# nobody solved fails.
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"
c.ClearSolutions.code_stub = {"go": 'panic("write your answer here")'}



class LateralGrade(NbGraderPreprocessor):
    """Marks an answer as `lateral grade` does, in place of running the notebook.

    A notebook runs with whatever its student wrote, which could end the check, or print what a check prints. The command
    builds each check apart, with the answer in it, and holds answers to rules (lateral grade --help).
    """

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        course = CourseDirectory(parent=self)
        source = course.format_path(course.source_directory, ".", names["assignment"])
        reference = os.path.abspath(os.path.join(source, names["notebook"] + ".ipynb"))
        argv = KernelSpecManager().get_kernel_spec("lateral").argv
        module = next(a.partition("=")[2] for a in argv if a.startswith("--module="))

        exercise_of = {}  # by the identifier of its check
        with open(reference, encoding="utf-8") as file:
            last = None
            for cell in json.load(file)["cells"]:
                about = cell["metadata"].get("nbgrader", {})
                if about.get("solution"):
                    last = about["grade_id"]
                elif about.get("grade"):
                    exercise_of[about["grade_id"]] = last
        for cell in nb.cells:
            if "nbgrader" in cell.metadata:
                cell["id"] = cell.metadata.nbgrader["grade_id"]

        with tempfile.TemporaryDirectory() as folder:
            submitted, marks = os.path.join(folder, names["notebook"] + ".ipynb"), os.path.join(folder, "marks.json")
            nbformat.write(nb, submitted)
            command = [argv[0], "grade", "--reference", reference, "--json", marks, submitted]
            done = subprocess.run(command, cwd=module, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError("lateral grade: " + done.stderr)
            with open(marks, encoding="utf-8") as file:
                mark_of = {mark["exercise"]: mark for mark in json.load(file)[0]["exercises"]}

        for cell in nb.cells:
            exercise = exercise_of.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
            if exercise is None:
                continue
            mark = mark_of[exercise]
            if mark["state"] == "right":
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="right\n")]
            else:
                says = "%s: %s" % (mark["state"], mark["feedback"])
                cell.outputs = [nbformat.v4.new_output("error", ename=mark["state"], evalue=mark["feedback"], traceback=[says])]
        return nb, resources


# In place of nbgrader's Execute; the rest is nbgrader's own.
c.Autograde.autograde_preprocessors = [
    LateralGrade,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

# `nbgrader validate`, with which students try their work, does run the notebook. The first cell of a fresh machine
# compiles the library; a check that does not end is interrupted.
c.Execute.timeout = 600
c.Execute.interrupt_on_timeout = True
c.Execute.error_on_timeout = {
    "ename": "TimeoutError",
    "evalue": "the check did not end: is there a loop that never ends?",
    "traceback": ["the check did not end: is there a loop that never ends?"],
}
