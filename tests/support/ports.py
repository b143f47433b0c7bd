"""Free TCP ports, for servers that want to be told one."""

import random
import socket

# Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range starts at 32768): a port from there can
# be taken by any connection of another program between the look and the server's own bind.
_PORTS = range(10_000, 32_000)
_CHOICE = random.SystemRandom()
_given = set()


def _is_free(port):
    # On every address, since a server may listen on more than the loopback one.
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """That many different ports that nobody listens on now, and that this process wasn't given before."""
    found = []
    while len(found) < count:
        port = _CHOICE.choice(_PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            found.append(port)
    return found


def free_port():
    return free_ports(1)[0]
