"""Durable accepts a second at 1, 16, 64 and 256 connections, beside the same HTTP server without a journal and with a bare
log, and beside Redis, RabbitMQ and PostgreSQL. And that the answers do come behind the disk's."""

import re
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from load import load
from machine import cell, cpu_seconds, median_of, print_table, probe, resident_bytes, rounds_of
from servers import bare_server, postgresql, rabbitmq, redis, relay_accepting

CONNECTIONS = (1, 16, 64, 256)

# `pipelined`: all that is under way goes over one connection, which is what suits the peer best. A peer is one line here.
Subject = namedtuple("Subject", "name protocol start pipelined")
SUBJECTS = [
    Subject("edge-relay", "http", lambda options, folder: relay_accepting(folder), False),
    Subject("edge-relay, encrypted", "http", lambda options, folder: relay_accepting(folder, encrypted=True), False),
    Subject("same server, no journal", "http", lambda options, folder: bare_server(options.programs), False),
    Subject("same server, bare log", "http", lambda options, folder: bare_server(options.programs, folder), False),
    Subject("Redis, always", "redis", lambda options, folder: redis(folder), False),
    Subject("Redis, always, pipelined", "redis", lambda options, folder: redis(folder), True),
    Subject("RabbitMQ, quorum, pipelined", "rabbitmq", lambda options, folder: rabbitmq(folder), True),
    Subject("PostgreSQL", "postgresql", lambda options, folder: postgresql(folder), False),
]


def measure(options, subject, connections):
    """One run of one subject on an empty store: rate, latencies, what the server cost."""
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        with subject.start(options, folder) as server:
            before = cpu_seconds(server.pid)
            open_connections, in_flight = (1, connections) if subject.pipelined else (connections, 1)
            result = load(options.programs, subject.protocol, server.port, open_connections, in_flight, size=options.bytes,
                          seconds=options.seconds, warm_up=options.seconds / 5)
            cpu = cpu_seconds(server.pid) - before
            memory = resident_bytes(server.pid)
            server.confirm(result["answered"])
    return {"per_second": result["per_second"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"],
            "cpu_us": cpu / result["answered"] * 1e6, "memory": memory, "generator_us": result["own_cpu_seconds"] / result["answered"] * 1e6}


def accepts(options):
    subjects = [each for each in SUBJECTS if not options.subjects or any(word in each.name.lower() for word in options.subjects)]
    for connections in options.connections or ((1, 64) if options.quick else CONNECTIONS):
        probed = probe(options.folder)
        results = rounds_of(options.rounds, subjects, lambda subject, count=connections: measure(options, subject, count))
        medians = {subject.name: median_of(results[subject]) for subject in subjects}
        limit = medians.get("edge-relay", {}).get("per_second")
        rows = [[name, each["per_second"], f"{limit / each['per_second']:.2f} ×" if limit else None, each["p50_ms"], each["p99_ms"],
                 cell(each["cpu_us"], 1), cell(each["memory"] / 2**20, 0), cell(each["generator_us"], 1)] for name, each in medians.items()]
        print_table(f"Durable accepts, {connections} connection{'s' * (connections > 1)}",
                    ["", "accepts/s", "edge-relay is", "p50 ms", "p99 ms", "server CPU µs each", "memory MiB", "generator CPU µs each"], rows,
                    [f"{options.bytes} bytes each; probe (4 KiB append and fdatasync) before: {probed:.2f} ms. "
                     f"Median of {options.rounds} rounds of {options.seconds} s."])
    if any(each.name == "edge-relay" for each in subjects):
        print(fsync_before_answers(options))


SYNC = re.compile(r"\b(?:fdatasync|fsync)\(\d+<([^>]*)>.*= 0")
ANSWER = re.compile(r"\bsend(?:msg|to)\(.*HTTP/1\.1 202")


def fsync_before_answers(options):
    """One sender at a time under strace: between any two 202s the journal's WAL was synced. Fails where one wasn't."""
    with tempfile.TemporaryDirectory(prefix="edge-relay-bench-", dir=options.folder) as folder:
        with relay_accepting(folder) as server:
            trace = Path(folder, "strace")
            tracer = subprocess.Popen(["strace", "-f", "-y", "-s", "40", "-e", "trace=fsync,fdatasync,sendmsg,sendto,write,writev", "-o", trace,
                                       "-p", str(server.pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                tracer.stderr.readline()  # "attached"
                result = load(options.programs, "http", server.port, size=options.bytes, seconds=2)
            finally:
                tracer.terminate()
                tracer.wait()
            server.confirm(result["answered"])
            answers, syncs = count_syncs(trace.read_text(errors="replace").splitlines())
    assert answers == result["answered"], f"strace saw {answers} answers of {result['answered']}"
    return f"strace, one connection: {answers:,} answers, each behind an fdatasync of the WAL of its own ({syncs:,} in all).\n"


def count_syncs(lines):
    """(202 answers, syncs of the WAL); AssertionError at an answer with no sync since the one before it."""
    answers = syncs = since = 0
    unfinished = {}
    for line in lines:
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            unfinished[thread] = call.removesuffix("<unfinished ...>")
            if not ANSWER.search(call):
                continue  # a sync counts once it is done, an answer once it begins
        elif call.startswith("<... "):
            begun = unfinished.pop(thread, "")
            if ANSWER.search(begun):
                continue
            call = begun + call.partition(" resumed>")[2]
        if ANSWER.search(call):
            assert since > 0, f"a 202 with no sync of the WAL since the one before it: {call[:120]}"
            answers, since = answers + 1, 0
        elif (synced := SYNC.search(call)) and synced[1].endswith("-wal"):
            syncs, since = syncs + 1, since + 1
    return answers, syncs


__all__ = ["accepts", "count_syncs"]
