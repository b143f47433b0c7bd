"""sshd's sftp subsystem of the tests: the real sftp-server, and a look at each packet on its way to it. The file named as
argument says what goes wrong once, and is taken away then:

  rename-lost    the rename is done, and the session ends instead of its answer
  rename-undone  the session ends before the rename is done
  hang           nothing is answered any more from the first write on
"""

import os
import struct
import subprocess
import sys
import threading

WRITE, RENAME = 6, 18


def read_packet(stream):
    head = stream.read(4)
    return head + stream.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""


def main():
    rule = sys.argv[1]
    server = subprocess.Popen(["/usr/lib/openssh/sftp-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    state = {"rename": None}

    def answers():
        while packet := read_packet(server.stdout):
            if state["rename"] is not None and packet[5:9] == state["rename"]:
                os._exit(1)
            sys.stdout.buffer.write(packet)
            sys.stdout.buffer.flush()
        os._exit(0)

    threading.Thread(target=answers, daemon=True).start()
    while packet := read_packet(sys.stdin.buffer):
        fault = ""
        if packet[4] in (WRITE, RENAME) and os.path.exists(rule):
            with open(rule, encoding="ascii") as file:
                fault = file.read()
        if fault.startswith("rename") == (packet[4] == RENAME) and fault:
            os.rename(rule, rule + ".done")
            if fault == "rename-undone":
                os._exit(1)
            if fault == "hang":
                threading.Event().wait(120)
            state["rename"] = packet[5:9]
        server.stdin.write(packet)
        server.stdin.flush()


main()
