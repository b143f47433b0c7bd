// Promise 7 and the model: whatever happens in whatever order, over restarts, the numbers add up in every snapshot, and
// every submission is where its last answer said.
#include <random>
#include <thread>

#include "journal_fixture.hpp"

namespace relay {
namespace {

class PromiseTest : public JournalTest, public testing::WithParamInterface<unsigned> {};

TEST_P(PromiseTest, HoldsInEverySnapshotOfARandomSchedule) {
  options.destinations = {"cloud", "archive", "third"};
  open();
  std::mt19937 random(GetParam());
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  std::atomic<bool> stop{false};
  std::thread reader;
  const auto start_reading = [&] {
    stop = false;
    reader = std::thread([&] {
      while (!stop) expect_promise_7(*journal->snapshot());
    });
  };
  const auto stop_reading = [&] {
    stop = true;
    reader.join();
  };
  start_reading();
  std::map<std::pair<SubmissionId, std::string>, DeliveryState> expected;
  std::map<std::string, std::vector<Claim>> held;
  for (int step = 0; step < 600; ++step) {
    const std::string destination = options.destinations[random() % 3];
    if (one_in(150)) {
      stop_reading();
      reopen();
      held.clear();
      start_reading();
    } else if (one_in(3)) {
      NewSubmission made =
          one_in(20) ? large(std::string(300'000, 'x'))
                     : small("payload " + std::to_string(random() % 8), "lab." + std::to_string(random() % 4));
      made.destinations = one_in(2) ? std::vector<std::string>{destination} : options.destinations;
      if (one_in(3)) made.idempotency_key = "key " + std::to_string(random() % 20);
      const auto destinations = made.destinations;
      const auto appended = append(std::move(made));
      if (appended.ok() && !appended->replayed) {
        for (const auto& name : destinations) expected[{appended->view.submission.id, name}] = DeliveryState::queued;
      }
    } else if (one_in(2) || held[destination].empty()) {
      for (Claim& claim : journal->claim(destination, 1 + random() % 4)) held[destination].push_back(std::move(claim));
    } else {
      const Claim claim = held[destination].back();
      held[destination].pop_back();
      DeliveryState& state = expected[{claim.submission.id, destination}];
      EXPECT_EQ(state, DeliveryState::queued) << "sent though it had ended";
      switch (random() % 5) {
        case 0:
          EXPECT_TRUE(settle(claim.token, refused()).ok());
          state = DeliveryState::dead_letter;
          break;
        case 1:
          EXPECT_TRUE(settle(claim.token, try_again(Outcome::broken, clock.wall_now() + std::chrono::seconds(5))).ok());
          break;
        case 2:
          journal->release(claim.token);
          break;
        default:
          EXPECT_TRUE(settle(claim.token, delivered()).ok());
          state = DeliveryState::delivered;
      }
    }
    clock.advance(std::chrono::milliseconds(random() % 2000));
  }
  stop_reading();
  std::map<std::string, std::map<DeliveryState, std::uint64_t>> counts;
  for (const auto& [key, state] : expected) {
    ++counts[key.second][state];
    const auto shown = view(key.first);
    for (const DeliveryView& delivery : shown.deliveries) {
      if (delivery.destination == key.second) {
        EXPECT_EQ(delivery.state, state);
      }
    }
  }
  auto snapshot = journal->snapshot();
  for (const std::string& name : options.destinations) {
    const DestinationTotals& t = snapshot->destinations[name];
    EXPECT_EQ(t.queued, counts[name][DeliveryState::queued]) << name;
    EXPECT_EQ(t.delivered, counts[name][DeliveryState::delivered]) << name;
    EXPECT_EQ(t.dead_letter, counts[name][DeliveryState::dead_letter]) << name;
  }
  EXPECT_EQ(verify_findings(), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Seeds, PromiseTest, testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace relay
