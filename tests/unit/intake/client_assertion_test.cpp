// Signed assertions, made by libjwt with keys of the test's own.
#include "intake/client_assertion.hpp"

#include <gtest/gtest.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <memory>

#include "intake/access_tokens.hpp"
#include "support/stepped_clock.hpp"

namespace relay {
namespace {

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};

std::string written(EVP_PKEY* key, bool whole) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> memory(BIO_new(BIO_s_mem()), BIO_free_all);
  if (whole) {
    PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_PUBKEY(memory.get(), key);
  }
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

KeyPair key_pair(EVP_PKEY* made) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(made, EVP_PKEY_free);
  return {written(key.get(), true), written(key.get(), false)};
}

class ClientAssertionTest : public testing::Test {
 protected:
  ClientAssertionTest() { assertions_.change({{"lab.a", rsa_.public_pem}, {"hospital.b", ec_.public_pem}}); }

  struct Claims {
    std::string iss = "lab.a";
    std::chrono::seconds exp_in{300};
    std::string jti = "1";
  };
  std::string signed_by(const std::string& key, jwt_alg_t algorithm, const Claims& claims) const {
    jwt_t* made = nullptr;
    jwt_new(&made);
    const std::unique_ptr<jwt_t, decltype(&jwt_free)> token(made, jwt_free);
    jwt_add_grant(made, "iss", claims.iss.c_str());
    if (!claims.jti.empty()) jwt_add_grant(made, "jti", claims.jti.c_str());
    const auto exp = std::chrono::floor<std::chrono::seconds>(clock_.wall_now()) + claims.exp_in;
    jwt_add_grant_int(made, "exp", exp.time_since_epoch().count());
    if (algorithm != JWT_ALG_NONE) {
      jwt_set_alg(made, algorithm, reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size()));
    }
    char* text = jwt_encode_str(made);
    std::string assertion = text ? text : "";
    std::free(text);
    return assertion;
  }
  // The client, or what is wrong.
  std::string verdict(const std::string& assertion) {
    const auto sender = assertions_.check(assertion);
    return sender ? sender->client : std::string(assertion_problem_name(sender.error()));
  }

  SteppedClock clock_{system_clock().wall_now()};
  const KeyPair rsa_ = key_pair(EVP_RSA_gen(2048));
  const KeyPair ec_ = key_pair(EVP_EC_gen("P-384"));
  ClientAssertions assertions_{clock_};
};

TEST_F(ClientAssertionTest, KnowsTheSenderByItsKey) {
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {})), "lab.a");
  EXPECT_EQ(verdict(signed_by(ec_.private_pem, JWT_ALG_ES384, {"hospital.b"})), "hospital.b");
  EXPECT_EQ(verdict(signed_by(ec_.private_pem, JWT_ALG_ES384, {"hospital", std::chrono::seconds(60), "2"})),
            "hospital.b")
      << "its organization alone will do, as at ReportStream";
}

TEST_F(ClientAssertionTest, TakesNoOtherKeyAndNoOtherName) {
  EXPECT_EQ(verdict(signed_by(ec_.private_pem, JWT_ALG_ES384, {"lab.a"})), "no_valid_keys");
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.other"})), "no_org_found_for_iss");
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {""})), "no_org_found_for_iss");
}

TEST_F(ClientAssertionTest, NeverTakesAPublicKeyForASharedSecret) {
  EXPECT_EQ(verdict(signed_by(rsa_.public_pem, JWT_ALG_HS256, {})), "no_valid_keys");
  EXPECT_EQ(verdict(signed_by("", JWT_ALG_NONE, {})), "unsigned_jwt");
}

TEST_F(ClientAssertionTest, TakesNothingThatWasChanged) {
  const std::string good = signed_by(rsa_.private_pem, JWT_ALG_RS256, {});
  const std::string other = signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.a", std::chrono::seconds(900), "2"});
  const std::string payload_of_other = other.substr(0, other.rfind('.'));
  EXPECT_EQ(verdict(payload_of_other + good.substr(good.rfind('.'))), "no_valid_keys");
  EXPECT_EQ(verdict("nonsense"), "malformed_jwt");
  EXPECT_EQ(verdict(""), "malformed_jwt");
  EXPECT_EQ(verdict(std::string(100'000, 'a')), "malformed_jwt");
}

TEST_F(ClientAssertionTest, GoesByItsEndWithAMinuteOfSkew) {
  using std::chrono::seconds;
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.a", seconds(-30), "2"})), "lab.a");
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.a", seconds(-90), "3"})), "expired_token");
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.a", std::chrono::hours(2), "4"})),
            "expired_token");
}

TEST_F(ClientAssertionTest, NamesWhatMayBeUsedOnce) {
  const std::string assertion = signed_by(rsa_.private_pem, JWT_ALG_RS256, {});
  const auto sender = assertions_.check(assertion);
  ASSERT_TRUE(sender.ok());
  EXPECT_EQ(assertions_.check(assertion)->mark, sender->mark);
  EXPECT_NE(
      assertions_.check(signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.a", std::chrono::seconds(300), "2"}))->mark,
      sender->mark);
  EXPECT_NE(assertions_.check(signed_by(ec_.private_pem, JWT_ALG_ES384, {"hospital.b"}))->mark, sender->mark)
      << "another client may use the same jti";
  const auto until = sender->until;
  clock_.advance(until - clock_.wall_now() - std::chrono::milliseconds(1));
  EXPECT_EQ(verdict(assertion), "lab.a");
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(verdict(assertion), "expired_token") << "once it is forgotten it is too old";
  EXPECT_EQ(verdict(signed_by(rsa_.private_pem, JWT_ALG_RS256, {"lab.a", std::chrono::seconds(300), ""})),
            "malformed_jwt");
}

TEST_F(ClientAssertionTest, TokensEndAfterFiveMinutes) {
  AccessTokens tokens(clock_);
  const Secret token = tokens.issue("lab.a");
  EXPECT_EQ(tokens.client_of(token.reveal()), "lab.a");
  EXPECT_EQ(tokens.client_of("other"), std::nullopt);
  clock_.advance(std::chrono::minutes(4));
  EXPECT_EQ(tokens.client_of(token.reveal()), "lab.a");
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(tokens.client_of(token.reveal()), std::nullopt);
}

}  // namespace
}  // namespace relay
