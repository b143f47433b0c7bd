"""Free TCP ports of the loopback address, for servers that want to be told one."""

import socket


def free_ports(count):
    """That many different ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port():
    return free_ports(1)[0]
