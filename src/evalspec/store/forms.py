"""The tables of the store, form by form: what each form of the file adds to the one before it.

A file says its form in `user_version`. An older one is brought up to date, inside one transaction, by the
first process that writes to it; one that is only read is given the tables it lacks for as long as it is open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

_FIRST = """
create table answers (
    key text primary key,     -- what was asked, as a digest
    model text not null,      -- the candidate's name
    request text not null,    -- what was asked, for people
    reply text not null,      -- an answer or a final failure
    at text not null          -- when it was kept, UTC
);
create table runs (
    id text primary key,
    started text not null,
    record text not null
);
"""
# Answers that were asked again stay, so that the runs that rest on them can be looked at and compared; and
# what a run found, example by example, for comparing runs whose spec has changed since.
_EARLIER = """
create table earlier (
    key text not null,
    at text not null,         -- when it was kept, UTC
    reply text not null,
    primary key (key, at)
);
"""
_FIGURES = """
create table figures (
    run text primary key,
    found text not null       -- JSON: each task's examples and what each candidate got on them
);
"""
_KEEP_EARLIER = """
create trigger keep_earlier before update on answers begin
    insert or ignore into earlier (key, at, reply) values (old.key, old.at, old.reply);
end;
"""
# Batches that were written down and not yet collected, and their requests, each of which is in one at most.
_BATCHES = """
create table batches (
    mark text primary key,    -- our name for it, which its provider is told
    at text not null,         -- when it was written down, UTC
    address text not null,
    model text not null,      -- the candidate's name
    id text not null default '',  -- the provider's, once it is known
    sealed integer not null default 0,
    worst text not null default '0'
);
create table batched (
    key text primary key,
    mark text not null,
    attempt integer not null,
    request text not null
);
"""
_FORGET_LINES = """
create index batched_by_mark on batched (mark);
create trigger forget_lines after delete on batches begin
    delete from batched where mark = old.mark;
end;
"""
STEPS: Sequence[str] = (_FIRST, _EARLIER + _FIGURES + _KEEP_EARLIER, _BATCHES + _FORGET_LINES)
FORM = len(STEPS)
_FOR_READING = (
    _FIRST,
    *(tables.replace("create table", "create temp table") for tables in (_EARLIER + _FIGURES, _BATCHES)),
)


def bring_up_to_date(connection: sqlite3.Connection, form: int) -> None:
    """Makes a file of this form (0: a blank one) one of the newest, wholly or not at all."""
    if form == FORM:
        return
    steps = " ".join(STEPS[form:])
    try:
        connection.executescript(f"begin immediate; {steps} pragma user_version = {FORM}; commit;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def lay_under(connection: sqlite3.Connection, form: int) -> None:
    """Gives a connection that only reads the tables that a file of this form lacks, empty and its own."""
    for step in _FOR_READING[form:]:
        connection.executescript(step)
