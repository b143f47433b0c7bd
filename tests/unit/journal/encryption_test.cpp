// Encryption at rest: what can name a person isn't on the disk, opens with its key alone, and a journal whose key is
// missing is refused before anything is touched.
#include <sqlite3.h>

#include <set>

#include "journal/payload_cipher.hpp"
#include "journal/payload_row.hpp"
#include "unit/journal/journal_fixture.hpp"

namespace relay {
namespace {

constexpr const char* planted = "PLANTED^JANE^NAME";

Secret key(char fill) {
  return Secret(std::string(32, fill));
}

class Encryption : public JournalTest {
 protected:
  Encryption() { use({'a'}); }

  void use(const std::vector<char>& fills) {
    options.encryption_keys.clear();
    for (const char fill : fills) options.encryption_keys.push_back(key(fill));
  }
  // The kind and the message of a refused start.
  std::optional<JournalOpenFailure> refusal() {
    auto opened = open_journal(options, clock);
    if (opened) return std::nullopt;
    return opened.error();
  }
  // Which of the journal's files hold that text.
  std::vector<std::string> files_with(const std::string& text) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream in(entry.path(), std::ios::binary);
      std::stringstream bytes;
      bytes << in.rdbuf();
      if (bytes.str().find(text) != std::string::npos) found.push_back(entry.path().filename().string());
    }
    return found;
  }
  NewSubmission named(const std::string& payload) {
    NewSubmission made = small(payload);
    made.submission.payload_name = std::string(planted) + ".hl7";
    made.submission.content_type_parameters = "; name=\"" + std::string(planted) + "\"";
    made.submission.query_parameters = "default=" + std::string(planted);
    made.idempotency_key = std::string("http:lab.default:") + planted;
    return made;
  }
  std::string payload_of(const SubmissionId& id) {
    const auto source = journal->payload_of(id);
    return source ? read_all(**source) : "";
  }
  VerifyReport verified() {
    auto report = verify_journal(options.path, "", {}, {options.encryption_keys, ""});
    EXPECT_TRUE(report.ok());
    return report.ok() ? *report : VerifyReport{};
  }
  // With the journal closed: one statement on its file, past the daemon.
  void tamper(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(options.path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
};

TEST_F(Encryption, LeavesNoNameInAnyFileAndGivesAllOfItBack) {
  open();
  const std::string bytes = std::string("PID|1||") + planted;
  const SubmissionId id = append_ok(named(bytes));
  const std::string large_bytes = std::string(300'000, 'x') + planted;
  const SubmissionId large_id = append_ok(large(large_bytes));
  Settlement busy = try_again(Outcome::try_later);
  busy.attempt.error->remote_text = std::string("no room for ") + planted;
  ASSERT_TRUE(settle(claim_one().token, busy).ok());

  EXPECT_EQ(files_with(planted), std::vector<std::string>());
  reopen();
  EXPECT_EQ(files_with(planted), std::vector<std::string>());
  EXPECT_EQ(payload_of(id), bytes);
  EXPECT_EQ(payload_of(large_id), large_bytes);
  const SubmissionView shown = view(id, true);
  EXPECT_EQ(shown.submission.payload_name, std::string(planted) + ".hl7");
  EXPECT_EQ(shown.submission.content_type_parameters, "; name=\"" + std::string(planted) + "\"");
  EXPECT_EQ(shown.deliveries.at(0).last_error->remote_text, std::string("no room for ") + planted);
  const auto report = verified();
  EXPECT_TRUE(report.findings.empty() && report.not_checked.empty());
  EXPECT_EQ(report.payloads_checked, 2U);
}

TEST_F(Encryption, PlainJournalHoldsTheNameSoTheSearchCanFail) {
  use({});
  open();
  append_ok(named(std::string("PID|1||") + planted));
  EXPECT_FALSE(files_with(planted).empty());
}

TEST_F(Encryption, RefusesAnotherKeyOrNoneAndChangesNothing) {
  open();
  const SubmissionId id = append_ok(named("one"));
  close();
  const auto before = files();
  for (const std::vector<char>& given : {std::vector<char>{'b'}, std::vector<char>{}}) {
    use(given);
    const auto why = refusal();
    ASSERT_TRUE(why);
    EXPECT_EQ(why->kind, JournalOpenFailure::Kind::wrong_key);
    EXPECT_NE(why->message.find("journal.encryption_key"), std::string::npos) << why->message;
    EXPECT_EQ(changed_files(before, files()), std::vector<std::string>());
  }
  use({'a'});
  open();
  EXPECT_EQ(payload_of(id), "one");
}

TEST_F(Encryption, OpensOldRowsWithAnOldKeyBehindTheNewOne) {
  open();
  const SubmissionId old = append_ok(named("old"));
  close();
  use({'b', 'a'});
  open();
  EXPECT_EQ(payload_of(old), "old");
  const SubmissionId fresh = append_ok(small("fresh"));
  // The same key is known again, although another one seals now.
  NewSubmission again = named("old");
  const auto repeated = append(std::move(again));
  ASSERT_TRUE(repeated.ok());
  EXPECT_TRUE(repeated->replayed);
  close();
  use({'b'});
  EXPECT_TRUE(refusal());
  use({'a'});
  EXPECT_TRUE(refusal());
  use({'a', 'b'});
  open();
  EXPECT_EQ(payload_of(old), "old");
  EXPECT_EQ(payload_of(fresh), "fresh");
  EXPECT_TRUE(verified().findings.empty());
}

TEST_F(Encryption, CanBeTurnedOnForAJournalThatHoldsPlainRows) {
  use({});
  open();
  const SubmissionId plain = append_ok(named("plain"));
  close();
  use({'a'});
  open();
  const SubmissionId sealed = append_ok(small("sealed"));
  EXPECT_EQ(payload_of(plain), "plain");
  EXPECT_EQ(payload_of(sealed), "sealed");
  const auto repeated = append(named("plain"));
  ASSERT_TRUE(repeated.ok());
  EXPECT_TRUE(repeated->replayed);
  EXPECT_TRUE(verified().findings.empty());
  close();
  use({});
  EXPECT_TRUE(refusal());
}

TEST_F(Encryption, AKeyThatSealedNothingMayGoAgain) {
  use({});
  open();
  append_ok(small("plain"));
  close();
  use({'a'});
  open();
  close();
  use({});
  open();
  EXPECT_TRUE(append(small("more")).ok());
}

TEST_F(Encryption, ARowWhoseSealWasBrokenIsCorruptAndBlocksNobody) {
  open();
  const SubmissionId broken = append_ok(small("to be broken"));
  const SubmissionId whole = append_ok(small("whole"));
  close();
  // Another last byte, whatever it is.
  tamper(
      "UPDATE submission SET payload = CAST(substr(payload, 1, length(payload) - 1) ||"
      " iif(substr(payload, -1) = x'00', x'01', x'00') AS BLOB) WHERE seq = 1");
  open();
  const auto claims = journal->claim("cloud", 2);
  ASSERT_EQ(claims.size(), 2U);
  const auto read = journal->payload(claims[0])->read(0, 100);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().failure, PayloadFailure::corrupt);
  EXPECT_EQ(read_all(*journal->payload(claims[1])), "whole");
  const auto report = verified();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].code, "seal");
  EXPECT_EQ(report.findings[0].submission, broken.text());
  EXPECT_NE(broken, whole);
}

