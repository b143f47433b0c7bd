"""The load generator (load.cpp), as a call."""

import json
import subprocess
import sys


class LoadFailed(Exception):
    pass


class Load:
    """A load under way; result() waits for its end."""

    def __init__(self, programs, protocol, port, connections=1, in_flight=1, rate=0, size=2000, seconds=1.0, warm_up=0.0,
                 target="/v1/submissions", clients=0):
        self.process = subprocess.Popen(
            [str(programs / "load"), protocol, str(port), "--connections", str(connections), "--in-flight", str(in_flight),
             "--rate", str(rate), "--bytes", str(size), "--warm-up-ms", str(int(warm_up * 1000)),
             "--measured-ms", str(int(seconds * 1000)), "--target", target, "--clients", str(clients)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self):
        output, errors = self.process.communicate()
        if self.process.returncode:
            raise LoadFailed(errors.strip() or f"load ended with {self.process.returncode}")
        return json.loads(output)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def load(programs, *arguments, **options):
    under_way = Load(programs, *arguments, **options)
    try:
        return under_way.result()
    finally:
        under_way.stop()
        sys.stdout.flush()
