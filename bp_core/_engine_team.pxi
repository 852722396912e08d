"""The threads of one native call: started in it, gone before it returns.

No pool lives between calls, so nothing spins after one, and a fork between two finds no lock held. A
thread that cannot be started is done without.
"""
cdef extern from "barrier.h" nogil:
    ctypedef long bp_atomic
    ctypedef struct bp_barrier:
        long size
    long bp_load(bp_atomic* a)
    void bp_store(bp_atomic* a, long value)
    long bp_add(bp_atomic* a, long value)
    long bp_wait_while(bp_atomic* a, long value)
    void bp_barrier_init(bp_barrier* barrier, long size)
    void bp_barrier_wait(bp_barrier* barrier)

cdef extern from "pythread.h" nogil:
    unsigned long PyThread_start_new_thread(void (*start)(void*) noexcept nogil, void* argument)

cdef enum:
    MOST_THREADS = 64

cdef unsigned long NO_THREAD = <unsigned long>-1        # what Python calls PYTHREAD_INVALID_THREAD_ID

ctypedef void (*task_fn)(void* work, Py_ssize_t number) noexcept nogil

ctypedef struct Team:
    bp_barrier barrier
    bp_atomic started               # 0 until every thread that could be started is
    bp_atomic left                  # helpers that are done
    bp_atomic named                 # numbers taken by helpers
    task_fn task
    void* work


cdef void help_out(void* team_) noexcept nogil:
    """A helper's whole life."""
    cdef Team* team = <Team*>team_
    cdef Py_ssize_t number = bp_add(&team.named, 1) + 1
    bp_wait_while(&team.started, 0)
    team.task(team.work, number)
    bp_add(&team.left, 1)           # the last look at the team: its memory may be gone from here on


cdef void run_team(Team* team, task_fn task, void* work, Py_ssize_t size) noexcept nogil:
    """task(work, 0 ... size - 1), each in a thread of its own, the first in this one; fewer where threads are short.

    `team.barrier.size` tells the tasks how many they are.
    """
    cdef long helpers = 0
    team.task, team.work = task, work
    bp_store(&team.started, 0)
    bp_store(&team.left, 0)
    bp_store(&team.named, 0)
    while helpers + 1 < size and PyThread_start_new_thread(help_out, team) != NO_THREAD:
        helpers += 1
    bp_barrier_init(&team.barrier, helpers + 1)
    bp_store(&team.started, 1)
    task(work, 0)
    for size in range(helpers):
        bp_wait_while(&team.left, size)
