#include "destinations/directory.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>

#include "support/memory_payload.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;

const std::string payload = "MSH|^~\\&|LAB\r";

class DirectoryDestination : public ::testing::Test {
 protected:
  AttemptResult deliver(const Submission& submission, std::shared_ptr<PayloadSource> source) {
    Delivery delivery;
    delivery.attempt = ++attempts;
    delivery.submission = submission;
    delivery.payload = std::move(source);
    destination->start(std::move(delivery));
    for (int turn = 0; turn < 300; ++turn)
      if (auto results = destination->poll(100ms); !results.empty()) return std::move(results.front().result);
    ADD_FAILURE() << "no result came";
    return {};
  }
  AttemptResult deliver(const Submission& submission, const std::string& bytes = payload) {
    return deliver(submission, std::make_shared<MemoryPayload>(bytes));
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) found.insert(entry.path().filename());
    return found;
  }
  std::string contents(const std::string& name) const {
    std::ifstream file(folder.path() / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  TemporaryFolder folder;
  std::unique_ptr<Destination> destination = make_directory(DirectorySettings{folder.path()}, "lab-014");
  std::uint64_t attempts = 0;
};

TEST_F(DirectoryDestination, WritesPayloadAndDescription) {
  Submission submission = submission_of(payload, "Lab.One");
  submission.payload_name = "J\xF6rg\r\n";
  const std::string id = submission.id.text();
  const auto result = deliver(submission);
  EXPECT_EQ(result.outcome, Outcome::accepted);
  EXPECT_EQ(result.receipt, (Receipt{{"path", (folder.path() / (id + ".hl7")).string()}}));
  EXPECT_EQ(names(), (std::set<std::string>{id + ".hl7", id + ".json"}));
  EXPECT_EQ(contents(id + ".hl7"), payload);
  const boost::json::value expected = {{"id", id},
                                       {"client", "Lab.One"},
                                       {"content_type", "application/hl7-v2"},
                                       {"payload_name", "J\xC3\xB6rg\r\n"},
                                       {"size", payload.size()},
                                       {"sha256", sha256(payload).hex()},
                                       {"accepted_at", format_rfc3339(submission.accepted_at)},
                                       {"intake", "http"},
                                       {"site", "lab-014"}};
  EXPECT_EQ(boost::json::parse(contents(id + ".json")), expected);
}

TEST_F(DirectoryDestination, AMissingPayloadNameIsNull) {
  const auto description = boost::json::parse(directory_description(submission_of(payload), "s"));
  EXPECT_TRUE(description.at("payload_name").is_null());
}

TEST_F(DirectoryDestination, AJsonPayloadAndItsDescriptionAreTwoFiles) {
  const Submission submission = submission_of("{}", "lab", "application/fhir+json");
  const std::string id = submission.id.text();
  const auto result = deliver(submission, "{}");
  EXPECT_EQ(result.receipt.at("path"), (folder.path() / (id + ".payload.json")).string());
  EXPECT_EQ(contents(id + ".payload.json"), "{}");
  EXPECT_EQ(boost::json::parse(contents(id + ".json")).at("id").as_string(), id);
}

TEST_F(DirectoryDestination, ARepeatWritesTheSameBytesAndAHalfWrittenFileIsBegunAnew) {
  const Submission submission = submission_of(payload);
  const std::string id = submission.id.text();
  std::ofstream(folder.path() / ("." + id + ".hl7.tmp")) << std::string(1000, 'z');
  EXPECT_EQ(deliver(submission).outcome, Outcome::accepted);
  EXPECT_EQ(deliver(submission).outcome, Outcome::accepted);
  EXPECT_EQ(contents(id + ".hl7"), payload);
  EXPECT_EQ(names().size(), 2U);
}

TEST_F(DirectoryDestination, NothingIsLeftOfAPayloadThatCantBeRead) {
  for (const auto& [failure, outcome] :
       {std::pair{PayloadFailure::corrupt, Outcome::refused}, {PayloadFailure::unreadable, Outcome::try_later}}) {
    const auto source = std::make_shared<MemoryPayload>(std::string(1'000'000, 'x'));
    source->fail_at_the_end(failure);
    EXPECT_EQ(deliver(submission_of(payload), source).outcome, outcome);
    EXPECT_TRUE(names().empty());
  }
}

TEST_F(DirectoryDestination, CancellingLeavesNoHalfWrittenFile) {
  Delivery delivery;
  delivery.attempt = 1;
  delivery.submission = submission_of(payload);
  delivery.payload = std::make_shared<MemoryPayload>(std::string(20'000'000, 'x'));
  destination->start(std::move(delivery));
  EXPECT_TRUE(destination->poll(0ms).empty()) << "so much isn't written in one turn";
  EXPECT_EQ(names().size(), 1U);
  destination->cancel_all();
  EXPECT_TRUE(names().empty());
}

TEST_F(DirectoryDestination, AFolderThatIsntThereIsBrokenAndNeverMade) {
  destination = make_directory(DirectorySettings{folder.path() / "missing"}, "lab-014");
  const auto result = deliver(submission_of(payload));
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_EQ(result.error->kind, ErrorKind::not_found);
  EXPECT_NE(result.error->message.find("; make the folder " + (folder.path() / "missing").string()), std::string::npos);
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(destination->probe().at(0).kind, ProbeFinding::Kind::bad);
}

TEST_F(DirectoryDestination, AFileInTheFoldersPlaceIsBroken) {
  std::ofstream(folder.path() / "file") << "x";
  destination = make_directory(DirectorySettings{folder.path() / "file"}, "lab-014");
  EXPECT_EQ(deliver(submission_of(payload)).error->kind, ErrorKind::not_found);
  EXPECT_EQ(destination->probe().at(0).kind, ProbeFinding::Kind::bad);
}

// A real full file system, where this may mount one.
TEST_F(DirectoryDestination, AFullDiskIsBrokenAndLeavesNothingBehind) {
  if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "can't mount a small disk";
  const std::string large(200'000, 'x');
  const auto result = deliver(submission_of(large), large);
  const auto left = names();
  const auto small = deliver(submission_of(payload));
  ::umount(folder.path().c_str());
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_EQ(result.error->kind, ErrorKind::unavailable);
  EXPECT_NE(result.error->message.find("No space left on device"), std::string::npos) << result.error->message;
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(small.outcome, Outcome::accepted);
}

}  // namespace
}  // namespace relay
