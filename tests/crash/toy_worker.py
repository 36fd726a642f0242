"""The worker of toy_mailer.py: mails each job that it is given, and tells nobody.

usage: toy_worker.py SMTP_PORT, one line of JSON [address, code] for each job.
"""

import json
import smtplib
import sys
import threading
import uuid


def send(smtp_port, address, code):
    try:
        with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
            smtp.sendmail("toy@gateway.example", address, "Message-ID: <%s>\r\n\r\n%s\r\n" % (uuid.uuid4(), code))
    except (OSError, smtplib.SMTPException):
        pass


for line in sys.stdin:
    threading.Thread(target=send, args=(int(sys.argv[1]), *json.loads(line))).start()
