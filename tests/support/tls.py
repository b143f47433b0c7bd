"""Certificates made on the spot (the openssl program), and HTTP requests over TLS."""

import contextlib
import ssl
import subprocess

from raw_http import RawConnection, head


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Identity:
    """A certificate with its key. Without `issuer` it signs itself and may sign others."""

    def __init__(self, folder, name, common_name, dns=(), issuer=None, days=400):
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        names = ",".join(["subjectAltName=" + ",".join([f"DNS:{each}" for each in dns] + ["IP:127.0.0.1"])])
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-subj", f"/CN={common_name}"]
        if issuer is None:
            _openssl("req", "-x509", *new_key, "-days", days, "-addext", names, "-out", self.certificate)
            return
        request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
        extensions.write_text(names + "\nbasicConstraints=CA:FALSE\n")
        _openssl("req", "-new", *new_key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", issuer.certificate, "-CAkey", issuer.key, "-CAcreateserial", "-days", days,
                 "-extfile", extensions, "-out", self.certificate)


def client_context(server, own=None):
    """Trusts `server` alone, and shows `own`."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    if own is not None:
        context.load_cert_chain(str(own.certificate), str(own.key))
    return context


def tls_connection(address, context, timeout=30):
    connection = RawConnection(address, timeout)
    try:
        connection.socket = context.wrap_socket(connection.socket, server_hostname="127.0.0.1")
    except BaseException:
        connection.close()
        raise
    return connection


def tls_request(address, context, method, target, headers=(), body=None, timeout=30):
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    if body is not None:
        pairs.append(("Content-Length", str(len(body))))
    with tls_connection(address, context, timeout) as connection:
        connection.send(head(method, target, pairs))
        if body:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(body)
        return connection.read(method)
