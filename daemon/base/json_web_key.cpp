#include "base/json_web_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "base/freed.hpp"

namespace relay {
namespace {

namespace json = boost::json;

using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

enum class KeyType { rsa, p256, p384 };

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL can't ") + what);
}

std::string_view view_of(const std::vector<unsigned char>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string number_bytes(const BIGNUM* number, int size) {
  std::vector<unsigned char> bytes(static_cast<std::size_t>(size));
  require(BN_bn2binpad(number, bytes.data(), size) == size, "write a number of a key");
  return std::string(view_of(bytes));
}

std::optional<KeyType> type_of(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return KeyType::rsa;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return std::nullopt;
  std::array<char, 64> curve{};
  if (EVP_PKEY_get_group_name(key, curve.data(), curve.size(), nullptr) != 1) return std::nullopt;
  const std::string_view name(curve.data());
  if (name == "prime256v1" || name == "P-256") return KeyType::p256;
  if (name == "secp384r1" || name == "P-384") return KeyType::p384;
  return std::nullopt;
}

int coordinate_size(KeyType type) {
  return type == KeyType::p256 ? 32 : 48;
}

// ---- From a JWK -----------------------------------------------------------------------------------------------------

std::optional<std::string> member_bytes(const json::object& jwk, const char* name) {
  const json::value* member = jwk.if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  auto bytes = base64url_decode(std::string_view(member->get_string()));
  if (!bytes || bytes->empty() || bytes->size() > 2048) return std::nullopt;
  return bytes;
}

Number number_of(const std::string& bytes) {
  Number number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
  require(number != nullptr, "read a number of a key");
  return number;
}

KeyPointer key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  require(params != nullptr, "put a key together");
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return nullptr;
  }
  return KeyPointer(key);
}

KeyPointer rsa_from(const json::object& jwk) {
  static constexpr std::array<std::pair<const char*, const char*>, 8> members = {
      {{"n", OSSL_PKEY_PARAM_RSA_N},
       {"e", OSSL_PKEY_PARAM_RSA_E},
       {"d", OSSL_PKEY_PARAM_RSA_D},
       {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
       {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
       {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
       {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
       {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}}};
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  std::vector<Number> numbers;
  for (const auto& [member, parameter] : members) {
    const auto bytes = member_bytes(jwk, member);
    if (!bytes) return nullptr;
    numbers.push_back(number_of(*bytes));
    require(OSSL_PARAM_BLD_push_BN(builder.get(), parameter, numbers.back().get()) == 1, "put a key together");
  }
  return key_from("RSA", builder.get());
}

KeyPointer ec_from(const json::object& jwk) {
  const json::value* curve = jwk.if_contains("crv");
  if (curve == nullptr || !curve->is_string()) return nullptr;
  const bool p256 = curve->get_string() == "P-256";
  if (!p256 && curve->get_string() != "P-384") return nullptr;
  const std::size_t size = p256 ? 32 : 48;
  const auto x = member_bytes(jwk, "x");
  const auto y = member_bytes(jwk, "y");
  const auto d = member_bytes(jwk, "d");
  if (!x || !y || !d || x->size() != size || y->size() != size || d->size() > size) return nullptr;
  const std::string point = '\x04' + *x + *y;
  const Number secret = number_of(*d);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  require(
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, p256 ? "P-256" : "P-384", 0) == 1 &&
          OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1 &&
          OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()) == 1,
      "put a key together");
  return key_from("EC", builder.get());
}

struct ReadKey {
  KeyPointer key;
  std::string key_id;
};

ReadKey read_jwk(std::string_view text) {
  boost::system::error_code problem;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), problem);
  if (problem || !parsed.is_object()) return {};
  const json::object& jwk = parsed.get_object();
  ReadKey read;
  if (const json::value* id = jwk.if_contains("kid"); id != nullptr && id->is_string()) read.key_id = id->get_string();
  const json::value* type = jwk.if_contains("kty");
  if (type == nullptr || !type->is_string()) return {};
  if (type->get_string() == "RSA") read.key = rsa_from(jwk);
  if (type->get_string() == "EC") read.key = ec_from(jwk);
  return read;
}

// ---- From PEM -------------------------------------------------------------------------------------------------------

// Without it OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

KeyPointer read_pem(std::string_view text) {
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  require(bio != nullptr, "read from memory");
  return KeyPointer(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
}

// A pair whose halves don't belong together would sign what nobody can check.
bool halves_match(EVP_PKEY* key) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_pairwise_check(context.get()) == 1;
}

std::string number_of_key(const EVP_PKEY* key, const char* parameter, int size) {
  BIGNUM* number = nullptr;
  require(EVP_PKEY_get_bn_param(key, parameter, &number) == 1, "tell a number of a key");
  const Number owned(number);
  return number_bytes(number, size > 0 ? size : BN_num_bytes(number));
}

// The members of the public key in the order of RFC 7638, whose digest is the thumbprint.
json::object public_members(const EVP_PKEY* key, KeyType type) {
  json::object members;
  if (type == KeyType::rsa) {
    members["e"] = base64url_encode(number_of_key(key, OSSL_PKEY_PARAM_RSA_E, 0));
    members["kty"] = "RSA";
    members["n"] = base64url_encode(number_of_key(key, OSSL_PKEY_PARAM_RSA_N, 0));
    return members;
  }
  members["crv"] = type == KeyType::p256 ? "P-256" : "P-384";
  members["kty"] = "EC";
  members["x"] = base64url_encode(number_of_key(key, OSSL_PKEY_PARAM_EC_PUB_X, coordinate_size(type)));
  members["y"] = base64url_encode(number_of_key(key, OSSL_PKEY_PARAM_EC_PUB_Y, coordinate_size(type)));
  return members;
}

