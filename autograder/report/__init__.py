"""What grading found, for people: marks, feedback pages, the class report, similar answers, answers graded by hand."""
