// A receiver over a real journal in a temporary folder, with destinations that differ in what they take.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "intake/receiver.hpp"
#include "journal/journal.hpp"

namespace relay::test {

inline const std::string hl7 = "MSH|^~\\&|LAB|A|B|C|20261124||ORU^R01|1|P|2.5.1\rPID|1\r";
inline const std::string fhir = "{\"resourceType\":\"Bundle\"}\n";

class IntakeTest : public testing::Test {
 protected:
  IntakeTest() {
    std::string name = (std::filesystem::temp_directory_path() / "intake-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    settings_.max_payload = ByteCount{3'000'000};
    settings_.content_types.push_back("application/octet-stream");
  }
  ~IntakeTest() override {
    if (journal_) journal_->close();
    std::filesystem::remove_all(folder_);
  }

  // reportstream: HL7 and FHIR of any size; small: anything up to 1000 bytes; archive: anything.
  void open(std::vector<std::string> clients = {}) {
    JournalOptions options;
    options.path = folder_ / "journal.db";
    options.allow_tmpfs = true;
    options.min_free_disk = ByteCount{0};
    options.max_size = max_journal_;
    options.destinations = {"reportstream", "small", "archive"};
    auto opened = open_journal(options, system_clock());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(*opened);
    DestinationLimits reportstream;
    reportstream.content_types = {"application/hl7-v2", "application/fhir+ndjson"};
    reportstream.reaches_reportstream = true;
    DestinationLimits small;
    small.max_payload = ByteCount{1000};
    const auto route = [](std::string client, std::vector<std::string> to) {
      Route made;
      made.match.client = std::move(client);
      made.to = std::move(to);
      return made;
    };
    const std::vector<Route> routes = {route("archive.*", {"archive"}), route("small.*", {"archive", "small"}),
                                       route("lab.*", {"reportstream"})};
    receiver_ = std::make_unique<Receiver>(
        settings_, std::move(clients),
        RouteTable(routes, {}, {{"reportstream", reportstream}, {"small", small}, {"archive", {}}}), *journal_,
        system_clock());
  }

  static Arrival arrival(std::string client = "lab.a", std::string type = "application/hl7-v2") {
    Arrival made;
    made.client = std::move(client);
    made.content_type = MediaType{std::move(type), ""};
    return made;
  }
  std::optional<ProblemName> refusal(Arrival from) {
    const auto admitted = receiver_->admit(std::move(from));
    return admitted ? std::nullopt : std::optional(admitted.error().name);
  }
  // Writes in pieces of that size and waits until it is durable.
  Result<Appended, RequestProblem> submit(Arrival from, std::string_view payload, std::size_t piece = 30'000) {
    auto admitted = receiver_->admit(std::move(from));
    if (!admitted) return Failure{admitted.error()};
    for (std::size_t at = 0; at < payload.size(); at += piece) {
      auto written = write(**admitted, payload.substr(at, piece));
      if (!written) return Failure{written.error()};
    }
    std::promise<Result<Appended, RequestProblem>> durable;
    (*admitted)->finish([&](auto result) { durable.set_value(std::move(result)); });
    return durable.get_future().get();
  }
  static Result<void, RequestProblem> write(Reception& reception, std::string_view bytes) {
    std::promise<Result<void, RequestProblem>> ready;
    reception.write(bytes, [&](auto result) { ready.set_value(std::move(result)); });
    return ready.get_future().get();
  }
  std::string kept_payload(const SubmissionId& id) {
    auto source = journal_->payload_of(id);
    EXPECT_TRUE(source.ok());
    std::string payload;
    while (payload.size() < (*source)->size().value) {
      auto piece = (*source)->read(payload.size(), 100'000);
      EXPECT_TRUE(piece.ok()) << piece.error().message;
      if (!piece || piece->empty()) break;
      payload += *piece;
    }
    return payload;
  }
  std::uint64_t counter(const std::string& name, std::vector<std::string> labels) {
    const auto snapshot = journal_->snapshot();
    EXPECT_TRUE(snapshot.ok());
    const auto found = snapshot->counters.find({name, std::move(labels)});
    return found == snapshot->counters.end() ? 0 : found->second;
  }
  std::uint64_t accepted(const std::string& destination) {
    const auto snapshot = journal_->snapshot();
    EXPECT_TRUE(snapshot.ok());
    return snapshot->destinations.at(destination).accepted;
  }
  // Plays the lane of that destination for one delivery.
  void settle_one(const std::string& destination, Settlement::Kind kind) {
    const auto claims = journal_->claim(destination, 1);
    ASSERT_EQ(claims.size(), 1U);
    Settlement settlement;
    settlement.kind = kind;
    settlement.attempt.started_at = settlement.attempt.ended_at = system_clock().wall_now();
    settlement.attempt.outcome = kind == Settlement::Kind::delivered ? Outcome::accepted : Outcome::refused;
    if (kind == Settlement::Kind::dead_letter) {
      settlement.attempt.error = DeliveryError{ErrorKind::refused, 422, "refused in a test", ""};
    }
    std::promise<bool> settled;
    journal_->settle(claims.front().token, std::move(settlement), [&](auto result) { settled.set_value(result.ok()); });
    EXPECT_TRUE(settled.get_future().get());
  }

  std::filesystem::path folder_;
  IntakeSettings settings_;
  ByteCount max_journal_ = gibibytes(1);
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Receiver> receiver_;
};

}  // namespace relay::test