std::string raw_signature(std::string_view der, int size) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const EcSignature signature(d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
  require(signature != nullptr, "read its own signature");
  return number_bytes(ECDSA_SIG_get0_r(signature.get()), size) + number_bytes(ECDSA_SIG_get0_s(signature.get()), size);
}

}  // namespace

struct JsonWebKey::State {
  KeyPointer key;
  KeyType type = KeyType::rsa;
  std::string key_id;
};

std::string_view jws_algorithm_name(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::rs256:
      return "RS256";
    case JwsAlgorithm::rs384:
      return "RS384";
    case JwsAlgorithm::es256:
      return "ES256";
    case JwsAlgorithm::es384:
      return "ES384";
  }
  throw std::logic_error("no such signature algorithm");
}

std::optional<JwsAlgorithm> parse_jws_algorithm(std::string_view name) {
  for (const auto algorithm : {JwsAlgorithm::rs256, JwsAlgorithm::rs384, JwsAlgorithm::es256, JwsAlgorithm::es384})
    if (jws_algorithm_name(algorithm) == name) return algorithm;
  return std::nullopt;
}

Result<JsonWebKey> JsonWebKey::read(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool looks_like_json = first != std::string_view::npos && text[first] == '{';
  ReadKey read = looks_like_json ? read_jwk(text) : ReadKey{read_pem(text), ""};
  if (!read.key) return fail("isn't a private key, as PEM without a passphrase or as a JWK with its private members");
  const auto type = type_of(read.key.get());
  if (!type) return fail("is of a type that isn't used here: RSA, P-256 or P-384");
  if (*type == KeyType::rsa && EVP_PKEY_get_bits(read.key.get()) < 2048)
    return fail("is an RSA key of less than 2048 bits, which nobody should take");
  if (!halves_match(read.key.get())) return fail("has a public half that doesn't belong to its private half");
  return JsonWebKey(std::make_shared<const State>(State{std::move(read.key), *type, std::move(read.key_id)}));
}

JsonWebKey JsonWebKey::generate(JwsAlgorithm algorithm) {
  EVP_PKEY* key = nullptr;
  KeyType type = KeyType::rsa;
  switch (algorithm) {
    case JwsAlgorithm::rs256:
    case JwsAlgorithm::rs384:
      key = EVP_RSA_gen(3072);
      break;
    case JwsAlgorithm::es256:
      key = EVP_EC_gen("P-256");
      type = KeyType::p256;
      break;
    case JwsAlgorithm::es384:
      key = EVP_EC_gen("P-384");
      type = KeyType::p384;
      break;
  }
  require(key != nullptr, "make a key");
  return JsonWebKey(std::make_shared<const State>(State{KeyPointer(key), type, ""}));
}

JwsAlgorithm JsonWebKey::usual_algorithm() const {
  switch (state_->type) {
    case KeyType::p256:
      return JwsAlgorithm::es256;
    case KeyType::p384:
      return JwsAlgorithm::es384;
    case KeyType::rsa:
      break;
  }
  return JwsAlgorithm::rs256;
}

bool JsonWebKey::signs_with(JwsAlgorithm algorithm) const {
  return algorithm == usual_algorithm() || (state_->type == KeyType::rsa && algorithm == JwsAlgorithm::rs384);
}

std::string JsonWebKey::key_id() const {
  if (!state_->key_id.empty()) return state_->key_id;
  const Digest digest = sha256(json::serialize(public_members(state_->key.get(), state_->type)));
  return base64url_encode({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()});
}

std::string JsonWebKey::sign(JwsAlgorithm algorithm, std::string_view message) const {
  if (!signs_with(algorithm)) throw std::logic_error("a key was asked for a signature that it can't make");
  const bool long_digest = algorithm == JwsAlgorithm::rs384 || algorithm == JwsAlgorithm::es384;
  const DigestContext context(EVP_MD_CTX_new());
  require(context != nullptr && EVP_DigestSignInit(context.get(), nullptr, long_digest ? EVP_sha384() : EVP_sha256(),
                                                   nullptr, state_->key.get()) == 1,
          "begin a signature");
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) == 1, "tell a signature's size");
  std::vector<unsigned char> signature(size);
  require(EVP_DigestSign(context.get(), signature.data(), &size, bytes, message.size()) == 1, "sign");
  const std::string_view made = view_of(signature).substr(0, size);
  return state_->type == KeyType::rsa ? std::string(made) : raw_signature(made, coordinate_size(state_->type));
}

Secret JsonWebKey::private_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  require(bio != nullptr &&
              PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "write a key as PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return Secret(std::string(text, static_cast<std::size_t>(size)));
}

std::string JsonWebKey::public_jwk(JwsAlgorithm algorithm, std::string_view key_id) const {
  json::object jwk = public_members(state_->key.get(), state_->type);
  jwk["alg"] = jws_algorithm_name(algorithm);
  jwk["kid"] = key_id;
  jwk["use"] = "sig";
  return json::serialize(jwk);
}

std::string base64url_encode(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string padded(text);
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  padded.append((4 - padded.size() % 4) % 4, '=');
  return base64_decode(padded);
}

}  // namespace relay
