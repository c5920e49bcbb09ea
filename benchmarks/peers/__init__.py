"""One module per contender of ``compare.py``: each trains or scores one case in a process."""
