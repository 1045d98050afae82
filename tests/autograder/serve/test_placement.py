"""Placing beside `autograder collect`: both bring submissions of the same students, and none is lost."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from autograder.collect.counting import CountingRule
from autograder.collect.gather import CollectResult
from autograder.collect.owners import BY_LMS, Owner
from autograder.collect.store import SubmissionStore
from autograder.collect.submissions import NOTEBOOK, CollectedSubmission, SubmittedFile
from tests.autograder.classes import LAB
from tests.autograder.serve.bench import START, notebook


def collected(course, path, number):
    """As `autograder collect` stores what an LMS gave."""
    path.write_bytes(notebook(f"collected {number}"))
    owner = Owner("ada", str(path), when=START + timedelta(seconds=2 * number), time_source=BY_LMS)
    submission = CollectedSubmission(owner, SubmittedFile(owner, NOTEBOOK, path.name, path, f"{number:064}"), None)
    store = SubmissionStore(course, LAB, CountingRule(), dry_run=False)
    store.put("ada", CollectResult({"ada": submission}, defaultdict(list)))


def test_a_collection_beside_the_server_loses_nothing(bench, tmp_path):
    """Both moved the same folder away at once, and one of them failed in the middle."""
    bench.queue.at_once = False
    attempts = []
    for number in range(8):
        bench.now = START + timedelta(seconds=2 * number + 1)
        attempts.append(bench.upload("ada", f"served {number}"))
    with ThreadPoolExecutor(2) as pool:
        serving = pool.submit(lambda: [bench.service._placement.place(each) for each in attempts])
        for number in range(8):
            collected(bench.course, tmp_path / f"{number}.ipynb", number)
        serving.result()
    everything = {notebook(f"{how} {number}") for how in ("served", "collected") for number in range(8)}
    assert everything <= bench.everything_kept() and bench.submitted("ada") == notebook("served 7")
    bench.settle()
    assert not [each for each in bench.service.attempts.of(LAB, "ada") if not each.state.is_final]
