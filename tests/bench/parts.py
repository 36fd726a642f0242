"""The parts of the bench. Each measures once and returns a list of (name, value); TARGETS says what is wanted."""

import re
import statistics
import subprocess
import time

import limits_cost
import plugin_sends
from bench_gateway import AUTHORIZATION, BenchGateway, Sink, load, resident_mib, wrk
from gateway import program

IDS = 1000  # over which checks, status calls and pages go
LIVE_OTPS = 100_000

# name -> (unit, "at least" or "at most", value)
TARGETS = {
    "PUT, 32 connections": ("/s", "at least", 18000),
    "PUT, 32 connections, p99": ("ms", "at most", 15),
    "PUT, 128 connections": ("/s", "at least", 22000),
    "wrong check": ("/s", "at least", 20000),
    "status": ("/s", "at least", 50000),
    "page": ("/s", "at least", 40000),
    "providers": ("/s", "at least", 70000),
    "mails": ("/s", "at least", 7500),
    "mails lost": ("", "at most", 0),
    "answer to mail, p50": ("ms", "at most", 5),
    "busy 256, connections served": ("", "at least", 256),
    "busy 1000, connections served": ("", "at least", 1000),
    "cost of 5,000 idle, PUT": ("%", "at most", 10),
    "cost of 5,000 idle, providers": ("%", "at most", 10),
    "core RSS, 100,000 OTPs": ("MiB", "at most", 32),
    "worker RSS": ("MiB", "at most", 16),
    "start, empty": ("ms", "at most", 50),
    "start, 100,000 OTPs": ("ms", "at most", 200),
    **limits_cost.TARGETS,
    **plugin_sends.TARGETS,
}
UNITS = {"PUT, 128 connections, p99": "ms", "wrong check, p99": "ms", "health": "/s",
         "answer to mail, p99": "ms", "busy 256": "/s", "busy 1000": "/s", "providers, TLS": "/s", "TLS of plain": "%",
         "connections": "/s", "TLS connections, resumed": "/s", "TLS connections, full": "/s",
         **plugin_sends.UNITS}


class Stage:
    """A sink and a gateway for one measurement."""

    def __init__(self, otps=0, record=False, tls=False):
        self.sink = Sink(record)
        self.gateway = BenchGateway(self.sink, otps, tls=tls)

    def __enter__(self):
        return self.gateway

    def __exit__(self, *_):
        self.gateway.close()
        self.sink.close()


def all_accepted(result, what):
    if result.refused or result.broken:
        raise RuntimeError("%s: %d refused, %d broken of %d" % (
            what, result.refused, result.broken, result.requests))
    return result


def all_refused(result, what):
    """For answers that are rightly 400."""
    if result.broken or result.refused != result.requests:
        raise RuntimeError("%s: %d of %d were not answered 400, %d broken" % (
            what, result.requests - result.refused, result.requests, result.broken))
    return result


def put(seconds):
    rows = []
    for connections in (32, 128):
        with Stage() as gateway:
            result = all_accepted(wrk(gateway.port, connections, seconds, "put", ["provider=smtp"]), "PUT")
        name = "PUT, %d connections" % connections
        rows += [(name, result.per_second), (name + ", p99", result.p99_ms)]
    return rows


def check(seconds):
    with Stage(IDS) as gateway:
        result = all_refused(wrk(gateway.port, 32, seconds, "many_ids", [
            "POST", "/api/otp/bench-", "", IDS, "otp=000000"]), "check")
        answer = gateway.client().check("bench-0", "000000")
        if answer.message != "Incorrect OTP":
            raise RuntimeError("the codes were locked: fewer seconds, or more ids (%r)" % answer)
    return [("wrong check", result.per_second), ("wrong check, p99", result.p99_ms)]


def status(seconds):
    with Stage(IDS) as gateway:
        result = all_refused(wrk(gateway.port, 32, seconds, "many_ids", [
            "POST", "/api/otp/bench-", "/status", IDS]), "status")
    return [("status", result.per_second)]


def page(seconds):
    with Stage() as gateway:
        gateway.fill("page-", IDS, "provider=smtp&to=someone@mail.example&ttl=86400")
        result = all_accepted(wrk(gateway.port, 32, seconds, "many_ids", ["GET", "/otp/app/page-", "", IDS]), "page")
    return [("page", result.per_second)]


def providers(seconds):
    with Stage() as gateway:
        return [("providers", all_accepted(wrk(gateway.port, 32, seconds, path="/api/providers"),
                                           "providers").per_second)]


def health(seconds):
    with Stage() as gateway:
        return [("health", all_accepted(wrk(gateway.port, 32, seconds, path="/api/health"), "health").per_second)]


