"""The metrics of a gateway, read strictly: what Prometheus would refuse or misread fails here."""

import http.client
import json

from prometheus_client.parser import text_string_to_metric_families


def fetch(port, path):
    """Status, headers and text of GET on an admin address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode("utf-8")
    finally:
        connection.close()


def ready(port):
    """Status of /ready, and what its JSON says."""
    status, _, text = fetch(port, "/ready")
    return status, json.loads(text)["data"]


class Exposition:
    """One scrape. exposition("NAME", label="x") is a sample's value; a sample that is not there is a KeyError."""

    def __init__(self, port):
        status, headers, self.text = fetch(port, "/metrics")
        if status != 200 or headers["Content-Type"] != "text/plain; version=0.0.4; charset=utf-8":
            raise AssertionError("%d %s\n%s" % (status, headers, self.text))
        if not self.text.endswith("\n"):
            raise AssertionError("the last line has no end")
        self.families = {}
        self.samples = {}
        for family in text_string_to_metric_families(self.text):
            if family.name in self.families:
                raise AssertionError("the family %s stands twice" % family.name)
            if not family.documentation or family.type == "unknown":
                raise AssertionError("%s lacks its help or type" % family.name)
            self.families[family.name] = family
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                if key in self.samples:
                    raise AssertionError("the sample %s stands twice" % (key,))
                self.samples[key] = sample.value

    def __call__(self, name, **labels):
        return self.samples[(name, frozenset(labels.items()))]

    def histogram(self, name, **labels):
        """(count, sum) after checking that the buckets rise to the count."""
        buckets = sorted(
            (float(dict(key[1])["le"]), value) for key, value in self.samples.items()
            if key[0] == name + "_bucket" and {k: v for k, v in key[1] if k != "le"} == labels)
        counts = [value for _, value in buckets]
        if counts != sorted(counts) or buckets[-1] != (float("inf"), self(name + "_count", **labels)):
            raise AssertionError("%s%s: %s" % (name, labels, buckets))
        return self(name + "_count", **labels), self(name + "_sum", **labels)

    def since(self, before):
        """The samples that are not what they were: {(name, {label: value}): difference}, as a function like self."""
        def difference(name, **labels):
            return self(name, **labels) - before.samples.get((name, frozenset(labels.items())), 0)
        return difference
