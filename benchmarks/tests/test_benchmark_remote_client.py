"""The comparison of remote models with bare calls: it runs, and compares each protocol with itself."""

from __future__ import annotations


def test_the_script_runs(run_benchmark) -> None:
    printed, figures = run_benchmark("remote_client.py", "--calls", "20", "--rounds", "2")
    callers = figures["callers"]
    assert list(callers) == ["gRPC, bare", "gRPC, remote model", "HTTP, bare", "HTTP, remote model"]
    assert all(cost["cpu_us"] > 0 for caller in callers.values() for cost in caller.values())
    ratios = {line[:20].strip(): line[20:].split()[1] for line in printed.splitlines()[1:5]}
    assert [ratios["gRPC, bare"], ratios["HTTP, bare"]] == ["1.00", "1.00"]
