"""Reading ahead: order, errors, time and threads that end."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from fastae._readahead import ReadAhead, ReadClock


def readers():
    return [thread for thread in threading.enumerate() if thread.name == "fastae-reader"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    deadline = time.monotonic() + 5
    while readers() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not readers()


@pytest.mark.parametrize("prefetch", [0, 1, 2, 10])
def test_items_come_in_order_and_no_thread_is_left(prefetch):
    reader = ReadAhead(lambda: iter(range(50)), prefetch)
    assert list(reader) == list(range(50))
    assert not readers()
    assert list(reader) == []


def test_items_are_made_in_a_thread_only_if_read_ahead():
    def thread():
        yield threading.current_thread()

    assert next(ReadAhead(thread, 0)) is threading.main_thread()
    (other,) = ReadAhead(thread, 1)
    assert other is not threading.main_thread()


@pytest.mark.parametrize("prefetch", [1, 3])
def test_no_more_than_prefetch_items_wait(prefetch):
    made = []

    def items():
        for item in range(20):
            made.append(item)
            yield item

    with ReadAhead(items, prefetch) as reader:
        for taken in range(1, 6):
            assert next(reader) == taken - 1
            deadline = time.monotonic() + 5
            while len(made) < taken + prefetch and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(0.01)
            assert len(made) == taken + prefetch


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_of_the_reader_is_raised_after_the_items_before_it(prefetch):
    def items():
        yield 1
        yield 2
        raise OSError("disk on fire")

    reader = ReadAhead(items, prefetch)
    assert [next(reader), next(reader)] == [1, 2]
    with pytest.raises(OSError, match="disk on fire") as caught:
        next(reader)
    assert any(entry.name == "items" for entry in caught.traceback)
    assert not readers()
    assert list(reader) == []


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_before_the_first_item_is_raised(prefetch):
    def fail():
        raise KeyError("no such table")

    with pytest.raises(KeyError, match="no such table"):
        next(ReadAhead(fail, prefetch))
    assert not readers()


@pytest.mark.parametrize("prefetch", [0, 2])
def test_closing_stops_the_thread_and_closes_the_source(prefetch):
    closed = []

    def items():
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread())

    with ReadAhead(items, prefetch) as reader:
        next(reader)
    assert not readers()
    assert len(closed) == 1
    assert (closed[0] is threading.main_thread()) == (prefetch == 0)
    assert list(reader) == []


def test_closing_what_was_never_iterated_starts_nothing():
    def fail():
        raise AssertionError

    ReadAhead(fail).close()


def test_an_abandoned_iterator_stops_its_thread():
    def items():
        while True:
            yield 0

    reader = ReadAhead(items, 1)
    next(reader)
    assert readers()
    del reader
    gc.collect()  # the fixture waits for the thread


def test_an_interruption_of_the_waiting_caller_stops_the_thread():
    release = threading.Event()

    def items():
        yield 0
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        release.wait(1)  # the caller waits for this one
        yield 1

    reader = ReadAhead(items, 1)

    def wait():
        for _ in reader:
            time.sleep(0.0)

    with pytest.raises(KeyboardInterrupt):
        wait()
    release.set()
    reader.close()
    assert not readers()
    assert list(reader) == []


def test_the_clock_tells_reading_from_waiting():
    def items():
        for item in range(4):
            time.sleep(0.03)
            yield item

    clock = ReadClock()
    for _ in ReadAhead(items, 2, clock):
        time.sleep(0.05)  # slower than the reader: only the first item is waited for
    assert clock.read_seconds >= 0.12
    assert 0.03 <= clock.wait_seconds < 0.1
    before = clock.read_seconds
    reader = ReadAhead(items, 0, clock)
    list(reader)
    assert clock.read_seconds >= before + 0.12
    assert clock.wait_seconds >= 0.15
    assert (reader.read_seconds, reader.wait_seconds) == (clock.read_seconds, clock.wait_seconds)


@pytest.mark.parametrize("prefetch", [-1, 1.5, True, "2"])
def test_prefetch_must_be_a_count(prefetch):
    with pytest.raises(ValueError, match="prefetch must be an integer of at least 0, got"):
        ReadAhead(lambda: iter(()), prefetch)


def test_the_interpreter_ends_with_a_thread_that_waits():
    code = """
    from fastae._readahead import ReadAhead
    import itertools
    reader = ReadAhead(itertools.count, 1)
    next(reader)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60, capture_output=True
    )
