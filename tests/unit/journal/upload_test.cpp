// Large payloads: in by chunks, visible only as a whole, and swept when nobody wants them.
#include <filesystem>

#include "journal/database.hpp"
#include "journal_fixture.hpp"

namespace relay {
namespace {

class UploadTest : public JournalTest {
 protected:
  static std::string payload_of(std::size_t size) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>((i * 2654435761u) >> 13);
    return payload;
  }
  std::int64_t chunks_in_the_file() {
    Connection connection(options.path, Connection::Mode::read, "");
    return connection.integer("SELECT count(*) FROM payload_chunk");
  }
  // Each commit sweeps a slice.
  void wait_until_swept(std::int64_t down_to = 0) {
    for (int commits = 0; chunks_in_the_file() > down_to; ++commits) {
      ASSERT_LT(commits, 500) << "nobody sweeps";
      append_ok(small("the writer goes on"));
    }
  }
};

TEST_F(UploadTest, AnUploadComesBackByteForByteInAnyPieces) {
  open();
  const std::string payload = payload_of(3 * payload_chunk_size.value + 12345);
  append_ok(large(payload));
  const Claim claim = claim_one();
  EXPECT_EQ(claim.submission.size.value, payload.size());
  for (const std::size_t step : {std::size_t{1000}, std::size_t{payload_chunk_size.value}, payload.size()}) {
    EXPECT_EQ(read_all(*journal->payload(claim), step), payload) << step;
  }
}

TEST_F(UploadTest, AnUploadOfExactlyWholeChunksIsWhole) {
  open();
  const std::string payload = payload_of(2 * payload_chunk_size.value);
  append_ok(large(payload));
  EXPECT_EQ(read_all(*journal->payload(claim_one()), 50'000), payload);
}

TEST_F(UploadTest, APayloadMayBeReadAgainFromTheStartAndOutOfOrder) {
  open();
  const std::string payload = payload_of(2 * payload_chunk_size.value + 7);
  append_ok(large(payload));
  const auto source = journal->payload(claim_one());
  EXPECT_EQ(*source->read(0, 10), payload.substr(0, 10));
  EXPECT_EQ(*source->read(payload.size() - 7, 100), payload.substr(payload.size() - 7));
  EXPECT_EQ(read_all(*source), payload);
  EXPECT_EQ(read_all(*source), payload);
  EXPECT_EQ(*source->read(payload.size(), 100), "");
}

TEST_F(UploadTest, NothingIsSeenOfAnUploadBeforeItIsAppended) {
  open();
  const auto chunks = upload(ids.next(), payload_of(payload_chunk_size.value));
  EXPECT_TRUE(journal->claim("cloud", 10).empty());
  EXPECT_TRUE(journal->list({})->submissions.empty());
  EXPECT_EQ(totals().accepted, 0u);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(UploadTest, AnUploadThatIsGivenUpIsSwept) {
  open();
  auto chunks = upload(ids.next(), payload_of(9 * payload_chunk_size.value));
  EXPECT_EQ(chunks_in_the_file(), 9);
  chunks.reset();
  wait_until_swept();
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(UploadTest, AnUploadThatIsGivenUpDuringItsFirstChunkIsSwept) {
  open();
  for (int i = 0; i < 20; ++i) {
    auto chunks = journal->open_upload(ids.next());
    std::promise<void> answered;
    journal->append_chunk(*chunks, payload_of(100), [&](auto) { answered.set_value(); });
    chunks.reset();
    answered.get_future().wait();
  }
  wait_until_swept();
}

TEST_F(UploadTest, WhatWasOnItsWayInWhenTheProcessEndedIsSweptAfterTheNextStart) {
  open();
  const std::string kept = payload_of(payload_chunk_size.value + 1);
  const SubmissionId id = append_ok(large(kept));
  auto chunks = upload(ids.next(), payload_of(5 * payload_chunk_size.value));
  EXPECT_EQ(chunks_in_the_file(), 7);
  close();
  open();
  wait_until_swept(2);
  EXPECT_EQ(read_all(**journal->payload_of(id)), kept);
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

TEST_F(UploadTest, ARepeatedUploadIsAbsorbedAndItsChunksAreSwept) {
  open();
  const std::string payload = payload_of(2 * payload_chunk_size.value);
  for (const bool replayed : {false, true}) {
    NewSubmission made = large(payload);
    made.idempotency_key = "http:lab.default:k";
    const auto appended = append(std::move(made));
    ASSERT_TRUE(appended.ok());
    EXPECT_EQ(appended->replayed, replayed);
  }
  wait_until_swept(2);
  EXPECT_EQ(read_all(*journal->payload(claim_one())), payload);
}

TEST_F(UploadTest, ChunksOfAWrongSizeAreABugOfTheCaller) {
  open();
  auto chunks = journal->open_upload(ids.next());
  EXPECT_THROW(journal->append_chunk(*chunks, "", [](auto) {}), std::invalid_argument);
  EXPECT_THROW(journal->append_chunk(*chunks, std::string(payload_chunk_size.value + 1, 'x'), [](auto) {}),
               std::invalid_argument);
  EXPECT_TRUE(append_chunk(*chunks, "short, so the last").ok());
  EXPECT_THROW(journal->append_chunk(*chunks, "one more", [](auto) {}), std::invalid_argument);
}

TEST_F(UploadTest, AnUploadThatIsntTheSubmissionsPayloadIsABugOfTheCaller) {
  open();
  NewSubmission made = large(payload_of(payload_chunk_size.value));
  made.submission.size = {1};
  EXPECT_THROW(journal->append(std::move(made), [](auto) {}), std::invalid_argument);
  NewSubmission other = large(payload_of(payload_chunk_size.value));
  other.submission.id = ids.next();
  EXPECT_THROW(journal->append(std::move(other), [](auto) {}), std::invalid_argument);
}

}  // namespace
}  // namespace relay
