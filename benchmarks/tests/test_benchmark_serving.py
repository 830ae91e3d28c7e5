"""The comparison of servers: each kind of load on servers that are installed with the tests, and what is made of the figures."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import replace
from xml.etree import ElementTree

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="CPU time and memory come from /proc"),
    pytest.mark.skipif(shutil.which("taskset") is None, reason="servers are bound to a core"),
    pytest.mark.usefixtures("benchmarks_importable"),
]

SERVERS = [
    ("caikit native", "grpc"),
    ("caikit native", "http"),
    ("caikit standard", "grpc"),
    ("bare grpcio", "grpc"),
    ("bare uvicorn", "http"),
]


@pytest.fixture
def start():
    from serving.environments import Environment
    from serving.kinds import KINDS
    from serving.servers import running

    here = Environment(sys.executable, 0, {})

    def start_kind(name, task="tiny"):
        (kind,) = [kind for kind in KINDS if kind.name == name]
        return running(kind, here, task, cores=os.sched_getaffinity(0))

    return start_kind


def plan(server, protocol, texts, **options):
    from serving.load.plan import Plan

    calls = tuple(server.call(protocol, text) for text in texts)
    chosen = {"connections": 4, "seconds": 0.1, "patience": 10} | options
    return Plan(protocol=protocol, port=server.ports[protocol], calls=calls, **chosen)


@pytest.mark.parametrize(("name", "protocol"), SERVERS)
def test_calls_of_every_form_are_answered_and_counted(start, name, protocol) -> None:
    from serving.measuring import measure

    with start(name) as server:
        assert server.memory.proportional > 5
        idle: list[int] = []
        for form in [{"idle": 50}, {"changing": "literal"}, {"changing": "indexed"}]:
            chosen = plan(server, protocol, ["hello", "hello, world"], **form)
            figures = measure(server, chosen, when_ready=idle.append)
            assert figures.answered >= 4
            assert figures.cpu_us > 0
            assert 0 < figures.p50_ms <= figures.p99_ms
        assert idle == [50, 0, 0]
        large = plan(server, protocol, ["x" * 300_000], connections=2)
        assert measure(server, large).answered >= 2


@pytest.mark.parametrize(("name", "protocol"), [SERVERS[0], SERVERS[-1]])
def test_streams_are_whole(start, name, protocol) -> None:
    from serving.measuring import measure

    with start(name, "tokens") as server:
        assert server.call(protocol, "3").answer.count(b"token0000") == 3
        assert measure(server, plan(server, protocol, ["100"])).answered >= 4


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_wrong_answer_and_a_server_that_leaves_are_problems_of_their_row(start, protocol) -> None:
    from serving import processes
    from serving.measuring import Case, in_turns

    with start("caikit native") as server:
        good = plan(server, protocol, ["hello"])
        (call,) = good.calls
        wrong = replace(good, calls=(replace(call, answer=call.answer.replace(b"POSITIVE", b"NEGATIVE")),))
        cases = [Case("good", server, good), Case("wrong", server, wrong)]
        rows = in_turns("calls", "4 connections", cases, rounds=2)
        assert rows[0].figures["answered"] >= 4
        assert rows[1].figures == {}
        assert "WrongAnswerError: expected" in rows[1].problem
        processes.end(server.pid, 10)
        (gone,) = in_turns("calls", "4 connections", [Case("gone", server, good)], rounds=1)
        assert "ConnectionRefusedError" in gone.problem


def test_a_server_that_does_not_start_says_why(start) -> None:
    from serving.environments import Environment
    from serving.kinds import KINDS
    from serving.servers import StartError, running

    kind = replace(KINDS[0], program="bare_rsgi.py", variant="wrong")
    began = time.monotonic()
    with (
        pytest.raises(StartError, match="caikit native ended"),
        running(kind, Environment(sys.executable, 0, {}), "tiny"),
    ):
        pass
    assert time.monotonic() - began < 30


@pytest.fixture
def content():
    def row(question, point, server, cpu_us, problem=""):
        figures = {"cpu_us": cpu_us, "requests_per_second": 1e6 / cpu_us} if cpu_us else {}
        return {
            "question": question,
            "point": point,
            "server": server,
            "figures": figures,
            "problem": problem,
        }

    return {
        "date": "1 May 2030",
        "machine": {"processor": "x86", "cores": 2},
        "python": "3.14",
        "load_before": 0.2,
        "how": {"rounds": 1, "seconds": 0.2},
        "versions": {"bare grpcio": {"grpcio": "1.0"}},
        "unavailable": {"mosec": "no wheel"},
        "rows": [
            row("calls", "8 connections", "caikit native, gRPC", 20.0),
            row("calls", "8 connections", "bare grpcio", 100.0),
            row("calls", "8 connections", "bare uvicorn", 10.0),
            row("calls", "64 connections", "caikit native, gRPC", 15.0),
            row("calls", "64 connections", "bare grpcio", None, "closed | the connection"),
        ],
    }


def test_aims_are_met_or_missed_by_a_factor(content) -> None:
    from serving.aims import all_aims
    from serving.figures import Figures

    verdicts = {(aim.what, aim.aim.partition(":")[0]): aim.verdict for aim in all_aims(Figures(content))}
    first, second = "gRPC, native, 8 connections", "gRPC, native, 64 connections"
    assert verdicts[first, "CPU of bare grpcio by ours"] == "met"
    assert verdicts[first, "CPU of the published toolkit by ours"] == "met"
    assert verdicts[first, "our CPU by that of bare uvicorn"] == "missed by a factor of 2.00"
    assert verdicts[second, "our CPU"] == "met"
    assert verdicts[second, "CPU of bare grpcio by ours"] == "not measured"


@pytest.mark.parametrize(
    ("figure", "at_least", "shown", "verdict"),
    [
        (19.98, True, "20 x", "met"),
        (20.04, False, "20 x", "met"),
        (19.94, True, "19.9 x", "missed by less than 1 %"),
        (20.1, False, "20.1 x", "missed by less than 1 %"),
        (19.0, True, "19 x", "missed by a factor of 1.05"),
    ],
)
def test_a_verdict_is_about_the_figure_that_is_shown(figure, at_least, shown, verdict) -> None:
    from serving.aims import Aim

    aim = Aim("calls", "20", figure, 20, at_least=at_least)
    assert (aim.shown, aim.verdict) == (shown, verdict)


def test_the_page_has_figures_and_problems_and_the_chart_has_lines(content) -> None:
    from serving.figures import Figures
    from serving.publishing import chart, page

    text = page(Figures(content))
    assert "- mosec: no wheel" in text
    assert "| CPU us per call | 8 connections | 64 connections |" in text
    assert "| caikit native, gRPC | 20 | 15 |" in text
    assert "| bare grpcio | 100 |  |" in text
    assert "- bare grpcio, 64 connections: closed | the connection" in text
    assert "The *tiny* model: a short sentence in" in text
    assert text.index("## Calls") < text.index("## Aims of the project")
    drawing = ElementTree.fromstring(chart(Figures(content)))
    lines = drawing.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [2]


def test_the_page_begins_with_what_usual_calls_cost(content) -> None:
    from serving.figures import Figures
    from serving.summary import summary

    text = summary(Figures(content))
    assert "| CPU us for | caikit native, gRPC | bare grpcio | bare uvicorn |" in text
    assert "| a small call | 20 | 100 | 10 |" in text
    assert "Batches" not in text
    rates = [("one by one", 300.0), ("together", 6000.0)]
    content["rows"] += [
        {
            "question": "batching",
            "point": point,
            "server": "caikit native, HTTP",
            "figures": {"requests_per_second": rate},
            "problem": "",
        }
        for point, rate in rates
    ]
    assert "Batches of up to 32 answer 20 times as many calls" in summary(Figures(content))


def test_points_are_in_order_and_in_words() -> None:
    from serving.points import in_order, words

    calls = ["64 connections", "8 connections, new headers", "1 connections", "1000 connections"]
    assert list(map(words, in_order(calls))) == [
        "1 connection",
        "64 connections",
        "1,000 connections",
        "8 connections, new headers",
    ]
    assert in_order(["100 tokens", "10 tokens", "1000 tokens"]) == ["10 tokens", "100 tokens", "1000 tokens"]
    workers = ["tiny, 1", "tiny, 2", "busy, 1", "busy, 2"]
    assert list(map(words, in_order(workers))) == [
        "tiny, 1 worker",
        "tiny, 2 workers",
        "busy, 1 worker",
        "busy, 2 workers",
    ]
    assert in_order(["together", "one by one"]) == ["together", "one by one"]


def test_figures_go_between_their_marks_in_the_page(content, tmp_path) -> None:
    from serving.figures import Figures
    from serving.publishing import publish

    page, picture = tmp_path / "page.md", tmp_path / "picture.svg"
    marks = "<!-- summary -->\nstale\n<!-- end of summary -->\nby hand\n<!-- figures -->\n<!-- end of figures -->\n"
    page.write_text(f"above\n{marks}")
    publish(Figures(content), page, picture)
    assert picture.read_text().startswith("<svg")
    text = page.read_text()
    assert "stale" not in text
    places = [
        text.index(each) for each in ("above", "| a small call |", "by hand", "## Calls", "<!-- end of f")
    ]
    assert places == sorted(places)
    page.write_text("above\n")
    with pytest.raises(ValueError, match="expected <!-- summary -->"):
        publish(Figures(content), page, picture)
