// Keys that sign tokens: read in every form, refused where nobody should take them, and their signatures checked by
// OpenSSL itself.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/digest.hpp"
#include "base/json_web_key.hpp"

namespace relay {
namespace {

// RFC 7515 appendix A.3 and RFC 7517 appendix C name these keys in public.
const std::string p256_jwk =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";

TEST(JsonWebKeys, EachKindSignsWithItsAlgorithmInItsRawLength) {
  for (const auto& [algorithm, size] : {std::pair{JwsAlgorithm::es256, 64}, {JwsAlgorithm::es384, 96}}) {
    const JsonWebKey key = JsonWebKey::generate(algorithm);
    EXPECT_EQ(key.usual_algorithm(), algorithm);
    // A number that begins with a zero byte is padded: over many signatures some do.
    for (int i = 0; i < 300; ++i)
      ASSERT_EQ(key.sign(algorithm, std::to_string(i)).size(), static_cast<std::size_t>(size));
    EXPECT_FALSE(key.signs_with(JwsAlgorithm::rs256));
    EXPECT_THROW(key.sign(JwsAlgorithm::rs256, "x"), std::logic_error);
  }
  const JsonWebKey rsa = JsonWebKey::generate(JwsAlgorithm::rs256);
  EXPECT_EQ(rsa.usual_algorithm(), JwsAlgorithm::rs256);
  EXPECT_TRUE(rsa.signs_with(JwsAlgorithm::rs384));
  EXPECT_FALSE(rsa.signs_with(JwsAlgorithm::es256));
  EXPECT_EQ(rsa.sign(JwsAlgorithm::rs384, "x").size(), 3072u / 8);
}

TEST(JsonWebKeys, APemIsReadBackAsTheSameKey) {
  for (const auto algorithm : {JwsAlgorithm::es256, JwsAlgorithm::es384, JwsAlgorithm::rs256}) {
    const JsonWebKey key = JsonWebKey::generate(algorithm);
    const auto read = JsonWebKey::read(key.private_pem().reveal());
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->key_id(), key.key_id());
    EXPECT_EQ(read->public_jwk(algorithm, "k"), key.public_jwk(algorithm, "k"));
  }
}

TEST(JsonWebKeys, AJwkIsReadWithItsKeyId) {
  const auto key = JsonWebKey::read(p256_jwk);
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key->usual_algorithm(), JwsAlgorithm::es256);
  const std::string named = p256_jwk.substr(0, p256_jwk.size() - 1) + R"(,"kid":"lab-2026"})";
  EXPECT_EQ(JsonWebKey::read(named)->key_id(), "lab-2026");
  const auto shown = boost::json::parse(key->public_jwk(JwsAlgorithm::es256, "k")).as_object();
  EXPECT_EQ(shown.at("x"), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
  EXPECT_EQ(shown.at("alg"), "ES256");
  EXPECT_FALSE(shown.contains("d"));
}

// RFC 7638 section 3.1's example is the thumbprint of a public key; ours is told from the private one.
TEST(JsonWebKeys, TheKeyIdIsTheThumbprintWhereThereIsNone) {
  const auto key = JsonWebKey::read(p256_jwk);
  const Digest digest = sha256(R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                               R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  EXPECT_EQ(key->key_id(), base64url_encode({reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()}));
}

TEST(JsonWebKeys, WhatIsNoPrivateKeyIsRefusedWithoutBeingQuoted) {
  std::string wrong_half = p256_jwk;
  wrong_half.replace(wrong_half.find("jpsQ"), 4, "jpsR");
  std::string point_off_the_curve = p256_jwk;
  point_off_the_curve.replace(point_off_the_curve.find("x_FE"), 4, "x_FF");
  for (const std::string& text :
       {std::string(), std::string("secret"), std::string("{}"), std::string("{\"kty\":\"EC\",\"crv\":\"P-256\"}"),
        std::string("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"),
        p256_jwk.substr(0, p256_jwk.find(",\"d\"")) + "}", wrong_half, point_off_the_curve}) {
    const auto key = JsonWebKey::read(text);
    ASSERT_FALSE(key.ok()) << text;
    EXPECT_EQ(key.error().message.find("secret"), std::string::npos);
  }
}

TEST(JsonWebKeys, AShortRsaKeyIsRefused) {
  EVP_PKEY* made = EVP_RSA_gen(1024);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, made, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &text));
  const auto key = JsonWebKey::read({text, size});
  BIO_free(bio);
  EVP_PKEY_free(made);
  ASSERT_FALSE(key.ok());
  EXPECT_NE(key.error().message.find("2048"), std::string::npos);
}

TEST(JsonWebKeys, Base64urlHasNoPaddingAndItsOwnLetters) {
  EXPECT_EQ(base64url_encode("\xFB\xFF"), "-_8");
  EXPECT_EQ(base64url_decode("-_8"), "\xFB\xFF");
  EXPECT_FALSE(base64url_decode("-_8="));
  EXPECT_FALSE(base64url_decode("+/8"));
}

}  // namespace
}  // namespace relay
