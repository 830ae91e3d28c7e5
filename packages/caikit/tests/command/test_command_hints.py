"""What `caikit` says to do about a server that asks for a certificate, and what it does not say."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_asks_for_a_certificate(quick, golden_tls, certs, protocol):
    call = ["call", "greet", "-s", golden_tls.address(protocol), "-m", "greeter", "person.name=A"]
    done = quick(*call, "--ca", str(certs / "ca.pem"), "--timeout", "20")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("; if it asks for a certificate, add --cert and --key\n")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("authority", [[], ["--ca", "client.pem"]])
def test_a_certificate_that_is_not_trusted(quick, golden_tls, certs, protocol, authority):
    scheme = {"grpc": "grpcs", "http": "https"}[protocol]
    address = f"{scheme}://{golden_tls.address(protocol).rpartition('/')[2]}"
    authority = [str(certs / each) if each.endswith(".pem") else each for each in authority]
    done = quick("call", "greet", "-s", address, "-m", "greeter", "person.name=A", *authority)
    assert (done.code, done.out) == (1, "")
    assert "; name the authority of its certificate with --ca FILE" in done.err


@pytest.mark.parametrize(("protocol", "scheme"), [("grpc", "grpcs"), ("http", "https")])
def test_a_server_that_does_not_encrypt(quick, golden, protocol, scheme):
    address = f"{scheme}://{golden.address(protocol).rpartition('/')[2]}"
    done = quick("call", "greet", "-s", address, "-m", "greeter", "person.name=A")
    assert (done.code, done.out) == (1, "")
    assert "; if it does not encrypt, " in done.err


def test_unverified_tls_is_quiet(caikit, golden_tls, certs):
    pair = ["--cert", str(certs / "client.pem"), "--key", str(certs / "client.key")]
    call = ["call", "greet", "-s", golden_tls.address("http"), "-m", "greeter", "person.name=A"]
    done = caikit(*call, "--insecure", *pair)
    assert (done.code, done.err) == (0, "")
    assert done.json["text"] == "Hello A"


def test_the_zero_of_an_enum_without_one_is_no_choice(quick, address):
    done = quick("call", "blob", "-s", address, "-m", "blob", "everything.color=PINK")
    assert done.code == 2
    assert done.err.endswith(": everything.color: expected one of RED, BLUE, got 'PINK'\n")


@pytest.mark.parametrize("arguments", [["list"], ["log", "x"]])
def test_what_prediction_jobs_do_not_have(quick, address, arguments):
    done = quick("jobs", *arguments, "--task", "greet", "-s", address)
    assert done.code == 2
    assert done.err == f"caikit jobs: error: {arguments[0]} is for trainings only: leave out --task\n"


def test_a_missing_text_is_not_taken_for_an_empty_one(quick, address):
    done = quick("call", "echo", "-s", address, "-m", "party")
    assert done.code in (1, 2)
    assert "error: Missing required input: 'text'" in done.err