def handshakes(port, seconds):
    """Full ones, nothing of an earlier session: what a new client costs. Each of the four has one at a time."""
    began = time.monotonic()
    clients = [subprocess.Popen(["openssl", "s_time", "-connect", "127.0.0.1:%d" % port, "-new", "-time", str(seconds)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(4)]
    said = [client.communicate()[0] for client in clients]
    took = time.monotonic() - began
    counts = [re.search(r"(\d+) connections in \d+ real seconds", one) for one in said]
    if not all(counts):
        raise RuntimeError("openssl s_time said:\n" + said[counts.index(None)][-300:])
    return sum(int(count.group(1)) for count in counts) / took


def tls(seconds):
    """The same constant body in the clear and over TLS, on kept connections and on one for each request."""
    kept, new = [], []
    for scheme in ("http", "https"):
        with Stage(tls=scheme == "https") as gateway:
            def measure(header):
                return all_accepted(wrk(gateway.port, 32, seconds, path="/api/providers", scheme=scheme,
                                        header="Connection: " + header), scheme).per_second

            kept.append(measure("keep-alive"))
            new.append(measure("close"))
            full = handshakes(gateway.port, seconds) if scheme == "https" else None
    return [("providers, TLS", kept[1]), ("TLS of plain", 100 * kept[1] / kept[0]),
            ("connections", new[0]), ("TLS connections, resumed", new[1]), ("TLS connections, full", full)]


def mails(seconds):
    """From the first request to the last mail, so that a backlog counts against the rate."""
    stage = Stage(record=True)
    with stage as gateway:
        started = time.time()
        result = all_accepted(wrk(gateway.port, 32, seconds, "put", ["provider=smtp", "mail"]), "PUT with address")
        count, last_change = 0, time.monotonic()
        while time.monotonic() - last_change < 3:
            time.sleep(0.2)
            now = stage.sink.count()
            if now != count:
                count, last_change = now, time.monotonic()
        times = stage.sink.times()
    end = max(max(one) for one in times.values()) / 1e9
    return [("mails", count / (end - started)), ("mails lost", max(0, result.requests - len(times)))]


def latency(seconds):
    stage = Stage(record=True)
    with stage as gateway:
        answers = [line.split("\t") for line in load("mail", gateway.port, AUTHORIZATION, 500, seconds).splitlines()]
        end = time.monotonic() + 10
        while stage.sink.count() < len(answers) and time.monotonic() < end:
            time.sleep(0.1)
        times = stage.sink.times()
    took = sorted((min(times[address]) - int(answered)) / 1e6 for address, answered in answers)
    return [("answer to mail, p50", took[len(took) // 2]), ("answer to mail, p99", took[len(took) * 99 // 100])]


def busy(seconds):
    rows = []
    for connections in (256, 1000):
        with Stage() as gateway:
            total, least = map(int, load("busy", gateway.port, connections, seconds).split())
        rows += [("busy %d" % connections, total / seconds),
                 ("busy %d, connections served" % connections, connections if least else 0)]
    return rows


def idle(seconds):
    """Without, with, and again without the idle ones on the same gateway, so that a slow minute is no cost of theirs.
    They live for 15 s at most: the measurement is short."""
    seconds = min(seconds, 8)
    rows = []
    for name, script, words, path in (("PUT", "put", ["provider=smtp"], "/"),
                                      ("providers", None, [], "/api/providers")):
        with Stage() as gateway:
            def measure():
                return all_accepted(wrk(gateway.port, 32, seconds, script, words, path), name).per_second

            before = measure()
            holder = subprocess.Popen([program("otp_load"), "idle", str(gateway.port), "5000"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if holder.stdout.readline() != "ready\n":
                raise RuntimeError("the idle connections were not all served")
            beside = measure()
            holder.communicate()
            alone = (before + measure()) / 2
        rows.append(("cost of 5,000 idle, " + name, (1 - beside / alone) * 100))
    return rows


def memory(_):
    stage = Stage(record=True)
    with stage as gateway:
        gateway.fill("live-", LIVE_OTPS, "provider=smtp&ttl=86400")
        gateway.fill("sent-", 5000, "provider=smtp&to=someone@mail.example")
        end = time.monotonic() + 60
        while stage.sink.count() < 5000 and time.monotonic() < end:
            time.sleep(0.1)
        return [("core RSS, 100,000 OTPs", resident_mib(gateway.process.pid)),
                ("worker RSS", max(resident_mib(pid) for pid in gateway.worker_pids()))]


def start(_):
    rows = []
    for name, otps in (("start, empty", 0), ("start, 100,000 OTPs", LIVE_OTPS)):
        with Stage(otps) as gateway:
            took = []
            for _ in range(3):
                gateway.stop()
                gateway.spawn()
                started = time.monotonic()
                while not gateway.healthy():
                    if time.monotonic() - started > 20:
                        raise RuntimeError("no start:\n" + gateway.log())
                took.append((time.monotonic() - started) * 1000)
            rows.append((name, statistics.median(took)))
    return rows


PARTS = {part.__name__: part for part in (
    put, check, status, page, providers, tls, health, mails, latency, busy, idle, memory, start, limits_cost.limits,
    plugin_sends.sends)}
