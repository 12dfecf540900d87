# SPDX-License-Identifier: Apache-2.0
#
# nbgrader (0.9) for the assignments that `lateral grade nbgrader` writes. In the folder of this file:
#
#   nbgrader generate_assignment NAME     makes release/NAME, which students get
#   nbgrader autograde NAME               grades submitted/STUDENT/NAME/NAME.ipynb
#   nbgrader generate_feedback NAME       says to each student what the checks said
#   nbgrader export                       writes grades.csv
#
# The kernel must be installed for the user that grades: lateral kernel install.
c = get_config()  # noqa: F821, nbgrader defines it

c.CourseDirectory.course_id = "lateral"

# nbgrader knows no stub for Go. This one compiles whatever the function returns, and the check of an exercise that
# nobody solved fails.
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"
c.ClearSolutions.code_stub = {"go": 'panic("write your answer here")'}

# The first cell of a fresh machine compiles the library; a check that does not end is interrupted.
c.Execute.timeout = 600
c.Execute.interrupt_on_timeout = True
c.Execute.error_on_timeout = {
    "ename": "TimeoutError",
    "evalue": "the check did not end: is there a loop that never ends?",
    "traceback": ["the check did not end: is there a loop that never ends?"],
}

# A check is right or wrong: its %test cell gives all points of the exercise, or none if a test fails.
