"""What benchmarks/grading.py is made of: a meter, a class of submissions, and the three graders."""