TEST_F(Encryption, RowsCanNotBeExchanged) {
  open();
  append_ok(small("result of one"));
  append_ok(small("result of two"));
  close();
  tamper("UPDATE submission SET payload = (SELECT payload FROM submission WHERE seq = 3 - submission.seq)");
  open();
  for (const Claim& claim : journal->claim("cloud", 2)) EXPECT_FALSE(journal->payload(claim)->read(0, 100).ok());
}

TEST_F(Encryption, MetadataOfASealedRowCanNotBeRewritten) {
  open();
  append_ok(small("a result"));
  close();
  // Somebody who knows the plain row digest but no key.
  tamper("UPDATE submission SET accepted_at = accepted_at + 1");
  open();
  EXPECT_FALSE(journal->payload(claim_one())->read(0, 100).ok());
}

TEST_F(Encryption, VerifyWithoutTheKeyLeavesSealsUncheckedAndSaysSo) {
  open();
  append_ok(named("one"));
  const auto report = verify_journal(options.path, "", {}, {{}, "the key can't be read"});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->findings.empty());
  ASSERT_EQ(report->not_checked.size(), 1U);
  EXPECT_NE(report->not_checked[0].find("the key can't be read"), std::string::npos);
  EXPECT_EQ(report->payloads_checked, 0U);
}

TEST(SealedPayloadRow, OpensAtItsPlaceAlone) {
  std::vector<SealingKey> keys;
  keys.emplace_back(key('a'));
  const PayloadCipher cipher(std::move(keys), key('s'));
  const PayloadRowPlace place{Uuid{{1}}, 1, false, {1}};
  const std::string row = frame_payload("chunk", place, cipher);
  EXPECT_EQ(unframe_payload(row, place, cipher), "chunk");
  EXPECT_FALSE(unframe_payload(row, {Uuid{{2}}, 1, false, {1}}, cipher));
  EXPECT_FALSE(unframe_payload(row, {Uuid{{1}}, 2, false, {1}}, cipher));
  EXPECT_FALSE(unframe_payload(row, {Uuid{{1}}, 1, true, {1}}, cipher));
  EXPECT_FALSE(unframe_payload(row, {Uuid{{1}}, 1, false, {2}}, cipher));
}

TEST(SealingKeyTest, NeverUsesANonceTwice) {
  const SealingKey one(key('a'));
  const SealingKey other_opening(key('a'));
  std::set<std::string> used;
  constexpr std::size_t salt_and_nonce_at = 5;
  constexpr std::size_t salt_and_nonce = 28;
  for (int i = 0; i < 1000; ++i) {
    for (const SealingKey* each : {&one, &other_opening}) {
      EXPECT_TRUE(used.insert(each->seal("same", "same").substr(salt_and_nonce_at, salt_and_nonce)).second);
    }
  }
}

TEST(SealingKeyTest, OpensOnlyWhatIsWholeAndWhereItBelongs) {
  const SealingKey writer(key('a'));
  const SealingKey reader(key('a'));
  const std::string sealed = writer.seal("text", "place");
  EXPECT_EQ(reader.open(sealed, "place"), "text");
  EXPECT_EQ(reader.open(writer.seal("", "place"), "place"), "");
  EXPECT_FALSE(reader.open(sealed, "elsewhere"));
  EXPECT_FALSE(SealingKey(key('b')).open(sealed, "place"));
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(reader.open(changed, "place")) << at;
    EXPECT_FALSE(reader.open(sealed.substr(0, at), "place")) << at;
  }
}

}  // namespace
}  // namespace relay
