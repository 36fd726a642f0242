"""What counting for [limits] costs: the same load with limits off and on, in turn."""

import http.client
import statistics

from bench_gateway import AUTHORIZATION, BenchGateway, Sink, wrk

# High enough to refuse nothing, which would be cheaper than counting.
ON = {"address_sends": ["1000000/10m", "1000000/24h"], "address_guesses": ["1000000/24h"]}
TURNS = ({}, ON, ON, {})
IDS = 2_000
TARGETS = {"limits cost PUT": ("%", "at most", 10), "limits cost wrong check": ("%", "at most", 10),
           "limits cost check, one address": ("%", "at most", 10)}


def fill(port, address):
    """OTPs, each with `address`, in which %d is the OTP's number."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/x-www-form-urlencoded"}
    for number in range(IDS):
        to = address.replace("%d", str(number))
        connection.request("PUT", "/api/otp/bench-%d" % number,
                           "provider=smtp&otp=111111&max_attempts=1000&ttl=86400&to=" + to, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError("PUT: %d" % answer.status)
    connection.close()


def put(port, seconds):
    return wrk(port, 32, seconds, "put", ["provider=smtp", "mail"])


def check(port, seconds, address="bench-%d@bench.example"):
    fill(port, address)
    return wrk(port, 32, seconds, "many_ids", ["POST", "/api/otp/bench-", "", IDS, "otp=000000"])


def check_one(port, seconds):
    """One address under attack, over many ids."""
    return check(port, seconds, "bench@bench.example")


def rate(load, limits, seconds):
    sink = Sink(record=False)
    gateway = BenchGateway(sink, limits=limits)
    try:
        result = load(gateway.port, seconds)
        if result.broken or result.refused != (0 if load is put else result.requests):
            raise RuntimeError("%d of %d refused, %d broken" % (result.refused, result.requests, result.broken))
        return result.per_second
    finally:
        gateway.close()
        sink.close()


def limits(seconds):
    rows = []
    for name, load in zip(TARGETS, (put, check, check_one)):
        rates = [(turn is ON, rate(load, turn, seconds)) for turn in TURNS]
        off, on = (statistics.mean(value for is_on, value in rates if is_on == wanted) for wanted in (False, True))
        rows.append((name, 100 * (1 - on / off)))
    return rows
