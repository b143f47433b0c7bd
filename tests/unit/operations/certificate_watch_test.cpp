// Which certificates end soon: those in files as they are now, and those that clients have shown.
#include "operations/certificate_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/shown_certificates.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificate.hpp"

namespace relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Ends in an hour.
const TestCertificate ours = make_test_certificate();
const TestCertificate ended = make_test_certificate("localhost", true);
const MonotonicTime start{};

WallTime end_of_ours() {
  return *certificates_end("certificate", ours.certificate_pem, EndOf::first);
}

Certificate parsed(const TestCertificate& certificate) {
  return std::move(certificates_in(certificate.certificate_pem).at(0));
}

TEST(CertificateWatch, TellsOfACertificateWithinTheNoticeAndNotBefore) {
  CertificateWatch watch({{"the certificate of admin", "", ours.certificate_pem}});
  EXPECT_TRUE(watch.look(start, end_of_ours() - certificate_notice).empty());
  const auto expiring = watch.look(start, end_of_ours() - certificate_notice + seconds(1));
  ASSERT_EQ(expiring.size(), 1u);
  EXPECT_EQ(expiring[0].name, "the certificate of admin");
  EXPECT_EQ(expiring[0].not_after, end_of_ours());
  EXPECT_EQ(watch.look(start, end_of_ours() + hours(1)).size(), 1u) << "also once it has ended";
}

TEST(CertificateWatch, ReadsAFileAgainAndKeepsWhatItSaidWhileItCantBeRead) {
  TemporaryFolder folder;
  const auto path = folder.path() / "certificate.pem";
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  const WallTime now = end_of_ours() - hours(1);
  write(ended.certificate_pem);
  CertificateWatch watch({{"c", "", path.native()}});
  EXPECT_LT(watch.look(start, now).at(0).not_after, now);
  std::filesystem::remove(path);
  EXPECT_LT(watch.look(start + seconds(20), now).at(0).not_after, now);
  write(ours.certificate_pem);
  EXPECT_EQ(watch.look(start + seconds(40), now).at(0).not_after, end_of_ours());
  watch.change({});
  EXPECT_TRUE(watch.look(start + seconds(41), now).empty());
}

TEST(CertificateWatch, AChainHoldsToItsFirstEndAndAuthoritiesToTheirLast) {
  const std::string both = ours.certificate_pem + ended.certificate_pem;
  const WallTime now = end_of_ours() - hours(1);
  CertificateWatch watch({{"chain", "", both, EndOf::first}, {"authorities", "", both, EndOf::last}});
  const auto expiring = watch.look(start, now);
  ASSERT_EQ(expiring.size(), 2u);
  EXPECT_EQ(expiring[0].name, "chain");
  EXPECT_LT(expiring[0].not_after, now);
  EXPECT_EQ(expiring[1].name, "authorities");
  EXPECT_EQ(expiring[1].not_after, end_of_ours());
}

TEST(CertificateWatch, TellsOfWhatAClientShowsUntilItShowsALaterOneOrStaysAway) {
  CertificateWatch watch({});
  const WallTime now = end_of_ours() - hours(1);
  note_shown_certificate(parsed(ended).get(), now);
  auto expiring = watch.look(start, now);
  ASSERT_EQ(expiring.size(), 1u);
  EXPECT_EQ(expiring[0].name, "a client's certificate") << "its subject is for the log alone";
  EXPECT_EQ(expiring[0].subject, "localhost");
  EXPECT_LT(expiring[0].not_after, now);
  note_shown_certificate(parsed(ours).get(), now);
  expiring = watch.look(start, now);
  ASSERT_EQ(expiring.size(), 1u);
  EXPECT_EQ(expiring[0].not_after, end_of_ours());
  EXPECT_EQ(watch.look(start, now + hours(7 * 24)).size(), 1u);
  EXPECT_TRUE(watch.look(start, now + hours(7 * 24) + minutes(1)).empty());
}

TEST(CertificateWatch, NamesEveryListenerThatHasOne) {
  Settings settings;
  HttpListenerSettings plain, guarded;
  guarded.tls.emplace();
  guarded.tls->files = {"/c.pem", "/k.pem", "/ca.pem"};
  settings.intake.http = {plain, guarded};
  MllpListenerSettings mllp;
  mllp.tls = guarded.tls;
  settings.intake.mllp = {mllp};
  settings.admin.tls = guarded.tls;
  std::vector<std::string> names;
  for (const auto& each : certificates_of(settings)) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{
                       "the certificate of intake.http 127.0.0.1:8870", "client_ca of intake.http 127.0.0.1:8870",
                       "the certificate of intake.mllp 127.0.0.1:2575", "client_ca of intake.mllp 127.0.0.1:2575",
                       "the certificate of admin 127.0.0.1:8871", "client_ca of admin 127.0.0.1:8871"}));
}

}  // namespace
}  // namespace relay
