"""Reading ahead: an iterator whose items a thread fetches while the caller works."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")

# Threads that have not ended yet, so that none is inside a library when the interpreter ends.
_running: set[_Channel] = set()
_EXIT_SECONDS = 5.0

_END = object()


@dataclass
class ReadClock:
    """Where the time of reading went.

    Attributes
    ----------
    read_seconds : float
        The reader worked, in its thread or, without reading ahead, in the caller's.
    wait_seconds : float
        The caller waited for an item.
    """

    read_seconds: float = 0.0
    wait_seconds: float = 0.0


class ReadAhead(Iterator[T], Generic[T]):
    """Iterate over something in a thread of its own, a few items ahead of the caller.

    The thread starts with the first item and ends with the last one, with an error, with `close`,
    or soon after nobody refers to the iterator any more. It is a context manager, too.

    Parameters
    ----------
    make : callable returning an iterator
        Called and iterated in the thread. A generator is closed there as well.
    prefetch : int, default=2
        Items that wait for the caller at most. The thread asks for another one only while fewer
        do: with 1, a source that fills two buffers in turn fills one while the caller has the
        other. 0: no thread, every item is made when the caller asks for it.
    clock : ReadClock or None
        Its seconds are added to; None: a new one.

    Attributes
    ----------
    clock : ReadClock
    read_seconds, wait_seconds : float
        Those of the clock.

    Raises
    ------
    ValueError
        If `prefetch` is no integer of at least 0.

    Examples
    --------
    >>> from fastae._readahead import ReadAhead
    >>> with ReadAhead(lambda: iter("abc"), prefetch=1) as letters:
    ...     print(next(letters), list(letters))
    a ['b', 'c']
    """

    def __init__(
        self,
        make: Callable[[], Iterator[T]],
        prefetch: int = 2,
        clock: ReadClock | None = None,
    ) -> None:
        if isinstance(prefetch, bool) or not isinstance(prefetch, int) or prefetch < 0:
            msg = f"prefetch must be an integer of at least 0, got {prefetch!r}."
            raise ValueError(msg)
        self.clock = ReadClock() if clock is None else clock
        self._make: Callable[[], Iterator[T]] | None = make
        self._prefetch = prefetch
        self._channel: _Channel | None = None
        self._source: Iterator[T] | None = None

    @property
    def read_seconds(self) -> float:
        """Seconds that the reader worked."""
        return self.clock.read_seconds

    @property
    def wait_seconds(self) -> float:
        """Seconds that the caller waited."""
        return self.clock.wait_seconds

    def __next__(self) -> T:
        start = time.perf_counter()
        try:
            item = self._next_here(start) if self._prefetch == 0 else self._next_from_thread()
        except BaseException:  # an interruption as well: no thread is left behind
            self.close()
            raise
        finally:
            self.clock.wait_seconds += time.perf_counter() - start
        if item is _END:
            self.close()
            raise StopIteration
        return item  # type: ignore[no-any-return]

    def _next_here(self, start: float) -> Any:
        if self._make is not None:
            make, self._make = self._make, None
            self._source = make()
        if self._source is None:
            return _END
        try:
            return next(self._source, _END)
        finally:
            self.clock.read_seconds += time.perf_counter() - start

    def _next_from_thread(self) -> Any:
        if self._make is not None:
            make, self._make = self._make, None
            self._channel = _Channel(self._prefetch, self.clock)
            # The thread knows the channel only, so that an abandoned iterator can be collected.
            weakref.finalize(self, self._channel.close).atexit = False
            self._channel.start(make)
        return _END if self._channel is None else self._channel.get()

    def close(self) -> None:
        """Stop reading, and return when the thread has ended. Nothing is left to iterate."""
        self._make = None
        source, self._source = self._source, None
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
            channel.join()
        _close(source)

    def __enter__(self) -> ReadAhead[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Channel:
    """What the reading thread and the caller share."""

    def __init__(self, capacity: int, clock: ReadClock) -> None:
        self._capacity = capacity
        self._clock = clock
        self._items: deque[Any] = deque()
        self._error: BaseException | None = None
        self._ended = self._closed = False
        # Re-entrant: the finaliser of an abandoned iterator may run inside of `get` or `put`.
        self._changed = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None

    def start(self, make: Callable[[], Iterator[Any]]) -> None:
        # A daemon, as a blocked reader must not keep the interpreter from ending; `_stop_all`
        # waits for those that can end.
        self._thread = threading.Thread(
            target=self._read, args=(make,), name="fastae-reader", daemon=True
        )
        _running.add(self)
        self._thread.start()

    def get(self) -> Any:
        """Return the next item, `_END` after the last one, or raise the reader's error."""
        with self._changed:
            while not (self._items or self._ended):
                self._changed.wait()
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            error, self._error = self._error, None
        if error is not None:
            raise error
        return _END

    def close(self) -> None:
        """Tell the thread to end."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def join(self, seconds: float | None = None) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _read(self, make: Callable[[], Iterator[Any]]) -> None:
        source = None
        try:
            start = time.perf_counter()
            source = make()
            while self._has_room(start):
                start = time.perf_counter()
                item = next(source, _END)
                if item is _END:
                    self._clock.read_seconds += time.perf_counter() - start
                    break
                self._put(item)
                del item  # only the caller keeps it
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
        self._end(source)

    def _has_room(self, start: float) -> bool:
        """Wait until another item is wanted; False when none ever will be."""
        self._clock.read_seconds += time.perf_counter() - start
        with self._changed:
            while len(self._items) >= self._capacity and not self._closed:
                self._changed.wait()
            return not self._closed

    def _put(self, item: Any) -> None:
        with self._changed:
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()

    def _end(self, source: Any) -> None:
        try:
            _close(source)
        except BaseException as error:  # noqa: BLE001
            self._error = self._error or error
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        _running.discard(self)


def _close(source: Any) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()


@atexit.register
def _stop_all() -> None:
    for channel in list(_running):
        channel.close()
        channel.join(_EXIT_SECONDS)
