"""What is in the package, and what isn't; how its binary is hardened."""

import gzip
import json
import re
import subprocess

import pytest


def output_of(*arguments, **options):
    return subprocess.run([str(each) for each in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                          errors="replace", **options).stdout


@pytest.fixture(scope="module")
def listing(package):
    """{path: (mode, owner)}"""
    found = {}
    for line in output_of("dpkg-deb", "-c", package).splitlines():
        mode, owner, _, _, _, path = line.split(None, 5)
        found[path.split(" -> ")[0].lstrip(".").rstrip("/")] = (mode, owner)
    return found


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    output_of("dpkg-deb", "-x", package, folder)
    output_of("dpkg-deb", "-e", package, folder / "DEBIAN")
    return folder


def test_lintian_finds_no_error_and_no_warning(packages):
    changes = list(packages.glob("edge-relay_*.changes"))
    assert len(changes) == 1
    result = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", changes[0]],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not re.search(r"^[EW]: ", result.stdout, re.M), result.stdout


def test_everything_a_site_needs_is_in_it(listing):
    for path in ("/usr/bin/edge-relay", "/lib/systemd/system/edge-relay.service", "/lib/systemd/system/edge-relay.socket", "/usr/lib/sysusers.d/edge-relay.conf",
                 "/etc/edge-relay/edge-relay.yaml", "/usr/share/man/man1/edge-relay.1.gz", "/usr/share/man/man5/edge-relay.yaml.5.gz",
                 "/usr/share/bash-completion/completions/edge-relay", "/usr/share/doc/edge-relay/examples/reportstream-queue.yaml",
                 "/usr/share/doc/edge-relay/examples/monitoring/alerts.yml", "/usr/share/doc/edge-relay/copyright"):
        assert path in listing, path


def test_only_the_configuration_is_a_conffile_and_there_is_no_secret(listing, unpacked):
    assert (unpacked / "DEBIAN/conffiles").read_text().split() == ["/etc/edge-relay/edge-relay.yaml"]
    assert [path for path in listing if path.startswith("/etc/")] == ["/etc/edge-relay", "/etc/edge-relay/edge-relay.yaml"]
    assert not [path for path in listing if path.startswith(("/var", "/run"))], "state is made by the service"
    for path, (mode, owner) in listing.items():
        assert owner == "root/root", (path, owner)
        assert not set(mode) & set("sStT"), (path, mode)
    shipped = unpacked / "etc/edge-relay/edge-relay.yaml"
    assert "PRIVATE KEY" not in shipped.read_text() and "AccountKey=" not in shipped.read_text()


def test_the_debug_symbols_have_a_package_of_their_own(packages, unpacked):
    symbols = list(packages.glob("edge-relay-dbgsym_*.deb"))
    assert len(symbols) == 1
    build_id = re.search(r"Build ID: ([0-9a-f]+)", output_of("readelf", "-n", unpacked / "usr/bin/edge-relay"))[1]
    assert f"/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug" in output_of("dpkg-deb", "-c", symbols[0])


def test_the_binary_is_hardened(unpacked):
    binary = unpacked / "usr/bin/edge-relay"
    assert re.search(r"Type:\s+DYN", output_of("readelf", "-hW", binary)), "position-independent"
    dynamic = output_of("readelf", "-dW", binary)
    assert re.search(r"FLAGS_1.*\bPIE\b", dynamic), "position-independent"
    assert re.search(r"FLAGS_1.*\bNOW\b", dynamic), "full RELRO: everything is bound before it runs"
    assert "TEXTREL" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic
    segments = output_of("readelf", "-lW", binary)
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK\s.*\sRW\s", segments), "no executable stack"
    symbols = output_of("readelf", "--dyn-syms", "-W", binary)
    assert "__stack_chk_fail" in symbols, "stack protector"
    assert re.search(r"__(memcpy|memmove|snprintf|vsnprintf|read|pread64)_chk", symbols), "_FORTIFY_SOURCE"


def test_the_list_of_what_is_in_it_names_every_library(package, unpacked):
    with gzip.open(unpacked / "usr/share/doc/edge-relay/edge-relay.spdx.json.gz") as file:
        document = json.load(file)
    assert document["spdxVersion"] == "SPDX-2.3" and document["SPDXID"] == "SPDXRef-DOCUMENT"
    identifiers = [each["SPDXID"] for each in document["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    for each in document["relationships"]:
        assert {each["spdxElementId"], each["relatedSpdxElement"]} <= {"SPDXRef-DOCUMENT", *identifiers}, each
    listed = {each["name"] for each in document["packages"]}
    depended_on = {name.split()[0] for name in output_of("dpkg-deb", "-f", package, "Depends").split(",")}
    # libspdlog1.10-fmt9 is provided by libspdlog1.10; what isn't a library is needed beside the binary.
    unlisted = {name for name in depended_on if name.startswith("lib") and not any(name == each or name.startswith(each + "-") for each in listed)}
    assert not unlisted, sorted(unlisted)
    assert "libcli11-dev" in listed, "what is compiled in from headers, too"


def test_no_path_of_the_machine_that_built_it_is_in_the_binary(packages, unpacked):
    assert str(packages).encode() not in (unpacked / "usr/bin/edge-relay").read_bytes()
