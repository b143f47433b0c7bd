#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/utf8.hpp"
#include "settings/section_readers.hpp"
#include "settings/web_url.hpp"

namespace relay {
namespace {

constexpr std::string_view scheme = "sftp://";
constexpr std::string_view default_path = "{id}.{extension}";
constexpr std::size_t longest_file_name = 255;

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

void read_url(const Section& section, SftpSettings& sftp) {
  const auto written = section.text("url");
  if (!written) {
    if (!section.has("url")) section.error("url is missing: sftp://HOST or sftp://HOST:PORT/FOLDER");
    return;
  }
  if (!written->value.starts_with(scheme)) return section.error("url", "must begin with sftp://");
  // From here on the rules are those of any address.
  const auto url = parse_web_url("https://" + written->value.substr(scheme.size()));
  if (!url) return section.error("url", url.error().message + "; the user goes into `user`");
  std::string_view rest = std::string_view(*url).substr(8);
  const auto slash = std::min(rest.find('/'), rest.size());
  sftp.folder = rest.substr(slash);
  rest = rest.substr(0, slash);
  const auto bracket = rest.starts_with('[') ? rest.find(']') : 0;
  const auto colon = rest.find(':', bracket);
  sftp.host = rest.substr(0, colon);
  if (bracket != 0) sftp.host = sftp.host.substr(1, bracket - 1);
  if (colon != std::string_view::npos)
    sftp.port = static_cast<std::uint16_t>(std::stoi(std::string(rest.substr(colon + 1))));
}

// "SHA256:…" as ssh-keygen -l prints it, the same without its beginning, or 64 digits of hex.
std::optional<Digest> parse_fingerprint(std::string_view text) {
  if (text.starts_with("SHA256:")) text.remove_prefix(7);
  std::optional<std::string> bytes;
  if (text.size() == 64) {
    bytes = hex_decode(text);
  } else {
    while (text.ends_with('=')) text.remove_suffix(1);
    bytes = base64_decode(std::string(text) + "=");
  }
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Digest digest;
  std::ranges::copy(*bytes, digest.bytes.begin());
  return digest;
}

void read_host_key(const Section& section, SftpSettings& sftp) {
  const auto written = section.text("host_key_sha256");
  if (!written) {
    if (!section.has("host_key_sha256"))
      section.error(
          "host_key_sha256 is missing: the server's key, as `ssh-keyscan HOST | ssh-keygen -lf -` shows it, checked "
          "with "
          "those who run the server");
    return;
  }
  if (const auto digest = parse_fingerprint(written->value))
    sftp.host_key_sha256 = *digest;
  else
    section.error("host_key_sha256", "isn't a key's SHA-256 as ssh-keygen -l shows it (SHA256:…)");
}

// What OpenSSH's own format holds ("PROTOCOL.key" in its source): the cipher's name stands first, the public key's kind
// in the clear behind it. Empty for other formats.
Secret openssh_key_bytes(std::string_view text) {
  constexpr std::string_view begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
  const auto at = text.find(begin);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + begin.size());
  std::string base64(text.substr(0, text.find('-')));
  std::erase_if(base64, [](unsigned char c) { return c <= ' '; });
  return Secret(base64_decode(base64).value_or(""));
}

bool has_passphrase(std::string_view text) {
  constexpr std::string_view unprotected("openssh-key-v1\0\0\0\0\4none", 23);
  const Secret bytes = openssh_key_bytes(text);
  return text.find("ENCRYPTED") != std::string_view::npos ||
         (!bytes.empty() && !bytes.reveal().starts_with(unprotected));
}

bool is_rsa(std::string_view text) {
  return text.find("BEGIN RSA PRIVATE KEY") != std::string_view::npos ||
         openssh_key_bytes(text).reveal().find("ssh-rsa") != std::string_view::npos;
}

// A path is read as a ${file:} is, so that it is read again when a sign-in fails.
void read_key(const Section& section, SftpSettings& sftp) {
  const auto written = section.text("key");
  if (!written) return;
  sftp.key = SecretText(written->unresolved, Secret(written->value));
  if (!written->value.starts_with("-----BEGIN")) {
    if (!written->value.starts_with('/')) {
      section.error("key", "must be a full path, beginning with '/', or a private key that begins with -----BEGIN");
      return;
    }
    auto content = read_file(written->value);
    if (!content) {
      section.error("key", written->shown ? content.error().message
                                          : "the file can't be read: " + error_text(content.error().error_number));
      return;
    }
    sftp.key = SecretText("${file:" + written->value + "}", Secret(std::move(*content)));
  }
  const std::string_view text = sftp.key.value().reveal();
  if (!text.starts_with("-----BEGIN") || text.find("PRIVATE KEY-----") == std::string_view::npos)
    section.error("key", "holds no private key (-----BEGIN … PRIVATE KEY-----)");
  else if (has_passphrase(text))
    section.error("key", "is protected by a passphrase, which nobody could type at night; use one without");
  else if (is_rsa(text))
    section.warning("key",
                    "is an RSA key: it can only sign in as servers took it until 2021 (ssh-rsa with SHA-1); use one "
                    "made by ssh-keygen -t ed25519");
}

void read_path(const Section& section, SftpSettings& sftp) {
  sftp.path = read_name_template(section, "path", default_path);
  const auto written = section.text("path");
  if (!written) return;
  if (has_controls(written->value) || !is_utf8(written->value))
    section.error("path", "must be UTF-8 without control characters");
  if (written->value.ends_with('/')) section.error("path", "must not end with '/': it names a file");
  if (sftp.path.longest_file_name() > longest_file_name)
    section.error("path", "could become a file's name of " + std::to_string(sftp.path.longest_file_name()) +
                              " bytes, and there is room for 255");
  if (("/" + written->value + "/").find("/../") != std::string::npos)
    section.error("path", "must not hold '..' as a part of its own");
  // Nobody makes folders there: a part that changes with every submission would never be there.
  const auto folder = written->value.substr(0, written->value.rfind('/') + 1);
  for (const char* field : {"{id}", "{timestamp}", "{payload_name}"}) {
    if (folder.find(field) != std::string::npos)
      section.error("path", std::string(field) + " stands in a folder's name, and the relay makes no folders");
  }
}

}  // namespace

SftpSettings read_sftp(const Section& section) {
  SftpSettings sftp;
  read_url(section, sftp);
  if (const auto user = section.text("user")) sftp.user = user->value;
  if (!section.has("user"))
    section.error("user is missing");
  else if (sftp.user.empty() || has_controls(sftp.user))
    section.error("user", "must not be empty or hold control characters");
  section.read("password", sftp.password);
  read_key(section, sftp);
  if (section.has("password") == section.has("key")) section.error("needs either password or key");
  read_host_key(section, sftp);
  read_path(section, sftp);
  return sftp;
}

}  // namespace relay
