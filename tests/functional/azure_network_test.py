"""The way to Azure: TLS that is verified, a proxy in between, and the kinds of connection string."""

import base64
import subprocess

import pytest
from azurite import ACCOUNT, KEY, Azurite
from fault_proxy import Rule, answer
from relay import hl7

QUICK = {"initial": "100ms", "max": "300ms"}


@pytest.fixture(scope="module")
def tls_azurite(tmp_path_factory):
    """Azurite over HTTPS with a certificate that no public authority has signed."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "certificate.pem"], check=True, capture_output=True)
    emulator = Azurite(folder / "azurite", certificate=folder / "certificate.pem", key=folder / "key.pem").start()
    emulator.certificate = folder / "certificate.pem"
    yield emulator
    emulator.stop()


@pytest.mark.parametrize("as_text", [False, True], ids=["path", "pem-text"])
def test_tls_with_our_own_authority(make_relay, tls_azurite, as_text):
    ca_file = tls_azurite.certificate.read_text() if as_text else str(tls_azurite.certificate)
    relay = make_relay({"destinations": {"reportstream": {
        "type": "azure_storage_queue", "connection_string": tls_azurite.connection_string(), "create": True,
        "queue": f"results-{int(as_text)}", "ca_file": ca_file}}})
    relay.await_state(relay.submit(hl7()), "delivered")


def test_a_certificate_nobody_vouches_for_is_refused(make_relay, tls_azurite):
    relay = make_relay({"destinations": {"reportstream": {
        "type": "azure_storage_queue", "connection_string": tls_azurite.connection_string(), "create": True, "backoff": QUICK}}})
    delivery = relay.await_delivery(relay.submit(hl7()), lambda each: each["last_error"], "an error")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("tls", 0)
    assert "ca_file" in delivery["last_error"]["message"] or "certificate" in delivery["last_error"]["message"]


def test_through_an_http_proxy(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(1)  # every request names where it wants to go
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        proxy=f"http://127.0.0.1:{proxy.port}", proxy_credentials="user:PLANTEDpassword")}})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert len(storage.envelopes()) == 1
    assert len(proxy.requests) == 3 and all(each.target.startswith("http://127.0.0.1:") for each in proxy.requests)
    assert {each.header("Proxy-Authorization") for each in proxy.requests} == {
        "Basic " + base64.b64encode(b"user:PLANTEDpassword").decode()}
    assert "PLANTED" not in relay.log()


def test_a_proxy_that_refuses_is_named_as_such(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(1)
    proxy.add(Rule(answer(407, b"", {"Proxy-Authenticate": "Basic realm=x"})))
    relay = make_relay({"destinations": {"reportstream": storage.destination(proxy=f"http://127.0.0.1:{proxy.port}", backoff=QUICK)}})
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("proxy", 0)
    proxy.clear()
    relay.await_state(identifier, "delivered")


def test_proxy_credentials_are_read_again_where_the_proxy_does_not_take_them(make_relay, make_proxy, azurite, storage, tmp_path):
    wanted = "Basic " + base64.b64encode(b"user:PLANTEDnew").decode()
    secret = tmp_path / "proxy-credentials"
    secret.write_text("user:PLANTEDold\n")
    proxy = make_proxy(1)

    def refuse_others(exchange):
        if exchange.header("Proxy-Authorization") == wanted:
            exchange.reply(*exchange.forward())
        else:
            answer(407, b"", {"Proxy-Authenticate": "Basic realm=x"})(exchange)
    proxy.add(Rule(refuse_others))
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        proxy=f"http://127.0.0.1:{proxy.port}", proxy_credentials=f"${{file:{secret}}}", backoff=QUICK)}})
    identifier = relay.submit(hl7())
    delivery = relay.await_delivery(identifier, lambda each: each["last_error"], "an error")
    assert (delivery["last_error"]["kind"], delivery["attempts"]) == ("proxy", 0)
    secret.write_text("user:PLANTEDnew\n")
    relay.await_state(identifier, "delivered")
    assert len(storage.envelopes()) == 1
    assert "PLANTED" not in relay.log()


def test_no_proxy_goes_around_it(make_relay, make_proxy, azurite, storage):
    proxy = make_proxy(1)
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        proxy=f"http://127.0.0.1:{proxy.port}", no_proxy=["127.0.0.0/8"])}})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert proxy.requests == []


def test_the_environments_proxy_is_not_taken(make_relay, make_proxy, azurite, storage):
    """What isn't in the configuration doesn't decide where results go."""
    proxy = make_proxy(1)
    relay = make_relay({"destinations": {"reportstream": storage.destination()}}, start=False)
    address = f"http://127.0.0.1:{proxy.port}"
    relay.start(env={"http_proxy": address, "HTTPS_PROXY": address, "ALL_PROXY": address})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert proxy.requests == []


def connection_strings(azurite):
    endpoint = azurite.endpoints()
    explicit = ";".join(f"{name.capitalize()}Endpoint={url}" for name, url in endpoint.items())
    return {
        "key and endpoints": azurite.connection_string(),
        "SAS and endpoints": f"{explicit};SharedAccessSignature={azurite.account_sas()}",
        "names in another order": f"{explicit};AccountKey={KEY};AccountName={ACCOUNT}",
    }


@pytest.mark.parametrize("kind", ["key and endpoints", "SAS and endpoints", "names in another order"])
def test_kinds_of_connection_string(make_relay, azurite, storage, kind):
    relay = make_relay({"destinations": {"reportstream": storage.destination(connection_string=connection_strings(azurite)[kind])}})
    relay.await_state(relay.submit(hl7()), "delivered")
    (envelope,) = storage.envelopes()
    assert "sig=" not in envelope["blobURL"] and "?" not in envelope["blobURL"]


def test_one_account_sas_for_all_three(make_relay, azurite, storage):
    endpoint = azurite.endpoints()
    relay = make_relay({"destinations": {"reportstream": storage.destination(
        connection_string=None, queue_endpoint=endpoint["queue"], blob_endpoint=endpoint["blob"],
        table_endpoint=endpoint["table"], account_sas="?" + azurite.account_sas())}})
    relay.await_state(relay.submit(hl7()), "delivered")
    assert len(storage.envelopes()) == 1
