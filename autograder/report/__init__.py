"""What grading produced, for people: marks, feedback, the class report, similar answers, the manual grading queue."""
