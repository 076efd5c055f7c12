"""Files in memory for libsndfile, which asks for their bytes through functions of Python's."""

from concurrent.futures import ThreadPoolExecutor


def alone(function, *arguments, **named):
    """Call a function that has libsndfile read or write a file in memory.

    Ctrl-C raises KeyboardInterrupt in whatever the main thread does at that moment. In a function
    that libsndfile calls, it would be printed and forgotten: the program would go on, with a file
    that lacks some bytes. So it is called in a thread of its own, where Ctrl-C is raised by nobody.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments, **named).result()
