"""Programs that look for weaknesses, which we didn't write: sslscan and slowhttptest."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree

from relay import SLOWNESS


def weaknesses_of_tls(port):
    """What sslscan finds on that port that isn't TLS 1.2 or 1.3 with forward secrecy and authenticated ciphers."""
    result = subprocess.run(["sslscan", "--no-colour", "--xml=-", f"127.0.0.1:{port}"], capture_output=True,
                            timeout=120 * SLOWNESS, check=True)
    scan = ElementTree.fromstring(result.stdout).find("ssltest")
    enabled = {f"{each.get('type')}{each.get('version')}" for each in scan.findall("protocol") if each.get("enabled") == "1"}
    found = [f"{each} is spoken" for each in sorted(enabled - {"tls1.2", "tls1.3"})]
    found += [f"{each} isn't spoken" for each in sorted({"tls1.2", "tls1.3"} - enabled)]
    ciphers = [each.get("cipher") for each in scan.findall("cipher")]
    found += [] if ciphers else ["no cipher is taken"]
    found += [f"{each} is taken" for each in ciphers
              if not each.startswith("TLS_") and not (each.startswith("ECDHE-") and ("GCM" in each or "CHACHA20" in each))]
    for each in scan.findall("renegotiation"):
        found += ["insecure renegotiation"] if (each.get("supported"), each.get("secure")) == ("1", "0") else []
    found += ["compression"] if any(each.get("supported") == "1" for each in scan.findall("compression")) else []
    found += ["heartbleed"] if any(each.get("vulnerable") == "1" for each in scan.findall("heartbleed")) else []
    return found


SLOW = {"headers": ["-H"], "body": ["-B", "-f", "application/hl7-v2"], "read": ["-X", "-w", "1", "-y", "10", "-n", "1", "-z", "1"]}


class SlowClients:
    """Hundreds of clients that each take their time, with their headers, their body or in reading the answer."""

    def __init__(self, url, kind, connections=300, seconds=5):
        self.process = subprocess.Popen(
            ["slowhttptest", *SLOW[kind], "-c", str(connections), "-r", "200", "-i", "1", "-p", "2", "-l", str(seconds), "-u", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")

    def running(self):
        return self.process.poll() is None

    def verdicts(self):
        """Whether its own probes were answered, one YES or NO a second; waits for its end."""
        output = re.sub(r"\x1b\[[0-9;]*m", "", self.process.communicate()[0])
        return re.findall(r"service available:\s+(YES|NO)", output)

    def end(self):
        self.process.kill()
        self.process.wait()
