// The keys of the destinations `http` and `mllp`.
#include "settings/key_table_parts.hpp"

namespace relay::keys {

const KeySection& http() {
  static const KeySection keys = http_destination_section(
      "destinations.NAME (http)",
      {{"url", built, "",
        "where each submission is sent to; {client}, {id}, {date}, {timestamp}, {extension}, {payload_name} "
        "may stand in "
        "it"},
       {"method", built, "POST", "POST, PUT or PATCH"},
       {"headers", built, "", "more headers, with the same placeholders; Idempotency-Key is {id} by itself"},
       {"auth", built, "", "how to sign in"},
       {"client_certificate", built, "", "certificate and key for a server that asks for them"},
       {"accept", built, "", "which answers say that it was taken"},
       {"refuse", built, "", "which answers say that this payload won't ever be taken"}});
  return keys;
}

const KeySection& http_auth() {
  static const KeySection keys =
      section("destinations.NAME.auth (http)",
              {{"type", built, "", "bearer, basic or oauth"},
               {"token", built, "", "of bearer; use a ${file:}, ${env:} or ${credential:} for all secrets"},
               {"user", built, "", "of basic"},
               {"password", built, "", "of basic"},
               {"token_url", built, "", "of oauth (client credentials): where tokens are asked for"},
               {"client_id", built, "", "of oauth"},
               {"client_secret", built, "", "of oauth"},
               {"scope", built, "", "of oauth; what is asked for, and has to be granted"}});
  return keys;
}

const KeySection& client_certificate() {
  static const KeySection keys =
      section("destinations.NAME.client_certificate", {{"certificate", built, "", "with its chain: a path or PEM text"},
                                                       {"key", built, "", "its private key: a path or PEM text"}});
  return keys;
}

const KeySection& http_accept() {
  static const KeySection keys =
      section("destinations.NAME.accept (http)",
              {{"status", built, "[200, 201, 202, 204]", "statuses that say so; no redirects"},
               {"content_type", built, "any but HTML", "the media type that the answer must have"},
               {"body_contains", built, "", "text that must stand in the answer"}});
  return keys;
}

const KeySection& http_refuse() {
  static const KeySection keys = section("destinations.NAME.refuse (http)",
                                         {{"status", built, "[400, 413, 415, 422]", "statuses from 400 to 599"}});
  return keys;
}

const KeySection& mllp_destination() {
  static const KeySection keys =
      section("destinations.NAME (mllp)",
              {{"address", built, "", "HOST:PORT of the receiver"},
               {"tls", built, "false", "true, or ca_file, certificate and key"},
               {"ca_file", built, "the system's", "certificates to trust: a path or PEM text"},
               {"ack_timeout", built, "30s", "how long a sent message's acknowledgement may take"}},
              common_destination_keys());
  return keys;
}

const KeySection& mllp_destination_tls() {
  static const KeySection keys = section(
      "destinations.NAME.tls (mllp)", {{"ca_file", built, "the system's", "certificates to trust: a path or PEM text"},
                                       {"certificate", built, "", "shown to a receiver that asks: a path or PEM text"},
                                       {"key", built, "", "its private key: a path or PEM text"}});
  return keys;
}

}  // namespace relay::keys
