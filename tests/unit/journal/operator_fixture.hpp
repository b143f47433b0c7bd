// What people do to a journal, answers awaited.
#pragma once

#include "journal/operator_actions.hpp"
#include "journal_fixture.hpp"

namespace relay {

class OperatorTest : public JournalTest {
 protected:
  using Answer = Result<ActionDone, ActionRefusal>;

  OperatorTest() { options.destinations = {"archive", "cloud"}; }

  template <class Start>
  Answer await(Start start) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    start([promise](Answer answer) { promise->set_value(std::move(answer)); });
    return future.get();
  }
  OperatorActions& actions() { return journal->operator_actions(); }

  Answer act(SubmissionAction action, const SubmissionId& id, std::optional<std::string> destination = std::nullopt,
             std::string reason = "") {
    return await([&](ActionCallback done) {
      actions().act({action, id, std::move(destination), std::move(reason), anna}, std::move(done));
    });
  }
  Answer all(SubmissionAction action, std::optional<WallTime> since = std::nullopt,
             std::optional<WallTime> until = std::nullopt) {
    return await([&](ActionCallback done) {
      actions().act_on_all({action, "cloud", since, until, "", anna}, std::move(done));
    });
  }
  Answer redirect(std::vector<SubmissionId> only = {}, ByteCount largest = {1'000'000}) {
    return await([&](ActionCallback done) {
      actions().redirect(
          {"cloud", "archive", [largest](const Submission& s) { return s.size <= largest; }, std::move(only), "", anna},
          std::move(done));
    });
  }
  Answer pause(const std::string& destination) {
    return await([&](ActionCallback done) { actions().pause(destination, anna, std::move(done)); });
  }
  Answer resume(const std::string& destination) {
    return await([&](ActionCallback done) { actions().resume(destination, anna, std::move(done)); });
  }

  // One with a delivery to cloud that has ended so.
  SubmissionId delivered_one(const std::string& payload = "payload") {
    const SubmissionId id = append_ok(small(payload));
    EXPECT_TRUE(settle(claim_one().token, delivered()).ok());
    return id;
  }
  SubmissionId dead_one(const std::string& payload = "payload") {
    const SubmissionId id = append_ok(small(payload));
    EXPECT_TRUE(settle(claim_one().token, refused()).ok());
    return id;
  }
  NewSubmission for_both(const std::string& payload) {
    NewSubmission made = small(payload);
    made.destinations = {"cloud", "archive"};
    return made;
  }
  DeliveryView delivery_of(const SubmissionId& id, const std::string& destination, bool with_history = false) {
    for (const DeliveryView& delivery : view(id, with_history).deliveries) {
      if (delivery.destination == destination) return delivery;
    }
    ADD_FAILURE() << "no delivery to " << destination;
    return {};
  }
  bool read_is_kept(const SubmissionId& id) {
    const auto source = journal->payload_of(id);
    return source.ok() && (*source)->read(0, 1).ok();
  }
  std::vector<AuditEntry> audit() {
    auto page = actions().audit({});
    EXPECT_TRUE(page.ok());
    return page.ok() ? page->entries : std::vector<AuditEntry>();
  }
  void expect_sound() {
    expect_promise_7(*journal->snapshot());
    EXPECT_EQ(verify_findings(), std::vector<std::string>());
  }

  const Operator anna{"uid 1000 (anna)", "socket"};
};

#define EXPECT_CHANGED(answer, count)                               \
  do {                                                              \
    const auto& given = (answer);                                   \
    if (given.ok()) {                                               \
      EXPECT_EQ(given->changed, static_cast<std::uint64_t>(count)); \
    } else {                                                        \
      ADD_FAILURE() << "refused: " << given.error().message;        \
    }                                                               \
  } while (false)

// The answer is a refusal of that kind whose message holds that text.
#define EXPECT_REFUSED(answer, wanted, text)                                                   \
  do {                                                                                         \
    const auto& given = (answer);                                                              \
    if (given.ok()) {                                                                          \
      ADD_FAILURE() << "changed " << given->changed;                                           \
    } else {                                                                                   \
      EXPECT_EQ(given.error().kind, ActionRefusal::Kind::wanted);                              \
      EXPECT_NE(given.error().message.find(text), std::string::npos) << given.error().message; \
    }                                                                                          \
  } while (false)

}  // namespace relay
