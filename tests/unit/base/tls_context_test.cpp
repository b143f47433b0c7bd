#include "base/tls_context.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/stepped_clock.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"

namespace relay {
namespace {

class TlsContextTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }
  static std::string failure_of(TlsFiles files) {
    const auto made = TlsContext::make(std::move(files));
    return made ? "" : made.error().message;
  }

  const TestCertificate ours_ = make_test_certificate();
  const TestCertificate other_ = make_test_certificate("other.example");
  TemporaryFolder folder_;
  SteppedClock clock_{system_clock().wall_now()};
};

TEST_F(TlsContextTest, TakesPathsAndPemText) {
  EXPECT_EQ(failure_of({ours_.certificate_pem, ours_.key_pem, ""}), "");
  EXPECT_EQ(
      failure_of({write("c", ours_.certificate_pem), write("k", ours_.key_pem), write("a", other_.certificate_pem)}),
      "");
}

TEST_F(TlsContextTest, SaysWhatIsWrongWithWhichFile) {
  const std::string missing = (folder_.path() / "missing").string();
  EXPECT_NE(failure_of({missing, ours_.key_pem, ""}).find("certificate: can't open " + missing), std::string::npos)
      << failure_of({missing, ours_.key_pem, ""});
  const std::string empty = write("empty", "");
  EXPECT_EQ(failure_of({empty, ours_.key_pem, ""}), "certificate " + empty + ": there is no PEM certificate in it");
  EXPECT_EQ(failure_of({ours_.certificate_pem, empty, ""}),
            "key " + empty + ": there is no PEM private key without a passphrase in it");
  EXPECT_EQ(failure_of({ours_.certificate_pem, ours_.key_pem, empty}),
            "client_ca " + empty + ": there is no PEM certificate in it");
  const std::string foreign_key = write("foreign", other_.key_pem);
  EXPECT_EQ(failure_of({ours_.certificate_pem, foreign_key, ""}),
            "key " + foreign_key + ": it isn't the key of certificate");
}

TEST_F(TlsContextTest, ComplainsAboutEachFileThatIsNamed) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(TlsContext::complaints_about({ours_.certificate_pem, ours_.key_pem, other_.certificate_pem}), Texts{});
  EXPECT_EQ(TlsContext::complaints_about({}), Texts{});
  const std::string empty = write("empty", "");
  const std::string no_certificate = "certificate " + empty + ": there is no PEM certificate in it";
  const std::string no_authority = "client_ca " + empty + ": there is no PEM certificate in it";
  EXPECT_EQ(TlsContext::complaints_about({empty, empty, empty}),
            (Texts{no_certificate, "key " + empty + ": there is no PEM private key without a passphrase in it",
                   no_authority}));
  EXPECT_EQ(TlsContext::complaints_about({empty, other_.key_pem, ""}), Texts{no_certificate})
      << "whose key it is can't be told then";
  EXPECT_EQ(TlsContext::complaints_about({ours_.certificate_pem, other_.key_pem, empty}),
            (Texts{"key: it isn't the key of certificate", no_authority}));
}

TEST_F(TlsContextTest, NeverShowsAKeyThatStandsInTheConfiguration) {
  const std::string broken = ours_.key_pem.substr(0, 80);
  const std::string message = failure_of({ours_.certificate_pem, broken, ""});
  EXPECT_NE(message, "");
  EXPECT_EQ(message.find("BEGIN"), std::string::npos) << message;
}

TEST_F(TlsContextTest, ReadsChangedFilesAgainAndKeepsTheLastGoodOnes) {
  const std::string certificate = write("c", ours_.certificate_pem);
  const std::string key = write("k", ours_.key_pem);
  const auto context = *TlsContext::make({certificate, key, ""}, clock_);
  const auto first = context->current();
  const auto look = [&] {
    clock_.advance(std::chrono::seconds(1));
    return context->current();
  };
  EXPECT_EQ(look(), first);
  write("c", other_.certificate_pem);
  EXPECT_EQ(look(), first) << "its key isn't there yet";
  write("k", other_.key_pem);
  const auto second = look();
  EXPECT_NE(second, first);
  std::filesystem::remove(certificate);
  EXPECT_EQ(look(), second);
}

TEST_F(TlsContextTest, KnowsWhenItsCertificateEnds) {
  const auto context = *TlsContext::make({ours_.certificate_pem, ours_.key_pem, ""});
  const auto left = context->not_after() - system_clock().wall_now();
  EXPECT_GT(left, std::chrono::minutes(50));
  EXPECT_LT(left, std::chrono::minutes(70));
}

}  // namespace
}  // namespace relay
