"""Sends a second through each plug-in that speaks HTTP, as part of what a bare libcurl loop does that posts the same to
the same sink; and the memory of its worker."""

import json
import os
import re
import signal
import subprocess
import urllib.parse

from bench_gateway import resident_mib
from gateway import Gateway, program

CONNECTIONS = 10
MESSAGES = 2000  # through a worker before its memory is read
ADDRESS = "+919876543210"
TEXT = "123456 is your verification code for app."
CONTEXT = {"namespace": "app", "job": "job12345"}
OTP = {"namespace": "app", "id": "order-1234567", "to": "", "otp": "123456", "ttl": 300}
KALEYRA = {"sid": "HXIN1IN", "api_key": "key", "sender": "KLRHXA", "default_phone_code": "+91", "scheme": "http"}
AWS = {"region": "ap-south-1", "access_key": "AKIDEXAMPLE", "secret_key": "secret", "default_phone_code": "+91"}


class Plugin:
    """`body`: text, or what becomes JSON. `where`: the configuration's keys that name the sink."""

    def __init__(self, file, provider, config, path, content_type, body, answer, headers=(), user="", sigv4="",
                 where=lambda sink: {"endpoint": sink.url}):
        self.file, self.provider, self.answer = file, provider, answer
        self._config, self._where, self._path = config, where, path
        self._request = {"headers": ["Content-Type: " + content_type, *headers], "user": user, "sigv4": sigv4,
                         "body": body if isinstance(body, str) else json.dumps(body)}

    def config(self, sink):
        return {**self._config, **self._where(sink)}

    def request(self, sink):
        """For provider_load http: what the plug-in sends."""
        return {**self._request, "url": sink.url + self._path}


PLUGINS = {
    "pinpoint": Plugin(
        "pinpoint.so", "pinpoint_sms", {**AWS, "application_id": "0123abcd"}, "/v1/apps/0123abcd/messages",
        "application/json",
        {"Addresses": {ADDRESS: {"ChannelType": "SMS"}}, "Context": CONTEXT,
         "MessageConfiguration": {"SMSMessage": {"Body": TEXT, "MessageType": "TRANSACTIONAL"}}},
        {"ApplicationId": "0123abcd", "Result": {ADDRESS: {"DeliveryStatus": "SUCCESSFUL", "MessageId": "m1"}}},
        user="AKIDEXAMPLE:secret", sigv4="aws:amz:ap-south-1:mobiletargeting"),
    "sms-voice": Plugin(
        "pinpoint.so", "pinpoint_sms", {**AWS, "api": "sms-voice"}, "/", "application/x-amz-json-1.0",
        {"DestinationPhoneNumber": ADDRESS, "MessageBody": TEXT, "MessageType": "TRANSACTIONAL", "TimeToLive": 299,
         "Context": CONTEXT},
        {"MessageId": "m1"}, ["X-Amz-Target: PinpointSMSVoiceV2.SendTextMessage"],
        user="AKIDEXAMPLE:secret", sigv4="aws:amz:ap-south-1:sms-voice"),
    "webhook": Plugin(
        "webhook.so", "webhook", {}, "", "application/json", {"otp": OTP, "subject": "Your code", "body": TEXT}, {},
        ["Idempotency-Key: job12345"], where=lambda sink: {"url": sink.url}),
    "kaleyra": Plugin(
        "kaleyra.so", "kaleyra_sms", KALEYRA, "/v1/HXIN1IN/messages", "application/x-www-form-urlencoded",
        urllib.parse.urlencode({"to": ADDRESS, "type": "OTP", "sender": "KLRHXA", "body": TEXT},
                               quote_via=urllib.parse.quote),
        {"id": "m1", "data": [{"message_id": "m1:1"}], "error": {}}, ["api-key: key"],
        where=lambda sink: {"host": sink.host}),
}
TARGETS = {}
for _name in PLUGINS:
    TARGETS[_name + ", of bare libcurl"] = ("%", "at least", 90)
    TARGETS[_name + " worker RSS"] = ("MiB", "at most", 60)
UNITS = {_name + " sends": "/s" for _name in PLUGINS}


class HttpSink:
    def __init__(self, answer):
        self.process = subprocess.Popen([program("http_sink"), json.dumps(answer)], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            raise RuntimeError("http_sink did not start")
        self.host = "127.0.0.1:%d" % int(line.split()[1])
        self.url = "http://" + self.host

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


def per_second(*words):
    done = subprocess.run([program("provider_load"), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120)
    found = re.fullmatch(r"sends (\d+) seconds ([\d.]+) failed 0\n", done.stdout)
    if not found:
        raise RuntimeError("provider_load %s: %s%s" % (words[0], done.stdout, done.stderr))
    return int(found.group(1)) / float(found.group(2))


def worker_memory(plugin, sink):
    """Of a worker that has sent."""
    name = "bench" if plugin.provider == "webhook" else plugin.provider
    section = {"enabled": True, "max_conns": CONNECTIONS, **plugin.config(sink)}
    if plugin.provider == "webhook":
        config = {"webhooks": {name: section}}
    else:
        config = {"providers": {name: section}}
    gateway = Gateway(config)
    try:
        gateway.start()
        client = gateway.client()
        for _ in range(MESSAGES):
            client.put(provider=name, to=ADDRESS)
        last = client.put(provider=name, to=ADDRESS, wait=20)
        if not last.data or last.data["delivery"]["state"] != "sent":
            raise RuntimeError("%s: %r" % (plugin.file, last))
        return resident_mib(gateway.worker_pid(plugin.file.removesuffix(".so")))
    finally:
        gateway.close()


def sends(seconds):
    rows = []
    folder = os.path.join(os.environ["OTPGW_BIN"], "..", "lib", "otpgateway", "providers")
    for name, plugin in PLUGINS.items():
        with HttpSink(plugin.answer) as sink:
            def bare():
                return per_second("http", json.dumps(plugin.request(sink)), CONNECTIONS, seconds)

            # Before and after, so that a slow minute of the machine is nobody's.
            before = bare()
            through = per_second("plugin", os.path.join(folder, plugin.file), plugin.provider,
                                 json.dumps(plugin.config(sink)), ADDRESS, CONNECTIONS, seconds)
            rows += [(name + " sends", through), (name + ", of bare libcurl", 200 * through / (before + bare())),
                     (name + " worker RSS", worker_memory(plugin, sink))]
    return rows
