// Private keys that sign JSON Web Tokens: RFC 7515 (JWS), 7517 (JWK), 7518 (the algorithms), 7638 (thumbprints).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace relay {

enum class JwsAlgorithm { rs256, rs384, es256, es384 };
std::string_view jws_algorithm_name(JwsAlgorithm algorithm);  // RS256, RS384, ES256, ES384
std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name);

// Thread-safe once it is made.
class JsonWebKey {
 public:
  // A private key as PEM (PKCS #8, PKCS #1, SEC 1; not encrypted) or as a JWK (JSON object). RSA of at least 2048 bits,
  // P-256 or P-384. An error quotes nothing of the text.
  static Result<JsonWebKey> read(std::string_view text);
  // A new one: RSA of 3072 bits, P-256 or P-384, as the algorithm has it.
  static JsonWebKey generate(JwsAlgorithm algorithm);

  // RS256 for RSA, ES256 for P-256, ES384 for P-384.
  JwsAlgorithm usual_algorithm() const;
  bool signs_with(JwsAlgorithm algorithm) const;
  // `kid` of the JWK it was read from, else the thumbprint of RFC 7638.
  std::string key_id() const;
  // The signature of RFC 7518 section 3: of ECDSA the two numbers as they are, one behind the other, not in DER.
  std::string sign(JwsAlgorithm algorithm, std::string_view message) const;

  Secret private_pem() const;  // PKCS #8
  // One line of JSON: what the other side is given to check signatures with.
  std::string public_jwk(JwsAlgorithm algorithm, std::string_view key_id) const;

 private:
  struct State;
  explicit JsonWebKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// RFC 4648 section 5, without padding.
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace relay
